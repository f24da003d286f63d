"""Money: integer minor units of one currency. No floats come near it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self, assert_never


class Currency(StrEnum):
    KES = "KES"
    AOA = "AOA"

    @property
    def minor_per_whole(self) -> int:
        """How many minor units make one whole unit. Our own table: CLDR's exponents are for display."""
        match self:
            case Currency.KES | Currency.AOA:
                return 100
            case _:
                assert_never(self)


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies can't be added or compared: convert neither, ask which was meant."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents of a shilling, cêntimos of a kwanza). Negative only in a ledger."""

    minor: int
    currency: Currency

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are an int, not {type(self.minor).__name__}")

    @classmethod
    def zero(cls, currency: Currency) -> Self:
        return cls(0, currency)

    @classmethod
    def of_whole(cls, whole: int, currency: Currency) -> Self:
        """`Money.of_whole(30, KES)` is thirty shillings."""
        if type(whole) is not int:
            raise TypeError(f"whole units are an int, not {type(whole).__name__}")
        return cls(whole * currency.minor_per_whole, currency)

    @property
    def is_whole(self) -> bool:
        """M-Pesa collects whole shillings only."""
        return self.minor % self.currency.minor_per_whole == 0

    @property
    def whole(self) -> int:
        """Whole units. Raises ValueError where cents would be lost."""
        if not self.is_whole:
            raise ValueError(f"{self.minor} minor units of {self.currency} are not a whole amount")
        return self.minor // self.currency.minor_per_whole

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def times(self, quantity: int) -> "Money":
        if type(quantity) is not int:
            raise TypeError(f"a quantity is an int, not {type(quantity).__name__}")
        return Money(self.minor * quantity, self.currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} don't mix")

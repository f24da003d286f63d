"""Vouchers as they are given and shown over the vendor's API and on the command line."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contracts.errors import ErrorCode, FieldError
from contracts.money import Currency, Money
from kit.paging import Time
from kit.problems import Problem
from router.vouchers.service import Voucher, normalized

_MAX_AMOUNT_MINOR = 10_000_000_000
_Uses = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


def _code(text: str) -> str:
    code = normalized(text)
    if not (3 <= len(code) <= 20 and code.isascii() and code.replace("-", "").isalnum()):
        raise ValueError("3 to 20 letters, digits and dashes, such as KARIBU10")
    return code


class NewVoucher(BaseModel):
    """`percent` of what the goods cost, or a fixed `amount_minor`: one of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[str, Field(max_length=40, examples=["KARIBU10"]), AfterValidator(_code)]
    percent: Annotated[int, Field(strict=True, ge=1, le=100, examples=[10])] | None = None
    amount_minor: Annotated[int, Field(strict=True, ge=1, le=_MAX_AMOUNT_MINOR)] | None = None
    minimum_minor: Annotated[int, Field(strict=True, ge=0, le=_MAX_AMOUNT_MINOR)] = Field(
        0, description="It counts from goods of this price on.", examples=[50000]
    )
    per_customer: _Uses | None = Field(1, description="null: no limit.")
    in_total: _Uses | None = Field(None, description="null: no limit.")
    starts_at: Time | None = None
    ends_at: Time | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.percent is None) == (self.amount_minor is None):
            raise ValueError("percent or amount_minor: one of them")
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at is after starts_at")
        return self


class VoucherView(BaseModel):
    model_config = ConfigDict(frozen=True)

    voucher_id: str
    code: str
    percent: int | None
    amount_minor: int | None
    currency: Currency
    minimum_minor: int
    per_customer: int | None
    in_total: int | None
    used: int
    """By orders that are confirmed or paid now."""
    starts_at: Time | None
    ends_at: Time | None
    active: bool


class VoucherList(BaseModel):
    model_config = ConfigDict(frozen=True)

    vouchers: list[VoucherView]


def voucher_in(given: NewVoucher, currency: Currency) -> Voucher:
    """Raises Problem 422 amount_invalid for parts of a shilling."""
    for name in ("amount_minor", "minimum_minor"):
        if currency is Currency.KES and (getattr(given, name) or 0) % currency.minor_per_whole:
            raise Problem(
                422,
                ErrorCode.AMOUNT_INVALID,
                "an amount in shillings is whole: 10000 are one hundred",
                errors=[FieldError(field=name, problem="not a whole amount")],
            )
    return Voucher(
        id="",
        code=given.code,
        percent=given.percent,
        amount=None if given.amount_minor is None else Money(given.amount_minor, currency),
        minimum=Money(given.minimum_minor, currency),
        per_customer=given.per_customer,
        in_total=given.in_total,
        starts_at=given.starts_at,
        ends_at=given.ends_at,
    )


def voucher_view(voucher: Voucher) -> VoucherView:
    return VoucherView(
        voucher_id=voucher.id,
        code=voucher.code,
        percent=voucher.percent,
        amount_minor=None if voucher.amount is None else voucher.amount.minor,
        currency=voucher.minimum.currency,
        minimum_minor=voucher.minimum.minor,
        per_customer=voucher.per_customer,
        in_total=voucher.in_total,
        used=voucher.used,
        starts_at=voucher.starts_at,
        ends_at=voucher.ends_at,
        active=voucher.is_active,
    )

"""Two invented shops and their shelves, for tests that need no database."""

from dataclasses import dataclass, field

from contracts.money import Currency
from contracts.router_api import ItemView, ShopView
from contracts.states import Rail


@dataclass
class Stocked:
    """An item on a shelf. `stock` is None where nobody counts."""

    item_id: str
    sku: str
    name: str
    price_minor: int
    stock: int | None = None
    unit: str = ""
    description: str = ""

    def view(self, currency: Currency = Currency.KES) -> ItemView:
        return ItemView(
            item_id=self.item_id,
            sku=self.sku,
            name=self.name,
            description=self.description,
            unit=self.unit,
            price_minor=self.price_minor,
            currency=currency,
            available=self.stock,
        )


@dataclass
class FakeShop:
    vendor_id: str
    word: str
    name: str
    items: list[Stocked] = field(default_factory=list[Stocked])
    currency: Currency = Currency.KES
    timezone: str = "Africa/Nairobi"
    rails: list[Rail] = field(default_factory=lambda: [Rail.MPESA_STK])
    locale: str = "en-KE"

    def view(self) -> ShopView:
        return ShopView(
            vendor_id=self.vendor_id,
            word=self.word,
            name=self.name,
            currency=self.currency,
            locale=self.locale,
            timezone=self.timezone,
            rails=list(self.rails),
            capabilities=[],
        )


def mama_and_kamau() -> list[FakeShop]:
    """Two invented shops: one with more than a page of items, one small."""
    mama = FakeShop("vendor-mama", "mama", "Mama Njeri Groceries")
    kamau = FakeShop("vendor-kamau", "kamau", "Kamau Hardware")
    shelf = (
        ("Fresh milk 500 ml", 6000, 40),
        ("Brown bread 400 g", 6500, 12),
        ("Eggs, tray of 30", 42000, 3),
        ("Sugar 1 kg", 16000, 20),
        ("Sugar 2 kg", 31000, 9),
        ("7 Up 500 ml", 7000, 24),
        ("Maize flour 2 kg", 21000, 30),
        ("Cooking oil 1 l", 33000, 0),
        ("Tea leaves 250 g", 15000, None),
        ("Rice 1 kg", 19000, 25),
        ("Bananas", 1000, None),
        ("Tomatoes", 1500, 50),
    )
    for number, (name, price, stock) in enumerate(shelf, start=1):
        mama.items.append(Stocked(f"mama-{number}", f"M{number:03}", name, price, stock))
    mama.items[10].description = "Small and sweet, from Meru. Price for one."
    for number, (name, price) in enumerate((("Hammer", 85000), ("Nails 1 kg", 25000), ("Paint, white", 145050)), 1):
        kamau.items.append(Stocked(f"kamau-{number}", f"K{number:03}", name, price, 10))
    return [mama, kamau]


def ilha() -> FakeShop:
    """An invented shop in Luanda with every way to pay that there is in kwanzas."""
    rails = [Rail.GPO, Rail.EMIS_REF, Rail.TICKET]
    shop = FakeShop("vendor-ilha", "ilha", "Quitanda da Ilha", [], Currency.AOA, "Africa/Luanda", rails)
    shop.items.append(Stocked("ilha-1", "I001", "Feijão 1 kg", 145050, 20))
    shop.items.append(Stocked("ilha-2", "I002", "Óleo de palma 1 l", 250000, 12))
    return shop

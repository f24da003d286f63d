"""Two invented shops and their shelves, for tests that need no database."""

from dataclasses import dataclass, field

from contracts.money import Currency
from contracts.router_api import CategoryList, CategoryView, ItemView, OpeningView, ShopView, ZoneView
from contracts.states import FulfilmentKind, Rail


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
    category: str = ""

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
            category_id=f"category-{self.category}" if self.category else None,
            category=self.category or None,
            has_picture=bool(self.description),
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
    zones: list[ZoneView] = field(default_factory=list[ZoneView])
    opening: OpeningView | None = None
    paybill: str | None = None
    till: str | None = None

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
            opening=self.opening,
            fulfilment=list(FulfilmentKind) if self.zones else [],
            paybill=self.paybill,
            till=self.till,
        )

    def categories(self) -> CategoryList:
        """Those that something stands on, in the order of the things."""
        names = [item.category for item in self.items if item.category]
        views = [
            CategoryView(category_id=f"category-{name}", name=name, count=names.count(name))
            for name in dict.fromkeys(names)
        ]
        return CategoryList(categories=views, others=len(self.items) - len(names))


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


def njeri_with_shelves() -> list[FakeShop]:
    """Mama Njeri's with shelves, deliveries and a few more things than a page holds."""
    shops = mama_and_kamau()
    mama = shops[0]
    for item, shelf in zip(mama.items, ("Dairy", "Bread", "Dairy", *["Pantry"] * 7, "Fruit", "Fruit"), strict=True):
        item.category = shelf
    mama.zones = [
        ZoneView(zone_id="zone-1", name="Westlands", fee_minor=15000, is_on_map=True),
        ZoneView(zone_id="zone-2", name="Limuru town", fee_minor=45000),
    ]
    return shops

"""Four small invented shops, for a newcomer to buy from: three in shillings, one in kwanzas. Planted where they are
missing, never changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from contracts.money import Currency
from contracts.states import Rail
from dukani.drawings import drawing
from dukani.seed_shelves import AREAS, COUPONS, OPEN, SHELVES, Area, Coupon
from kit.settings import Settings


@dataclass(frozen=True, slots=True)
class Item:
    """`price_whole` is in whole units of the shop's currency, `price_cents` what is above them in minor units; `stock`
    counts `unit`s, 0 is sold out."""

    sku: str
    name: str
    description: str
    price_whole: int
    unit: str
    stock: int
    price_cents: int = 0

    @property
    def category(self) -> str:
        return SHELVES[self.sku].category

    @property
    def keywords(self) -> tuple[str, ...]:
        return SHELVES[self.sku].keywords

    @property
    def picture(self) -> bytes:
        """As PNG."""
        return drawing(SHELVES[self.sku].drawing)


@dataclass(frozen=True, slots=True)
class Shop:
    """`word` is what a customer writes after SHOP; `account` where the money goes unless DARAJA_* or EKWANZA_* name a
    real one: the demo's made-up M-Pesa paybill, or account number at e-Kwanza. `has_people`: somebody of it answers in
    the chat."""

    word: str
    account: str
    name: str
    currency: str
    timezone: str
    locale: str
    rails: tuple[Rail, ...]
    items: tuple[Item, ...]
    has_people: bool = False
    is_account_used: bool = True
    """Whether the money goes there."""

    @property
    def has_till(self) -> bool:
        """Whether `account` is an M-Pesa paybill."""
        return self.currency == Currency.KES

    @property
    def paybill(self) -> str | None:
        """Where customers can pay by hand. A real account's number is for its owner to show."""
        return self.account if self.has_till and self.is_account_used else None

    @property
    def areas(self) -> tuple[Area, ...]:
        """Where it delivers."""
        return AREAS[self.word]

    @property
    def coupon(self) -> Coupon | None:
        return COUPONS.get(self.word)

    @property
    def hours(self) -> Mapping[str, object]:
        return OPEN


def _shop(word: str, account: str, name: str, items: tuple[Item, ...], *, has_people: bool = False) -> Shop:
    return Shop(word, account, name, "KES", "Africa/Nairobi", "en", (Rail.MPESA_STK,), items, has_people)


def _shop_in_luanda(word: str, account: str, name: str, items: tuple[Item, ...]) -> Shop:
    rails = (Rail.GPO, Rail.EMIS_REF, Rail.TICKET)
    return Shop(word, account, name, "AOA", "Africa/Luanda", "pt-AO", rails, items)


SHOPS = (
    _shop(
        "mama",
        "174379",  # the sandbox's public one
        "Mama Njeri's Groceries",
        (
            Item("MAMA-SUKUMA", "Sukuma wiki", "Fresh from Limuru this morning, one big bunch.", 30, "bunch", 40),
            Item("MAMA-TOMATO", "Tomatoes", "Ripe and firm, about eight in a kilo.", 120, "kg", 25),
            Item("MAMA-ONION", "Red onions", "Dry and sweet, for kachumbari and stew.", 110, "kg", 30),
            Item("MAMA-POTATO", "Potatoes", "Shangi, good for chips and mukimo.", 80, "kg", 60),
            Item("MAMA-AVOCADO", "Avocado", "Hass, ready to eat today or tomorrow.", 35, "piece", 50),
            Item("MAMA-BANANA", "Sweet bananas", "A hand of ten small ones.", 90, "hand", 18),
            Item("MAMA-UNGA", "Maize flour 2 kg", "Fine white unga for ugali.", 175, "packet", 35),
            Item("MAMA-RICE", "Pishori rice", "From Mwea, fragrant and long.", 220, "kg", 22),
            Item("MAMA-BEANS", "Rosecoco beans", "This season's, clean and sorted.", 180, "kg", 20),
            Item("MAMA-MILK", "Fresh milk 500 ml", "Pasteurised, kept cold.", 65, "packet", 48),
            Item("MAMA-EGGS", "Eggs, tray of 30", "Large brown eggs.", 480, "tray", 9),
            Item("MAMA-BREAD", "Brown bread 400 g", "Baked before dawn; back tomorrow morning.", 70, "loaf", 0),
        ),
        has_people=True,
    ),
    _shop(
        "baraka",
        "600001",
        "Baraka Kitchen",
        (
            Item("BRK-PILAU", "Beef pilau", "A full plate with kachumbari.", 250, "plate", 30),
            Item("BRK-CHAPATI", "Chapati", "Soft, layered, hot from the pan.", 25, "piece", 120),
            Item("BRK-NDENGU", "Ndengu stew", "Green grams in coconut.", 120, "bowl", 25),
            Item("BRK-SAMAKI", "Fried tilapia", "Whole fish with ugali and greens.", 550, "plate", 8),
            Item("BRK-GITHERI", "Githeri special", "Maize, beans, potatoes and avocado.", 150, "plate", 20),
            Item("BRK-MANDAZI", "Mandazi", "Three, with cardamom.", 40, "serving", 60),
            Item("BRK-SAMOSA", "Beef samosa", "Crisp, well filled.", 50, "piece", 45),
            Item("BRK-CHAI", "Masala chai", "A mug, with ginger.", 50, "mug", 200),
            Item("BRK-JUICE", "Passion juice", "Fresh, no sugar added.", 100, "glass", 24),
            Item("BRK-BIRYANI", "Chicken biryani", "Fridays only; sold out for today.", 380, "plate", 0),
        ),
    ),
    _shop(
        "fundi",
        "600002",
        "Fundi Corner Hardware",
        (
            Item("FND-NAILS3", "Nails 3 inch", "Bright steel, half a kilo.", 110, "packet", 70),
            Item("FND-HAMMER", "Claw hammer", "16 oz, fibreglass handle.", 650, "piece", 12),
            Item("FND-BULB", "LED bulb 9 W", "Daylight, screw or bayonet.", 180, "piece", 55),
            Item("FND-SOCKET", "Double socket", "Switched, 13 A, white.", 420, "piece", 20),
            Item("FND-CABLE", "Cable 2.5 mm", "Twin with earth, by the metre.", 130, "metre", 300),
            Item("FND-TAPE", "Insulating tape", "Black, 10 metres.", 60, "roll", 90),
            Item("FND-PAINT", "Emulsion paint 4 l", "Soft white, for inside walls.", 1650, "tin", 10),
            Item("FND-BRUSH", "Paint brush 3 inch", "Natural bristle.", 220, "piece", 26),
            Item("FND-PADLOCK", "Padlock 50 mm", "Brass, three keys.", 480, "piece", 15),
            Item("FND-HOSE", "Garden hose", "Half inch, by the metre.", 95, "metre", 0),
        ),
    ),
    _shop_in_luanda(
        "ilha",
        "71000001",
        "Quitanda da Ilha",
        (
            Item("ILH-FEIJAO", "Feijão preto 1 kg", "Escolhido à mão, da colheita nova.", 1450, "pacote", 30, 50),
            Item("ILH-FUBA", "Fuba de milho 1 kg", "Fina, para o funge de todos os dias.", 890, "pacote", 45),
            Item("ILH-OLEO", "Óleo de palma 1 l", "De Cabinda, prensado a frio.", 2499, "garrafa", 18, 90),
            Item("ILH-PEIXE", "Carapau fresco", "Chegou à Ilha esta manhã, limpo.", 3200, "kg", 12),
            Item("ILH-BANANA", "Banana-pão", "Madura, boa para assar ou fritar.", 650, "cacho", 25),
            Item("ILH-GINGUBA", "Ginguba torrada 250 g", "Com pouco sal.", 475, "saco", 40, 25),
            Item("ILH-MANDIOCA", "Mandioca", "Arrancada ontem, pelada.", 720, "kg", 22),
            Item("ILH-CAFE", "Café do Uíge 250 g", "Torrado e moído na semana.", 2150, "pacote", 16, 75),
            Item("ILH-PAO", "Pão caseiro", "Sai do forno às seis; amanhã há mais.", 150, "unidade", 0),
        ),
    ),
)


def seed(settings: Settings, say: Callable[[str], None]) -> None:
    """Plant the shops and, for each that has none, credentials for its provider: from DARAJA_* or EKWANZA_* where they
    are set, else invented ones that only the simulators accept. Running it again changes nothing."""
    from payment_adapter.planting import plant as plant_credentials
    from router.app import hear
    from router.app import plant as plant_shops

    clock = settings.clock()
    is_invented = settings.optional_secret("DARAJA_CONSUMER_KEY") is None
    planted = plant_shops(settings, clock, [replace(shop, is_account_used=is_invented) for shop in SHOPS])
    shops = {shop.word: shop for shop in SHOPS}
    tills = {str(vendor_id): shops[word].account for vendor_id, word in planted if shops[word].has_till}
    accounts = {str(vendor_id): shops[word].account for vendor_id, word in planted if not shops[word].has_till}
    hear(settings, plant_credentials(settings, clock, tills, tills, accounts))
    for vendor_id, word in planted:
        say(f"shop {word}: {vendor_id}")

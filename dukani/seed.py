"""Three small invented shops, for a newcomer to buy from. Planted where they are missing, never changed."""

from collections.abc import Callable
from dataclasses import dataclass

from kit.settings import Settings


@dataclass(frozen=True, slots=True)
class Item:
    """`price_whole` is in whole units of the shop's currency; `stock` counts `unit`s, 0 is sold out."""

    sku: str
    name: str
    description: str
    price_whole: int
    unit: str
    stock: int


@dataclass(frozen=True, slots=True)
class Shop:
    """`word` is what a customer writes after SHOP; `shortcode` the made-up M-Pesa paybill of the demo, where the money
    goes unless DARAJA_* names a real one."""

    word: str
    shortcode: str
    name: str
    currency: str
    timezone: str
    locale: str
    items: tuple[Item, ...]


def _shop(word: str, shortcode: str, name: str, items: tuple[Item, ...]) -> Shop:
    return Shop(word, shortcode, name, currency="KES", timezone="Africa/Nairobi", locale="en", items=items)


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
)


def seed(settings: Settings, say: Callable[[str], None]) -> None:
    """Plant the shops and, for each that has none, credentials for M-Pesa: from DARAJA_* where they are set, else
    invented ones that only the simulator accepts. Running it again changes nothing."""
    from payment_adapter.app import plant as plant_credentials
    from router.app import plant as plant_shops

    clock = settings.clock()
    planted = plant_shops(settings, clock, SHOPS)
    shortcodes = {shop.word: shop.shortcode for shop in SHOPS}
    plant_credentials(
        settings,
        clock,
        [vendor_id for vendor_id, _ in planted],
        {vendor_id: shortcodes[word] for vendor_id, word in planted},
    )
    for vendor_id, word in planted:
        say(f"shop {word}: {vendor_id}")

"""What the invented shops say of their shelves besides names and prices: categories, the words by which a thing is
looked for in other languages, drawings, zones, hours and a voucher."""

from collections.abc import Mapping
from dataclasses import dataclass

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where an item stands. `keywords` find it, too."""

    category: str
    keywords: tuple[str, ...]
    drawing: str


@dataclass(frozen=True, slots=True)
class Area:
    """Where a shop delivers, for `fee_whole` units of its currency: a circle around a place, in degrees and metres, or
    with no radius a name."""

    name: str
    fee_whole: int
    latitude: float = 0.0
    longitude: float = 0.0
    radius_m: int | None = None


@dataclass(frozen=True, slots=True)
class Coupon:
    """`percent` off goods of at least `minimum_whole`, once for each customer."""

    code: str
    percent: int
    minimum_whole: int


SHELVES: Mapping[str, Shelf] = {
    "MAMA-SUKUMA": Shelf("Vegetables", ("kale", "greens", "mboga", "sukuma", "couve"), "greens"),
    "MAMA-TOMATO": Shelf("Vegetables", ("nyanya", "tomate"), "tomato"),
    "MAMA-ONION": Shelf("Vegetables", ("kitunguu", "vitunguu", "cebola"), "onion"),
    "MAMA-POTATO": Shelf("Vegetables", ("viazi", "waru", "batata"), "potato"),
    "MAMA-AVOCADO": Shelf("Fruit", ("parachichi", "ovacado", "abacate"), "avocado"),
    "MAMA-BANANA": Shelf("Fruit", ("ndizi", "banana"), "banana"),
    "MAMA-UNGA": Shelf("Pantry", ("unga", "ugali", "farinha de milho", "fuba"), "packet"),
    "MAMA-RICE": Shelf("Pantry", ("mchele", "wali", "arroz"), "packet"),
    "MAMA-BEANS": Shelf("Pantry", ("maharagwe", "mbosho", "feijão"), "beans"),
    "MAMA-MILK": Shelf("Dairy, eggs and bread", ("maziwa", "maziwa fresh", "leite"), "milk"),
    "MAMA-EGGS": Shelf("Dairy, eggs and bread", ("mayai", "yai", "ovos"), "eggs"),
    "MAMA-BREAD": Shelf("Dairy, eggs and bread", ("mkate", "pão"), "bread"),
    "BRK-PILAU": Shelf("Plates", ("pilau", "wali", "arroz"), "plate"),
    "BRK-CHAPATI": Shelf("Snacks", ("chapo", "chapati"), "flat"),
    "BRK-NDENGU": Shelf("Plates", ("ndengu", "pojo", "lentilhas"), "plate"),
    "BRK-SAMAKI": Shelf("Plates", ("samaki", "tilapia", "ngege", "peixe"), "fish"),
    "BRK-GITHERI": Shelf("Plates", ("githeri", "muthere"), "plate"),
    "BRK-MANDAZI": Shelf("Snacks", ("mahamri", "ndao", "bolinho"), "bread"),
    "BRK-SAMOSA": Shelf("Snacks", ("sambusa", "chamuça"), "flat"),
    "BRK-CHAI": Shelf("Drinks", ("chai", "tea", "chá"), "mug"),
    "BRK-JUICE": Shelf("Drinks", ("juisi", "maracuja", "sumo"), "glass"),
    "BRK-BIRYANI": Shelf("Plates", ("biriani", "kuku", "chicken", "frango"), "plate"),
    "FND-NAILS3": Shelf("Tools and fixings", ("misumari", "pregos"), "nails"),
    "FND-HAMMER": Shelf("Tools and fixings", ("nyundo", "martelo"), "hammer"),
    "FND-BULB": Shelf("Electrical", ("balbu", "taa", "globe", "lâmpada"), "bulb"),
    "FND-SOCKET": Shelf("Electrical", ("soketi", "tomada"), "socket"),
    "FND-CABLE": Shelf("Electrical", ("waya", "nyaya", "fio", "cabo"), "roll"),
    "FND-TAPE": Shelf("Electrical", ("tepu", "fita isoladora"), "roll"),
    "FND-PAINT": Shelf("Painting", ("rangi", "tinta"), "tin"),
    "FND-BRUSH": Shelf("Painting", ("brashi", "pincel"), "brush"),
    "FND-PADLOCK": Shelf("Tools and fixings", ("kufuli", "cadeado"), "padlock"),
    "FND-HOSE": Shelf("Garden", ("mpira wa maji", "mangueira"), "roll"),
    "ILH-FEIJAO": Shelf("Mercearia", ("beans", "maharagwe"), "beans"),
    "ILH-FUBA": Shelf("Mercearia", ("funge", "farinha", "maize flour", "unga"), "packet"),
    "ILH-OLEO": Shelf("Mercearia", ("dendém", "palm oil", "mafuta"), "bottle"),
    "ILH-PEIXE": Shelf("Frescos", ("peixe", "fish", "samaki"), "fish"),
    "ILH-BANANA": Shelf("Frescos", ("plantain", "ndizi"), "banana"),
    "ILH-GINGUBA": Shelf("Mercearia", ("amendoim", "jinguba", "peanuts", "karanga"), "sack"),
    "ILH-MANDIOCA": Shelf("Frescos", ("cassava", "muhogo"), "potato"),
    "ILH-CAFE": Shelf("Mercearia", ("café", "coffee", "kahawa"), "mug"),
    "ILH-PAO": Shelf("Padaria", ("pão", "bread", "mkate"), "bread"),
}
"""By SKU."""

AREAS: Mapping[str, tuple[Area, ...]] = {
    "mama": (
        Area("Westlands", 150, -1.2676, 36.8108, 3_000),
        Area("Nairobi", 300, -1.2864, 36.8172, 20_000),
        Area("Limuru town", 450),
    ),
    "baraka": (Area("Kilimani", 100, -1.2921, 36.7856, 3_000), Area("Nairobi", 250, -1.2864, 36.8172, 20_000)),
    "fundi": (Area("Nairobi", 350, -1.2864, 36.8172, 20_000), Area("Thika town", 600)),
    "ilha": (
        Area("Ilha de Luanda", 500, -8.7905, 13.2200, 3_000),
        Area("Luanda", 1_200, -8.8390, 13.2894, 20_000),
    ),
}
"""By the shop's word."""

COUPONS: Mapping[str, Coupon] = {"mama": Coupon("KARIBU10", 10, 500), "ilha": Coupon("BEMVINDO10", 10, 5_000)}

OPEN = {"week": {day: ["00:00-24:00"] for day in WEEKDAYS}, "exceptions": {}}
"""Day and night, so that whoever tries the shop finds it open."""

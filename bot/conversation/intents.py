"""What a customer's words ask for. PAY, CONFIRM and STOP count only when they are written out, never by likeness."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from bot.conversation.quantities import read_number
from contracts.ids import CODE_ALPHABET
from contracts.states import Rail

_MAX_TEXT = 500


class Word(StrEnum):
    SHOP = "shop"
    MENU = "menu"
    MORE = "more"
    FIND = "find"
    ADD = "add"
    REMOVE = "remove"
    CART = "cart"
    CONFIRM = "confirm"
    CONFIRM_UNCLEAR = "confirm_unclear"
    PAY = "pay"
    PAY_BY = "pay_by"
    PAY_OTHER = "pay_other"
    PAY_UNCLEAR = "pay_unclear"
    STATUS = "status"
    CANCEL_ORDER = "cancel_order"
    CANCEL = "cancel"
    HELP = "help"
    STOP = "stop"
    START = "start"
    GREETING = "greeting"
    THANKS = "thanks"
    NUMBER = "number"
    PHONE = "phone"
    TEXT = "text"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Intent:
    """A word and what was said with it. For NUMBER the rest reads as `quantities.read_wanted` does; for PAY, STATUS and
    CANCEL_ORDER it is empty, an order's code, a list number, or (PAY alone) a phone number; for PAY_BY the rail, for
    PAY_OTHER nothing or an order's code."""

    word: Word
    rest: str = ""


STOP_WORDS = frozenset(
    ("stop", "stopall", "stop all", "unsubscribe", "optout", "opt out", "acha", "parar", "sair")
)  # English, Swahili, Portuguese
_CONFIRM_WORDS = frozenset(("confirm", "confirm order", "confirm my order", "confirm cart"))
_PAY_WORDS = frozenset(("pay",))
_PAY_OTHER_WORDS = frozenset(
    ("pay other", "pay other way", "pay another way", "pay otherwise", "other way", "other ways")
)
_RAIL_WORDS = {
    "mpesa": Rail.MPESA_STK, "m-pesa": Rail.MPESA_STK,
    "gpo": Rail.GPO, "express": Rail.GPO, "multicaixa": Rail.GPO, "multicaixa express": Rail.GPO, "mcx": Rail.GPO,
    "reference": Rail.EMIS_REF, "referencia": Rail.EMIS_REF, "ref": Rail.EMIS_REF, "atm": Rail.EMIS_REF,
    "ticket": Rail.TICKET, "qr": Rail.TICKET, "ekwanza": Rail.TICKET, "e-kwanza": Rail.TICKET,
}  # fmt: skip

_WORDS: dict[Word, tuple[str, ...]] = {
    Word.START: ("start", "unstop", "anza", "subscribe"),
    Word.SHOP: ("shop", "shops", "store", "stores", "duka", "dukani", "list shops", "change shop"),
    Word.MENU: ("menu", "list", "items", "products", "catalogue", "catalog", "price list", "prices", "show menu"),
    Word.MORE: ("more", "next", "more items", "next page"),
    Word.FIND: ("find", "search"),
    Word.ADD: ("add", "buy"),
    Word.REMOVE: ("remove", "delete"),
    Word.CART: ("cart", "my cart", "basket", "show cart", "view cart", "checkout", "check out"),
    Word.STATUS: (
        "status", "order", "orders", "my order", "my orders", "order status", "receipt", "my receipt", "history",
        "paid", "i paid", "i have paid", "i've paid", "ive paid", "already paid", "nimelipa", "where is my order",
    ),
    Word.CANCEL_ORDER: (
        "cancel order", "cancel my order", "cancel the order", "cancel this order", "cancel cart", "empty cart",
    ),
    Word.CANCEL: ("cancel",),
    Word.HELP: ("help", "?", "info", "commands", "help me", "msaada", "how", "how does this work"),
    Word.THANKS: ("thanks", "thank you", "thank you very much", "thx", "asante", "asante sana", "ok", "okay", "sawa"),
    Word.GREETING: (
        "hi", "hello", "hey", "hi there", "hello there", "good morning", "good afternoon", "good evening",
        "habari", "habari yako", "mambo", "niaje", "sasa", "jambo", "hujambo", "shikamoo", "ola", "hallo",
    ),
}  # fmt: skip
_EXACT = {phrase: word for word, phrases in _WORDS.items() for phrase in phrases}
_LEADING = {
    "shop": Word.SHOP, "store": Word.SHOP, "duka": Word.SHOP,
    "find": Word.FIND, "search": Word.FIND, "menu": Word.FIND,
    "add": Word.ADD, "buy": Word.ADD,
    "remove": Word.REMOVE, "delete": Word.REMOVE,
    "help": Word.HELP, "hi": Word.GREETING, "hello": Word.GREETING, "hey": Word.GREETING, "habari": Word.GREETING,
    "mambo": Word.GREETING,
}  # fmt: skip
_ASKING = re.compile(
    r"(?:i want|i need|i would like|i'd like|can i get|can i have|give me|do you have|have you got|nataka|naomba|nipe)"
    r"(?: to (?:buy|order|get|have))?(?: any)? (?=\S)",
    re.IGNORECASE,
)
_CANCEL_ORDER_CODE = re.compile(r"cancel (?:my |the )?order (\S+)", re.IGNORECASE)
_PAY_BY = re.compile(r"pay (?:(?:by|with|via|using|com|por) )?(.+)", re.IGNORECASE)
_PAY_OTHER_CODE = re.compile(r"pay other (\S+)", re.IGNORECASE)
_ORDER_CODE = re.compile(r"[A-Z0-9]{4,12}")
_LIST_NUMBER = re.compile(r"[-+]?[0-9]{1,8}")
_NUMBER_TIMES = re.compile(r"[0-9]{1,8} ?[x×*] ?\S.*", re.IGNORECASE)
_PHONE = re.compile(r"\+?[0-9][0-9 ().\-]{7,20}")


def clean(text: str) -> str:
    """Compatibility-normalised, on one line, at most 500 characters, with nothing invisible in it."""
    spaced = "".join(" " if char.isspace() else char for char in text[: 4 * _MAX_TEXT])
    visible = "".join(char for char in unicodedata.normalize("NFKC", spaced) if unicodedata.category(char)[0] != "C")
    return " ".join(visible.split())[:_MAX_TEXT].strip()


def fold(text: str) -> str:
    """For comparing: no case, no accents."""
    apart = unicodedata.normalize("NFKD", text.replace("’", "'").casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


def _undecorated(text: str) -> str:
    """Without the marks that surround a word in a chat: quotes, emphasis, full stops, smileys. A question mark stays:
    "pay?" is a question."""
    start, end = 0, len(text)
    while start < end and not (text[start].isalnum() or text[start] in "+-?"):
        start += 1
    while end > start and not (text[end - 1].isalnum() or text[end - 1] == "?"):
        end -= 1
    return text[start:end]


def is_stop(text: str) -> bool:
    """Whether the whole message is a word that means STOP, in any case."""
    return fold(_undecorated(clean(text))) in STOP_WORDS


def read_code(text: str) -> str | None:
    """An order's code as typed, in capitals; None for what can't be one, such as "later"."""
    code = fold(text.strip(" #.")).upper()
    if not _ORDER_CODE.fullmatch(code):
        return None
    looks_made = any(char.isdigit() for char in code) or all(char in CODE_ALPHABET for char in code)
    return code if looks_made else None


def named_rail(text: str) -> Rail | None:
    """The way to pay that is called exactly so."""
    return _RAIL_WORDS.get(fold(_undecorated(clean(text))))


def looks_like_phone(text: str) -> bool:
    return bool(_PHONE.fullmatch(text)) and 9 <= sum(char.isdigit() for char in text) <= 15


def is_list_number(text: str) -> bool:
    return bool(_LIST_NUMBER.fullmatch(text))


def parse(text: str) -> Intent:
    """Every text has an intent; what nothing else fits is TEXT, with all of it as the rest."""
    cleaned = clean(text)
    if not cleaned:
        return Intent(Word.NOTHING)
    said = _undecorated(cleaned)
    folded = fold(said)
    if folded in STOP_WORDS:
        return Intent(Word.STOP)
    if folded in _CONFIRM_WORDS:
        return Intent(Word.CONFIRM)
    if folded in _PAY_WORDS:
        return Intent(Word.PAY)
    if folded in _PAY_OTHER_WORDS:
        return Intent(Word.PAY_OTHER)
    exact = _EXACT.get(folded) or _EXACT.get(folded.rstrip("?").rstrip())
    if exact is not None:
        return Intent(exact)
    number = _parse_number(said)
    if number is not None:
        return number
    return _parse_leading(said) or Intent(Word.TEXT, _thing_asked_for(said) or cleaned)


def _thing_asked_for(said: str) -> str:
    """ "Do you have milk?" asks for milk."""
    asking = _ASKING.match(said)
    return (said[asking.end() :] if asking else said).rstrip("? ")


def _parse_number(said: str) -> Intent | None:
    if looks_like_phone(said):
        return Intent(Word.PHONE, said)
    if is_list_number(said) or _NUMBER_TIMES.fullmatch(said):
        return Intent(Word.NUMBER, said)
    if read_number(said) is not None:  # a number in words, or one too long for a list and too odd for a phone
        return Intent(Word.NUMBER, said)
    return None


def _parse_leading(said: str) -> Intent | None:
    cancelled = _CANCEL_ORDER_CODE.fullmatch(said)
    if cancelled is not None:
        code = cancelled[1].lstrip("#")
        if is_list_number(code):
            return Intent(Word.CANCEL_ORDER, code)
        return Intent(Word.CANCEL_ORDER, read_code(code) or code)
    head, _, rest = said.partition(" ")
    head, rest = fold(head).rstrip(":,"), rest.strip()
    if not rest:
        return None
    match head:
        case "pay":
            return _parse_pay(said, rest)
        case "confirm":
            return Intent(Word.CONFIRM_UNCLEAR, rest)
        case "status" | "order":
            code = read_code(rest)
            return Intent(Word.STATUS, code) if code else None
        case "cancel":
            return Intent(Word.CANCEL, rest)
        case _:
            word = _LEADING.get(head)
            return Intent(word, rest) if word else None


def _parse_pay(said: str, rest: str) -> Intent:
    bare = rest.lstrip("#")
    if is_list_number(bare) or looks_like_phone(bare):
        return Intent(Word.PAY, bare)
    named = _PAY_BY.fullmatch(said)
    rail = named_rail(named[1]) if named is not None and not said.endswith("?") else None
    if rail is not None:
        return Intent(Word.PAY_BY, rail)
    other = _PAY_OTHER_CODE.fullmatch(said)
    if other is not None:
        code = read_code(other[1])
        return Intent(Word.PAY_OTHER, code) if code else Intent(Word.PAY_UNCLEAR, rest)
    code = read_code(rest)
    return Intent(Word.PAY, code) if code else Intent(Word.PAY_UNCLEAR, rest)

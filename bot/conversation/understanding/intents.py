"""What a customer's words ask for, in English, Swahili and Portuguese at any time. PAY, CONFIRM and STOP count only
when they are written out, alone and exactly; everything else is forgiving, and its words stand in `words/*.toml`."""

import re
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz.distance import OSA

from bot.conversation.understanding.amounts import changed_amount
from bot.conversation.understanding.emoji import in_words, without_pictures
from bot.conversation.understanding.phrases import Words, phrased, without_vocatives
from bot.conversation.understanding.quantities import read_number
from bot.conversation.understanding.spelling import clean, fold, undecorated
from bot.conversation.understanding.vocabulary import VOCABULARY, squeezed
from contracts.ids import CODE_ALPHABET
from contracts.states import Rail

__all__ = ["STOP_WORDS", "Intent", "Word", "clean", "fold", "is_list_number", "is_stop", "looks_like_phone",
           "named_rail", "parse", "phone_within", "read_code"]  # fmt: skip


class Word(StrEnum):
    SHOP = "shop"
    MENU = "menu"
    MORE = "more"
    SHELVES = "shelves"
    INFO = "info"
    FIND = "find"
    ADD = "add"
    REMOVE = "remove"
    SET = "set"
    CART = "cart"
    CONFIRM = "confirm"
    CONFIRM_UNCLEAR = "confirm_unclear"
    PAY = "pay"
    PAY_BY = "pay_by"
    PAY_OTHER = "pay_other"
    PAY_AT = "pay_at"
    PAY_UNCLEAR = "pay_unclear"
    PAY_ASKED = "pay_asked"
    PAID = "paid"
    STATUS = "status"
    CANCEL_ORDER = "cancel_order"
    CANCEL = "cancel"
    REORDER = "reorder"
    DELIVERY = "delivery"
    PICKUP = "pickup"
    NOTE = "note"
    VOUCHER = "voucher"
    TOMORROW = "tomorrow"
    TODAY = "today"
    HISTORY = "history"
    HOURS = "hours"
    WHERE = "where"
    HUMAN = "human"
    BOT = "bot"
    ALERTS = "alerts"
    ALERTS_OFF = "alerts_off"
    HELP = "help"
    STOP = "stop"
    START = "start"
    GREETING = "greeting"
    THANKS = "thanks"
    YES = "yes"
    NO = "no"
    NUMBER = "number"
    PHONE = "phone"
    TEXT = "text"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Intent:
    """A word and what was said with it. For NUMBER and SET the rest reads as `quantities.read_wanted` does, for ADD,
    FIND and TEXT as `lists.read_list`; for PAY, STATUS and CANCEL_ORDER it is empty, an order's code, a list number, or
    (PAY alone) a phone number; for PAY_BY the rail, for PAY_OTHER nothing or an order's code, for PAY_AT a code and a
    shop's word."""

    word: Word
    rest: str = ""


STOP_WORDS = frozenset(phrase for phrase, word in VOCABULARY.exact.items() if word == "stop")
_WHOLE = {phrase: Word(word) for phrase, word in VOCABULARY.whole.items()}
_URGENCY = {
    word: place
    for place, word in enumerate(
        (Word.PAID, Word.HISTORY, Word.CANCEL_ORDER, Word.REORDER, Word.STATUS, Word.PICKUP, Word.PAY_OTHER,
         Word.DELIVERY, Word.HOURS, Word.HUMAN, Word.WHERE, Word.HELP, Word.CONFIRM_UNCLEAR, Word.PAY_ASKED)
    )
}  # fmt: skip
"""Of several clues the first of these counts."""

_RAIL_WORDS = {
    "mpesa": Rail.MPESA_STK, "m-pesa": Rail.MPESA_STK,
    "gpo": Rail.GPO, "express": Rail.GPO, "multicaixa": Rail.GPO, "multicaixa express": Rail.GPO, "mcx": Rail.GPO,
    "reference": Rail.EMIS_REF, "referencia": Rail.EMIS_REF, "ref": Rail.EMIS_REF, "atm": Rail.EMIS_REF,
    "ticket": Rail.TICKET, "qr": Rail.TICKET, "ekwanza": Rail.TICKET, "e-kwanza": Rail.TICKET,
}  # fmt: skip
_PAY_VERBS = frozenset(phrase for phrase, word in VOCABULARY.exact.items() if word == "pay")
_CONFIRM_VERBS = frozenset(
    phrase for phrase, word in VOCABULARY.exact.items() if word == "confirm" and " " not in phrase
)

_CANCEL_ORDER_CODE = re.compile(
    r"(?:cancel|cancela|cancelar|anular|futa|ghairi|batilisha) (?:my |the |o |a |meu |minha )?"
    r"(?:order|oda|pedido|encomenda) (\S+)",
    re.IGNORECASE,
)
_STATUS_CODE = re.compile(
    r"(?:status|order|order status|hali|hali ya oda|oda|estado|estado do pedido|pedido|encomenda) (\S+)", re.IGNORECASE
)
_PAY_BY = re.compile(r"\S+ (?:(?:by|with|via|using|com|por|no|na|kwa|kupitia) )?(.+)", re.IGNORECASE)
_PAY_OTHER_CODE = re.compile(r"(?:pay other|lipa njia nyingine|pagar de outra forma) (\S+)", re.IGNORECASE)
_PAY_AT = re.compile(r"#?(\w{4,12}) ([^\W\d_][\w-]{1,39})")
_ORDER_CODE = re.compile(r"[A-Z0-9]{4,12}")
_PROOF = re.compile(r"(?=.{0,9}[0-9])([A-Z][A-Z0-9]{9})(?:\.? (?:[Cc]onfirmed|[Ii]methibitishwa)\b.*)?")
"""The code of a payment by M-Pesa, in capitals as its message writes it, alone or with that message."""
_LIST_NUMBER = re.compile(r"[-+]?[0-9]{1,8}")
_NUMBER_TIMES = re.compile(r"[0-9]{1,8} ?[x×*] ?\S.*", re.IGNORECASE)
_PHONE_WITHIN = re.compile(r"(?<!\w)\+?[0-9][0-9 ().\-]{6,19}[0-9](?!\w)")
_PHONE = re.compile(r"\+?[0-9][0-9 ().\-]{7,20}")


def is_stop(text: str) -> bool:
    """Whether the whole message is a word that means STOP, in any case."""
    return fold(undecorated(clean(text))) in STOP_WORDS


def read_code(text: str) -> str | None:
    """An order's code as typed, in capitals; None for what can't be one, such as "later"."""
    code = fold(text.strip(" #.")).upper()
    if not _ORDER_CODE.fullmatch(code):
        return None
    looks_made = any(char.isdigit() for char in code) or all(char in CODE_ALPHABET for char in code)
    return code if looks_made else None


def named_rail(text: str) -> Rail | None:
    """The way to pay that is called exactly so."""
    return _RAIL_WORDS.get(fold(undecorated(clean(text))))


def looks_like_phone(text: str) -> bool:
    return bool(_PHONE.fullmatch(text)) and 9 <= sum(char.isdigit() for char in text) <= 15


def phone_within(text: str) -> str | None:
    """The first phone number in a sentence, as it was typed."""
    return next((found[0] for found in _PHONE_WITHIN.finditer(text) if looks_like_phone(found[0])), None)


def is_list_number(text: str) -> bool:
    return bool(_LIST_NUMBER.fullmatch(text))


def parse(text: str) -> Intent:
    """Every text has an intent; what nothing else fits is TEXT, with all of it as the rest."""
    cleaned = clean(text)
    words = without_pictures(cleaned)
    if words == cleaned:
        return _parse_words(cleaned)
    meant = _parse_words(words)  # what pays, orders or ends messages is never said with pictures
    return _parse_words(in_words(cleaned)) if meant.word in _ABOUT_GOODS else meant


def _parse_words(cleaned: str) -> Intent:
    if not cleaned:
        return Intent(Word.NOTHING)
    said = undecorated(cleaned)
    exact = VOCABULARY.exact.get(fold(said))
    if exact is not None:
        return Intent(Word(exact))
    number = _parse_number(said)
    if number is not None:
        return number
    if named_rail(said) is not None:
        return Intent(Word.TEXT, said)
    whole = _WHOLE.get(squeezed(said))
    if whole is not None:
        return Intent(whole)
    proof = _PROOF.fullmatch(said)
    if proof is not None:
        return Intent(Word.PAID, proof[1])
    return _parse_money(said) or _parse_set(said) or _parse_phrase(said, cleaned)


def _parse_number(said: str) -> Intent | None:
    if looks_like_phone(said):
        return Intent(Word.PHONE, said)
    if is_list_number(said) or _NUMBER_TIMES.fullmatch(said):
        return Intent(Word.NUMBER, said)
    if read_number(said) is not None:  # a number in words, or one too long for a list and too odd for a phone
        return Intent(Word.NUMBER, said)
    return None


# --- what begins with a word about money or an order: read as it stands, without any forgiveness ----------------------


def _parse_money(said: str) -> Intent | None:
    cancelled = _CANCEL_ORDER_CODE.fullmatch(said)
    if cancelled is not None:
        code = cancelled[1].lstrip("#")
        if is_list_number(code):
            return Intent(Word.CANCEL_ORDER, code)
        return None if squeezed(code) in VOCABULARY.polite else Intent(Word.CANCEL_ORDER, read_code(code) or code)
    head, _, rest = said.partition(" ")
    head, rest = fold(head).rstrip(":,"), rest.strip()
    if not rest:
        return None
    if head in _PAY_VERBS:
        return _parse_pay(said, rest)
    if head in _CONFIRM_VERBS:
        return Intent(Word.CONFIRM_UNCLEAR, rest)
    status = _STATUS_CODE.fullmatch(said)
    if status is not None and (code := read_code(status[1])):
        return Intent(Word.STATUS, code)
    return None


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
    at = _PAY_AT.fullmatch(rest)
    is_place = at is not None and named_rail(at[2]) is None and fold(at[2]) not in VOCABULARY.polite
    if at is not None and is_place and (code := read_code(at[1])):
        return Intent(Word.PAY_AT, f"{code} {fold(at[2])}")
    phone = phone_within(rest)
    if phone is not None:
        return Intent(Word.PAY, phone)
    code = read_code(rest)
    return Intent(Word.PAY, code) if code else Intent(Word.PAY_UNCLEAR, rest)


# --- everything else --------------------------------------------------------------------------------------------------


def _parse_phrase(said: str, cleaned: str) -> Intent:
    words = phrased(said)
    if not words:
        return Intent(Word.HELP) if set(said) == {"?"} else Intent(Word.TEXT, cleaned)
    plain = without_vocatives(words)
    if plain is not words and plain and not any(lead in _TAKEN_WHOLE for lead, _ in words.bare().led()):
        words, cleaned = plain, plain.source
    whole = _whole(words)
    if whole is not None:
        return Intent(whole)
    bare = words.bare()
    if not bare:  # nothing but politeness
        talk = words.small_talk()
        if talk:
            return Intent(Word.GREETING if "greeting" in talk else Word.THANKS)
        return Intent(Word.ADD) if _is_wish(words) else Intent(Word.TEXT, cleaned)
    if _is_wish(bare.without_thanks()):
        return Intent(Word.ADD)
    return (
        _parse_pointed(words)
        or _parse_pointed(bare.without_thanks())
        or _parse_cancel(bare)
        or _parse_request(bare)
        or _parse_greeting(words, bare)
        or _parse_slip(bare)
        or Intent(Word.TEXT, _unasked(_text(words, bare, cleaned)))
    )


def _is_wish(words: Words) -> bool:
    """`nataka`, "I want", and not what."""
    return VOCABULARY.leads.get(words.text) == "add"


def _parse_set(said: str) -> Intent | None:
    amount = changed_amount(said)
    return Intent(Word.SET, amount) if amount else None


def _text(words: Words, bare: Words, cleaned: str) -> str:
    if bare.counts() or bare.keys[bare.start] in VOCABULARY.numbers:
        return bare.without_thanks().said
    return bare.said if bare.start else cleaned


def _parse_slip(words: Words) -> Intent | None:
    """CONFIRM with a slip of the finger orders nothing: what to type is the answer."""
    key = words.keys[words.start]
    is_slip = len(words) == 1 and len(key) > 5 and any(OSA.distance(key, verb) == 1 for verb in _CONFIRM_VERBS)
    return Intent(Word.CONFIRM_UNCLEAR, words.said) if is_slip else None


def _unasked(text: str) -> str:
    return text.rstrip("? ") or text


def _whole(words: Words) -> Word | None:
    """The command that all of it is, with or without what stands around it."""
    for tried in words.undressed():
        word = _WHOLE.get(tried.text)
        if word is not None:
            return word
    return None


def _parse_pointed(words: Words) -> Intent | None:
    """`number 4`, `ya pili`, `the first one`; `my number is 0708 374 149`."""
    phone = words.after_phone_lead()
    if looks_like_phone(phone):
        return Intent(Word.PHONE, phone)
    keys = words.keys[words.start : words.end]
    if len(keys) > 1 and keys[-1] in VOCABULARY.ordinal_nouns:
        keys = keys[:-1]
    if len(keys) > 3 or (len(keys) > 1 and " ".join(keys[:-1]) not in VOCABULARY.number_leads):
        return None
    number = VOCABULARY.ordinals.get(keys[-1])
    if number is None:
        number = read_number(keys[-1])
    return Intent(Word.NUMBER, str(number)) if number is not None and is_list_number(str(number)) else None


def _parse_cancel(words: Words) -> Intent | None:
    """CANCEL and more: a sentence changes nothing, it is asked what to cancel."""
    is_cancel = len(words) > 1 and _WHOLE.get(words.keys[words.start]) is Word.CANCEL
    if not is_cancel or next(words.led(), None) is not None:
        return None
    if not _ORDERS.isdisjoint(words.keys):
        return Intent(Word.CANCEL_ORDER, words.said)
    return Intent(Word.CANCEL, words.part(words.start + 1, words.end).said)


def _parse_request(words: Words) -> Intent | None:
    """What begins with a request, ends with a question about a thing, or hints at what it is about."""
    word, rest = None, words
    for lead, behind in words.led():
        if lead in _TAKEN_WHOLE:
            return Intent(Word(lead), behind.said)
        word, rest = lead, behind
        whole = _whole(rest)
        if whole is not None and whole not in _SMALL_TALK and word != "shop":
            return Intent(whole)
    if word == "add" and len(rest) > 1 and (pointed := _parse_pointed(rest.without_thanks())) is not None:
        return pointed
    hint = _hinted(rest.without_tail("remove") if word == "remove" else words)
    if hint is not None:
        return Intent(hint, "" if hint in _OF_NOTHING else _unasked(words.said))
    match word:
        case None:
            if not words.has_tail("find"):
                return None
            return Intent(Word.FIND, _unasked(words.without_tail("find").said))
        case "see":
            return Intent(Word.FIND if rest.has_tail("find") else Word.TEXT, _unasked(rest.without_tail("find").said))
        case "find" | "remove":
            return Intent(Word(word), _unasked(rest.without_tail(word).said))
        case "add" if rest.has_tail("find") and not rest.counts():  # "na maziwa ni bei gani"
            return Intent(Word.FIND, _unasked(rest.without_tail("find").said))
        case "set" if not rest.counts() and rest.keys[rest.start] not in VOCABULARY.numbers:  # "make it quick"
            return None
        case _:
            return Intent(Word(word), _unasked(rest.without_thanks().said))


def _hinted(words: Words) -> Word | None:
    """What a message is about that counts nothing: `do you deliver to Kilimani`; or that leaves no doubt."""
    sure = {Word(clue) for clue in words.sure_clues()}
    names_goods = not VOCABULARY.goods.keys().isdisjoint(words.keys)
    if names_goods and words.counts():  # "2 milk, deliver to Kilimani" is an order
        sure -= _BESIDE_GOODS
    clues = {Word(clue) for clue in words.clues()}
    if sure:  # "paid and received nothing" is about the money
        return Word.PAID if Word.PAID in clues else min(sure, key=_URGENCY.__getitem__)
    clues -= {Word.REORDER} if names_goods else set()  # "the same rice as last time" is rice
    if not clues or words.counts():
        return None
    return min(clues, key=_URGENCY.__getitem__)


def _parse_greeting(words: Words, bare: Words) -> Intent | None:
    """A greeting and one more word, which may be a shop's."""
    if len(bare) == 1 and "greeting" in words.small_talk() and not bare.counts():
        return Intent(Word.GREETING, _unasked(bare.said))
    return None


_ABOUT_GOODS = frozenset((Word.TEXT, Word.NOTHING, Word.NUMBER, Word.ADD, Word.FIND, Word.INFO, Word.REMOVE, Word.SET))
_OF_NOTHING = (Word.REORDER, Word.PAY_OTHER)  # of which order they are is not said by a sentence
_BESIDE_GOODS = frozenset((Word.DELIVERY, Word.PAY_ASKED))
_ORDERS = frozenset(("order", "oda", "agizo", "pedido", "encomenda"))
_TAKEN_WHOLE = ("note", "voucher", "reorder")
"""What follows these is the customer's own, whatever it hints at."""
_SMALL_TALK = frozenset((Word.GREETING, Word.THANKS, Word.YES, Word.NO, Word.CANCEL))

"""Greetings, help, STOP and START, and everything that is no order: each gets an answer that says what to type."""

from dataclasses import replace

from bot.conversation import fulfilment, options
from bot.conversation.model import Reply, Step
from bot.conversation.others import agreed
from bot.conversation.talk import Talk
from bot.conversation.understanding.intents import fold
from bot.conversation.understanding.matching import tokens

_PAYING_WORDS = frozenset(("pay", "paying", "payment", "lipa", "mpesa"))


def hint(talk: Talk) -> tuple[Reply, ...]:
    """What can be typed from here."""
    return (Reply("hint_in_shop" if talk.state.shop else "hint_without_shop"),)


def greeted_in_shop(talk: Talk) -> Step:
    return talk.say("greeting_in_shop", shop=talk.shop.name)


def on_help(talk: Talk, rest: str = "") -> Step:
    if talk.state.shop is None:
        return talk.say("help_without_shop")
    return talk.say("help", shop=talk.shop.name)


def on_thanks(talk: Talk, rest: str = "") -> Step:
    return talk.say("thanks", hint=hint(talk))


def on_where(talk: Talk, rest: str = "") -> Step:
    """Where the shop is; "my address is …" says where the customer is, where that was asked."""
    if fulfilment.is_place(talk, rest):
        return fulfilment.keep_place(talk, rest)
    return talk.say("where_asked", shop=talk.shop.name)


def on_yes(talk: Talk, rest: str = "") -> Step:
    """Only to pay for somebody else a yes is asked for: what orders and pays else has a word of its own."""
    return agreed(talk) or talk.say("yes_unclear")


def on_no(talk: Talk, rest: str = "") -> Step:
    """A question for a phone number is closed: it must not ring a phone later."""
    return talk.with_state(replace(talk.state, payer_question=None)).say("no_matter", hint=hint(talk))


def on_stop(talk: Talk, rest: str = "") -> Step:
    """Nothing is sent any more but answers. A question for a phone number is closed: it must not ring a phone later."""
    return talk.with_state(replace(talk.state, opted_out=True, payer_question=None)).say("stopped")


def on_start(talk: Talk, rest: str = "") -> Step:
    talk = talk.with_state(replace(talk.state, opted_out=False))
    return talk.say("started", hint=hint(talk))


def is_wordless(text: str) -> bool:
    """Smileys and dots."""
    return not any(char.isalnum() for char in text)


def on_wordless(talk: Talk) -> Step:
    return talk.say("wordless", hint=hint(talk))


def on_nothing(talk: Talk, media: tuple[str, ...]) -> Step:
    """No text at all. `media` names what there was instead."""
    kinds = {kind.partition("/")[0].casefold() for kind in media}
    if not kinds:
        return talk.say("nothing_said", hint=hint(talk))
    if kinds & {"audio", "voice"}:
        return talk.say("voice_only", hint=hint(talk))
    if "image" in kinds:
        return talk.say("image_only", hint=hint(talk))
    if "video" in kinds:
        return talk.say("video_only", hint=hint(talk))
    if "location" in kinds:
        return talk.say("location_only", hint=hint(talk))
    return talk.say("other_only", hint=hint(talk))


def _with_ways(talk: Talk) -> Talk:
    """With what is most likely meant to be done next, to tap: the menu, the cart, a person."""
    vendor_id = talk.shop.vendor_id
    return talk.offering(options.show_menu(vendor_id), options.show_cart(vendor_id), options.person(vendor_id))


def not_understood(talk: Talk, said: str, word: str | None) -> Step:
    """Last of all. Whoever was asked where exactly has said so; whoever writes about paying hears how, but is not
    charged for a sentence."""
    if talk.turn.place is not None and talk.turn.place.is_next:
        return fulfilment.keep_place(talk, said)
    if _PAYING_WORDS & set(tokens(said)) or "m-pesa" in fold(said):
        return talk.say("say_pay")
    if word:
        return _with_ways(talk).say("did_you_mean", said=said, word=word, hint=hint(talk))
    return _with_ways(talk).say("not_understood", said=said, shop=talk.shop.name, hint=hint(talk))

"""People in the chat: a customer asks for a person of the shop, the bot falls silent, and answers again when it is
asked to or the time is over. What pays, STATUS, SHOP, STOP and BOT are answered all the same."""

from dataclasses import replace
from datetime import datetime

from bot.conversation import options, taps
from bot.conversation.fallback import hint
from bot.conversation.model import AskForPerson, JoinAlerts, LeaveAlerts, Reply, Result, ReturnToBot, Said, State, Step
from bot.conversation.refusals import refused
from bot.conversation.showing import local_time
from bot.conversation.state import Handover, ListKind, Purpose
from bot.conversation.talk import Talk
from bot.conversation.taps import Action
from bot.conversation.understanding.intents import Word, clean, fold, named_rail, parse
from bot.conversation.understanding.phrases import phrased
from bot.conversation.understanding.vocabulary import VOCABULARY
from bot.replies.reply import ReplyParam
from bot.replies.words import WORDS
from contracts.chat_api import MAX_TEXT, AlertsJoined, AlertsLeft, ChatMode, HandoverView
from contracts.errors import ErrorCode, ProblemBody
from contracts.money import Currency

_STATUS = frozenset(fold(words["status"]) for words in WORDS.values())
_SHOP = frozenset(fold(words["shop"]) for words in WORDS.values())
_BOT = frozenset(
    (*(phrase for phrase, word in VOCABULARY.exact.items() if word == "bot"), "machine", "computer", "mashine",
     "kompyuta", "maquina", "computador")
)  # fmt: skip
_MAX_CODE = 20
_ANSWERED = frozenset(
    (Word.STOP, Word.START, Word.PAY, Word.PAY_BY, Word.PAY_OTHER, Word.PAY_AT, Word.BOT, Word.ALERTS, Word.ALERTS_OFF)
)
"""What is said to the bot even while a person answers."""
_ANSWERED_TAPS = frozenset((Action.PAY, Action.PAY_FOR, Action.ORDER, Action.RECEIPT, Action.BOT, Action.SHOP))
_OWN_QUESTIONS = frozenset((ListKind.PAY, ListKind.RAIL, ListKind.ORDERS, ListKind.SHOPS))
"""Lists that the bot shows while it is mute otherwise: a number answers them, if it is the next thing that is said."""


# --- while a person answers ------------------------------------------------------------------------------------------


def begun(talk: Talk) -> Talk:
    """At the beginning of a turn: a time that is over is the bot's again, which the answer says."""
    shop = talk.state.shop
    handover = talk.state.handover(shop.vendor_id) if shop is not None else None
    if handover is None or handover.mode is ChatMode.BOT:
        return talk
    if handover.is_mute(talk.now):
        return replace(talk, turn=replace(talk.turn, mute_at=handover.vendor_id))
    since = handover.until or talk.now
    over = replace(handover, mode=ChatMode.BOT, until=None, since=since, is_said=False)
    return talk.with_state(talk.state.handed(over))


def is_meant_for_them(talk: Talk, said: Said) -> bool:
    """Whether this is for the people of the shop, and the bot says nothing to it."""
    if not talk.turn.mute_at:
        return False
    tap = taps.read(said.payload)
    if tap is not None:
        leads_elsewhere = tap.vendor_id != talk.turn.mute_at and talk.state.known_shop(tap.vendor_id) is not None
        return tap.action not in _ANSWERED_TAPS and not leads_elsewhere
    intent = parse(said.text)
    if intent.word in _ANSWERED:
        return False
    match intent.word:
        case Word.STATUS:
            return not intent.rest and fold(clean(said.text)) not in _STATUS
        case Word.SHOP:
            words = fold(clean(said.text)).split()
            return len(words) > 2 or words[0] not in _SHOP
        case Word.NUMBER:
            asked = talk.state.other
            return asked is None or asked.kind not in _OWN_QUESTIONS or not asked.is_alive(talk.now)
        case Word.PHONE:
            question = talk.state.payer_question
            return question is None or not question.is_open(talk.now)
        case Word.YES:
            other = talk.state.other_question
            return other is None or not other.is_open(talk.now)
        case Word.TEXT:
            return named_rail(said.text) is None or talk.list_of(ListKind.RAIL) is None
        case _:
            return True


def noted(talk: Talk, step: Step) -> Step:
    """The answer, and below it what the customer should know of whose turn it is: said where it changes."""
    shop = step.state.shop
    if step.reply is None or shop is None or talk.turn.purpose is Purpose.PERSON:
        return step
    here, left = step.state.handover(shop.vendor_id), step.state.handover(talk.turn.mute_at)
    if here is not None and here.mode is ChatMode.BOT and not here.is_said:
        below = Reply("bot_back", {"shop": shop.name})
        step = replace(step, state=step.state.handed(replace(here, is_said=True)))
    elif here is not None and here.is_mute(talk.now) and talk.turn.mute_at != shop.vendor_id:
        below = who_answers(step.state, here)
    elif left is not None and left.vendor_id != shop.vendor_id and left.is_mute(talk.now):
        known = step.state.known_shop(left.vendor_id)
        word = known.word.upper() if known is not None else left.shop_name
        until = until_text(step.state, left)
        below = Reply("people_elsewhere", {"shop": left.shop_name, "time": until, "word": word})
    else:
        return step
    assert step.reply is not None
    return replace(step, reply=replace(step.reply, postscript=(*step.reply.postscript, below)))


def who_answers(state: State, handover: Handover) -> Reply:
    """That a person does, or was asked to, and until when the bot is quiet."""
    params: dict[str, ReplyParam] = {"shop": handover.shop_name, "time": until_text(state, handover)}
    if handover.mode is not ChatMode.STAFF:
        return Reply("person_awaited", params)
    if handover.by:
        return Reply("person_answers_named", {**params, "who": handover.by})
    return Reply("person_answers", params)


def until_text(state: State, handover: Handover) -> datetime:
    """In the shop's zone."""
    shop = state.known_shop(handover.vendor_id)
    currency = shop.currency if shop is not None else Currency.KES
    return local_time(handover.until or handover.since, shop, currency)


# --- asking for a person, and for the bot ----------------------------------------------------------------------------


def on_human(talk: Talk, rest: str) -> Step:
    """PERSON, "I want to talk to somebody". Who asks whether this is a robot is told so, and how to reach a person."""
    if not _BOT.isdisjoint(phrased(rest).keys):
        talk = talk.offering(options.person(talk.shop.vendor_id))
        return talk.say("person_offered", shop=talk.shop.name)
    return ask(talk, rest)


def ask(talk: Talk, about: str = "") -> Step:
    if talk.state.opted_out:
        return talk.say("person_needs_start", shop=talk.shop.name)
    return talk.ask(Purpose.PERSON, AskForPerson(talk.shop.vendor_id, about[:MAX_TEXT]))


def person_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        if result.code == ErrorCode.CAPABILITY_MISSING:
            return talk.say("human_asked", shop=talk.shop.name)
        return refused(talk, result)
    if not isinstance(result, HandoverView):
        return talk.say("our_mistake")
    before = talk.state.handover(talk.shop.vendor_id)
    by = before.by if before is not None and before.mode is result.mode else ""
    handover = Handover(talk.shop.vendor_id, talk.shop.name, result.mode, talk.now, result.until, by=by)
    talk = talk.with_state(talk.state.handed(handover))
    if not handover.is_mute(talk.now):
        return talk.say("our_mistake")
    if handover.mode is ChatMode.STAFF:
        answering = who_answers(talk.state, handover)
        return talk.say(answering.key, **answering.params)
    time = until_text(talk.state, handover)
    return talk.offering(options.bot(talk.shop.vendor_id)).say("person_asked", shop=talk.shop.name, time=time)


def on_bot(talk: Talk, rest: str = "") -> Step:
    """BOT: asked for even where the bot answers anyway, as far as is known here."""
    return talk.ask(Purpose.BOT, ReturnToBot(talk.shop.vendor_id))


def bot_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, HandoverView):
        return talk.say("our_mistake")
    shop = talk.shop
    talk = talk.with_state(talk.state.handed(Handover(shop.vendor_id, shop.name, ChatMode.BOT, talk.now)))
    return talk.say("bot_returned", shop=shop.name, hint=hint(talk))


# --- alerts for the shop's own people --------------------------------------------------------------------------------


def on_alerts(talk: Talk, rest: str = "") -> Step:
    """ALERTS and the word of an invitation."""
    code = rest.strip()
    if not code or len(code) > _MAX_CODE or " " in code:
        return talk.say("alerts_how", shop=talk.shop.name)
    return talk.ask(Purpose.ALERTS, JoinAlerts(talk.shop.vendor_id, code))


def alerts_came(talk: Talk, result: Result) -> Step:
    match result:
        case AlertsJoined(shop_name=shop):
            return talk.say("alerts_joined", shop=shop)
        case ProblemBody(code=ErrorCode.INVITATION_UNKNOWN):
            return talk.say("alerts_unknown", shop=talk.shop.name)
        case ProblemBody():
            return refused(talk, result)
        case _:
            return talk.say("our_mistake")


def on_alerts_off(talk: Talk, rest: str = "") -> Step:
    return talk.ask(Purpose.ALERTS_OFF, LeaveAlerts(talk.shop.vendor_id))


def alerts_left(talk: Talk, result: Result) -> Step:
    match result:
        case AlertsLeft(was_told=True):
            return talk.say("alerts_left", shop=talk.shop.name)
        case AlertsLeft():
            return talk.say("alerts_not_told", shop=talk.shop.name)
        case ProblemBody():
            return refused(talk, result)
        case _:
            return talk.say("our_mistake")

"""The language of a conversation: guessed from what is written, offered once, changed by a word in any language.

Until the customer's words show one, the shop's is spoken. Nothing waits for it: what was asked is answered, and one
line below says how to change."""

from dataclasses import replace

from bot.conversation.fallback import hint
from bot.conversation.model import Reply, Said, State, Step
from bot.conversation.rails import which_number
from bot.conversation.shop import offer
from bot.conversation.state import Entry, Listing, ListKind
from bot.conversation.talk import Talk
from bot.conversation.understanding.evidence import guess
from bot.conversation.understanding.matching import tokens
from bot.replies.reply import Option
from bot.replies.texts import LANGUAGES
from bot.replies.words import LANGUAGE_NAMES

_DEFAULT = "en"
_TAP = "language:-:"  # and the language: the payload of a button

_NAMES = {
    "english": "en", "kiingereza": "en", "kingereza": "en", "ingles": "en", "inglesa": "en", "inglese": "en",
    "swahili": "sw", "kiswahili": "sw", "sheng": "sw", "suaili": "sw", "kisuaili": "sw", "suahili": "sw",
    "portuguese": "pt", "portugues": "pt", "portuguesa": "pt", "kireno": "pt",
}  # fmt: skip
_ABOUT = frozenset(("language", "languages", "lugha", "idioma", "idiomas", "lingua", "linguas"))
_AROUND_WORDS = """
    a change choose switch set use to into in please my the other another do does you speak talk write is can i we
    want would like prefer lets let us hi hello habari naomba nataka ninataka ningependa
    badili badilisha chagua tumia ongea tuongee unaongea naongea andika kwa ya za nyingine tafadhali yangu
    pode podem podes ser be it talking us just now
    que me nos responda respondam responde responder escreva escrevam escreve answer reply jibu unijibu nijibu mnijibu
    mudar muda trocar troca alterar escolher usar falar fala falas falam fale quero de do da o para em outro outra por
    favor queria prefiro ola
"""
_AROUND = frozenset(_AROUND_WORDS.split())
"""What may stand around a language's name without meaning anything else."""


def spoken(state: State) -> str:
    """What to write to this customer in."""
    if state.language in LANGUAGES:
        return state.language or _DEFAULT
    if state.shop is not None and state.shop.language in LANGUAGES:
        return state.shop.language
    return _DEFAULT


def learning(state: State, said: Said) -> State:
    """With what these words show of the language. A sure guess stays until the customer names another; an unsure one
    gives way to a sure one. What was tapped are our words and shows nothing."""
    if state.language_is_sure or said.payload is not None:
        return state
    found = guess(said.written or said.text)
    if found is None or (state.language is not None and not found.is_sure):
        return state
    return replace(state, language=found.language, language_is_sure=found.is_sure)


def offered(step: Step) -> Step:
    """The first answer to somebody whose language is only guessed says below how to change it."""
    state, reply = step.state, step.reply
    if reply is None or state.language_is_sure or state.language_was_offered or state.opted_out:
        return step
    return replace(
        step,
        state=replace(state, language_was_offered=True),
        reply=replace(reply, postscript=(Reply("languages_offered"),)),
    )


def change_wanted(said: Said) -> str | None:
    """The language to change to; "" where one has still to be named; None for words that are about something else."""
    if said.payload is not None and said.payload.startswith(_TAP):
        return _known(said.payload.removeprefix(_TAP))
    words = tokens(said.text)
    named = {_NAMES[word] for word in words if word in _NAMES}
    if any(word not in _NAMES and word not in _ABOUT and word not in _AROUND for word in words):
        return None
    if len(named) == 1:
        return named.pop()
    return "" if named or not _ABOUT.isdisjoint(words) else None


def change(talk: Talk, language: str) -> Step:
    """To that language, or the question which."""
    language = _known(language)
    if not language:
        return _ask(talk)
    state = replace(talk.state, language=language, language_is_sure=True)
    if state.other is not None and state.other.kind is ListKind.LANGUAGE:
        state = replace(state, other=None)
    talk = talk.with_state(state)
    if state.shop is None:
        return offer(talk, "welcome")
    changed = talk.say("language_changed", hint=hint(talk))
    question = state.payer_question
    if changed.reply is None or question is None or not question.is_open(talk.now):
        return changed
    asked = which_number(question.rail, state.shop.currency)
    return replace(changed, reply=replace(changed.reply, postscript=(*changed.reply.postscript, asked)))


def _known(language: str) -> str:
    return language if language in LANGUAGES else ""


def _ask(talk: Talk) -> Step:
    numbered = tuple(enumerate(LANGUAGES, start=1))
    names = {language: Reply("language_name", {"language": LANGUAGE_NAMES[language]}) for language in LANGUAGES}
    lines = tuple(Reply("language_line", {"number": number, "language": (names[one],)}) for number, one in numbered)
    entries = tuple(Entry(number, one, LANGUAGE_NAMES[one]) for number, one in numbered)
    state = replace(talk.state, language_was_offered=True)
    talk = talk.with_state(state).showing(Listing(ListKind.LANGUAGE, "", entries, talk.now))
    asked = talk.say("language_which", languages=lines)
    options = tuple(Option(_TAP + language, names[language]) for language in LANGUAGES)
    return replace(asked, reply=replace(asked.reply, options=options) if asked.reply else None)

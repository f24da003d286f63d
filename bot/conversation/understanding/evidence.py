"""Which language some words are in, as far as they show it: a table of words, and a rule that says how sure it is.

Only words that one of the three languages has for itself are evidence: `menu`, `na` or a shop's name are none. What
mixes Swahili and English, as Sheng does, counts as Swahili."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.conversation.understanding.intents import fold
from bot.conversation.understanding.matching import tokens
from bot.replies.words import WORDS

_MAX_TOKENS = 60
_SURE = 2
_STRONG = 2
_WEAK = 1

_STRONG_WORDS = {
    "en": """
        morning afternoon evening want need looking would could please available much buying
    """,
    "sw": """
        habari habarini mambo niaje sasa xaxa jambo hujambo hamjambo shikamoo vipi poa aje sema rada salama salaam
        nataka ntaka naomba tunaomba nipe nipatie niletee nahitaji natafuta naeza naweza nikuje unauza muna mna mko muko
        kuna iko ziko niko tafadhali bei gani ngapi asubuhi jioni mchana usiku kesho leo yenu wako wangu yangu kwenu hii
        hiyo sielewi ghairi jumla risiti manze maze msee wasee buda mzae siste mzito fiti ganji chapaa mkwanja mbao
    """,
    "pt": """
        ola oi bom boa dia tarde noite tudo quero queria queremos preciso precisava gostaria tem tens voces voce quanto
        custa preco precos obrigado obrigada favor faz leite pao feijao acucar ovos fuba oleo peixe carne cebola tomate
        encomendar encomenda comprar pedido mandar entregam entrega bue fixe kota mano mana salo estou esta
        nao sou meu minha meus minhas qual quais onde procuro vendem paguei aceitam dinheiro posso podes ainda
    """,
}
_WEAK_WORDS = {
    "en": """
        hi hello hey good thanks thank the you your what whats how where when have has any some is are can order price
        prices products get gimme let my am i not done next send call delivery deliver opening hours great cool nice
        milk bread sugar rice eggs egg beans onions tomatoes potatoes water soap flour salt and for of
    """,
    "sw": """
        asante sawa karibu ndio ndiyo hapana ya za wa kwa ni pia tu sana duka dukani maduka orodha menyu
        maziwa mkate mayai sukari unga nyanya vitunguu mchele maharagwe chumvi maji sabuni viazi nyama mafuta majani
        moja mbili tatu nne tano bidhaa simu
    """,
    "pt": """
        de para com uma uns umas os dos das que mais sim arroz agua sal batata sabao massa farinha dois tres quatro
        quilo quilos pacote pacotes lojas precisar produtos recibo ja claro tabela catalogo numero boas
    """,
}
_SWAHILI_VERB = re.compile(r"(?:mna|mme|nime|nina|nita|nisha|ninge)[a-z]{2,}[aeiu]")
"""`mnauza`, `nimelipa`, `nitachukua`: you and I, and the time, before the verb. No word of the others begins so."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A language, and whether the words leave little doubt."""

    language: str
    is_sure: bool


def guess(text: str) -> Guess | None:
    """None for words that show nothing, or as much of one language as of another."""
    said = frozenset(tokens(text)[:_MAX_TOKENS])
    scores = {language: sum(weights.get(word, 0) for word in said) for language, weights in _WEIGHTS.items()}
    scores["sw"] += _STRONG * any(_SWAHILI_VERB.fullmatch(word) for word in said)
    best = max(scores, key=lambda language: scores[language])
    if scores["sw"] and scores["sw"] > scores["pt"] and (scores["sw"] >= _SURE or scores["sw"] >= scores["en"]):
        best = "sw"
    if not scores[best]:
        return None
    others = [score for language, score in scores.items() if language not in (best, "en" if best == "sw" else best)]
    if max(others) >= scores[best]:
        return None
    return Guess(best, scores[best] >= _SURE)


def _weights() -> Mapping[str, Mapping[str, int]]:
    """By language and word, without case and accents."""
    weights: dict[str, dict[str, int]] = {}
    for language, words in WORDS.items():
        commands = {part: _WEAK for word in words.values() for part in tokens(word)}
        weak = {fold(word): _WEAK for word in _WEAK_WORDS[language].split()}
        strong = {fold(word): _STRONG for word in _STRONG_WORDS[language].split()}
        weights[language] = {**commands, **weak, **strong}
    shared = {
        word for language, own in weights.items() for word in own for other in weights.keys() - {language}
        if word in weights[other]
    }  # fmt: skip
    return {
        language: {word: weight for word, weight in own.items() if word not in shared}
        for language, own in weights.items()
    }


_WEIGHTS = _weights()

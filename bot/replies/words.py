"""The words that the texts tell customers to type, in capitals, by language and by what they mean.

A meaning is the value of a `Word` of `bot.conversation.intents`, or is told apart there ("language", the languages'
own names). All of them are understood at any time, whatever the language of the conversation is."""

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "shop": "SHOP",
        "menu": "MENU",
        "more": "MORE",
        "find": "FIND",
        "add": "ADD",
        "remove": "REMOVE",
        "cart": "CART",
        "confirm": "CONFIRM",
        "pay": "PAY",
        "pay_other": "PAY OTHER",
        "status": "STATUS",
        "cancel_order": "CANCEL ORDER",
        "help": "HELP",
        "human": "PERSON",
        "bot": "BOT",
        "alerts": "ALERTS",
        "alerts_off": "ALERTS OFF",
        "stop": "STOP",
        "start": "START",
        "language": "LANGUAGE",
    },
    "sw": {
        "shop": "DUKA",
        "menu": "BIDHAA",
        "more": "ZAIDI",
        "find": "TAFUTA",
        "add": "ONGEZA",
        "remove": "ONDOA",
        "cart": "KIKAPU",
        "confirm": "THIBITISHA",
        "pay": "LIPA",
        "pay_other": "LIPA NJIA NYINGINE",
        "status": "HALI",
        "cancel_order": "FUTA ODA",
        "help": "MSAADA",
        "human": "MTU",
        "bot": "ROBOTI",
        "alerts": "ARIFA",
        "alerts_off": "ZIMA ARIFA",
        "stop": "ACHA",
        "start": "ANZA",
        "language": "LUGHA",
    },
    "pt": {
        "shop": "LOJA",
        "menu": "MENU",
        "more": "MAIS",
        "find": "PROCURAR",
        "add": "ADICIONAR",
        "remove": "TIRAR",
        "cart": "CARRINHO",
        "confirm": "CONFIRMAR",
        "pay": "PAGAR",
        "pay_other": "PAGAR DE OUTRA FORMA",
        "status": "ESTADO",
        "cancel_order": "CANCELAR PEDIDO",
        "help": "AJUDA",
        "human": "PESSOA",
        "bot": "ROBÔ",
        "alerts": "ALERTAS",
        "alerts_off": "SEM ALERTAS",
        "stop": "PARAR",
        "start": "COMEÇAR",
        "language": "IDIOMA",
    },
}

LANGUAGE_NAMES: Mapping[str, str] = {"en": "English", "sw": "Kiswahili", "pt": "Português"}
"""Each language's own name: whoever needs it can read it. In capitals it is the word that changes to it."""


def word_of(meaning: str, language: str) -> str:
    """What to type for that in that language; in English where the language is none of ours. Raises KeyError for a
    meaning that has no word."""
    return WORDS.get(language, WORDS["en"])[meaning]

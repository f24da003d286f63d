"""What sounds like a place: by such words riders find a door where streets have no names."""

from bot.conversation.understanding.matching import tokens

_WORDS = """
    near next opposite behind beside between gate house flat apartment apartments estate street road avenue lane corner
    church mosque school hospital clinic stage plot block floor building court junction roundabout bridge landmark
    karibu mkabala nyuma mbele kando jirani nyumba geti mlango lango mtaa barabara kanisa kanisani msikiti shule shuleni
    hospitali ghorofa jengo daraja soko sokoni steji kona kijiji
    perto frente atras lado junto entre portao casa predio andar apartamento rua avenida bairro travessa largo esquina
    igreja mesquita escola hospital farmacia mercado paragem rotunda ponte condominio bloco
"""
_PLACES = frozenset(_WORDS.split())


def sounds_like_place(text: str) -> bool:
    return not text.rstrip().endswith("?") and not _PLACES.isdisjoint(tokens(text))

"""What to do about a message that was refused or did not arrive, in the words that every channel shares."""

from enum import StrEnum


class Remedy(StrEnum):
    """One for each code of the channel that is known; a code that is not known is `AS_TEXT`: a plain text has the best
    chance, and where the message was one already there is nothing more to try."""

    AS_TEXT = "as_text"
    """What was sent with it is the trouble: send its text alone, once."""
    UNTAPPED = "untapped"
    """What can be tapped is the trouble: send it without that, once, with the picture where there was one."""
    LATER = "later"
    """Too much at once, or a fault that passes: send the same once more after a pause."""
    WINDOW_CLOSED = "window_closed"
    """The customer has not written for a day: only an approved template may be sent."""
    STOP = "stop"
    """The customer does not want it: nothing more goes there until they write again."""
    NOBODY = "nobody"
    """There is nobody at that address who could read it: only other news of the shop reaches them."""
    OUR_SETTINGS = "our_settings"
    """Whoever runs the shop has to mend something; what was to be said is kept as undelivered."""
    GIVE_UP = "give_up"
    """The channel won't deliver this one, and says that sending it again does not help."""

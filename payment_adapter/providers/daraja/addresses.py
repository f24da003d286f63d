"""What Daraja refuses in an address that it is to call."""

import re

_FORBIDDEN = re.compile(r"m-pesa|mpesa|safaricom|exec?|cmd|sql|query", re.IGNORECASE)


def forbidden_word(address: str) -> str | None:
    """The first word in it that Daraja takes in no address, in any case; None where there is none.

    The list is from Safaricom's C2B page and FAQ. A secret of ours is hexadecimal and can't hold any of them."""
    found = _FORBIDDEN.search(address)
    return None if found is None else found.group()

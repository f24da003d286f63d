"""Where providers call from: a second layer, which alerts and never drops, since addresses change without notice.

Only the hop that stands before us is believed: a proxy on our own network writes down whom it heard, as the last entry
of X-Forwarded-For; what stands before that entry anybody may have written."""

from collections.abc import Mapping
from ipaddress import ip_address

KNOWN: Mapping[str, frozenset[str]] = {
    # Lists published by integrators of Daraja agree on twelve; two more (…212.128 and …212.132) are in mpesakit's. The
    # pesafy documentation warns that they may change.
    "mpesa": frozenset(
        {
            "196.201.214.200",
            "196.201.214.206",
            "196.201.214.207",
            "196.201.214.208",
            "196.201.213.44",
            "196.201.213.114",
            "196.201.212.69",
            "196.201.212.74",
            "196.201.212.127",
            "196.201.212.128",
            "196.201.212.129",
            "196.201.212.132",
            "196.201.212.136",
            "196.201.212.138",
        }
    ),
}
"""By provider, for those that have a list."""


def caller(peer: str | None, forwarded_for: str | None) -> str | None:
    """The address on the public internet that a request came from; None where it can't be told."""
    if _is_public(peer):
        return peer
    last = (forwarded_for or "").rpartition(",")[2].strip()
    return last if _is_public(last) else None


def is_foreign(provider: str, address: str | None) -> bool:
    """Whether the provider is not known to call from there. What can't be told is not foreign."""
    known = KNOWN.get(provider)
    return known is not None and address is not None and address not in known


def _is_public(address: str | None) -> bool:
    try:
        return address is not None and ip_address(address).is_global
    except ValueError:
        return False

"""Where a name leads: resolved within a time limit, and kept away from addresses that nobody's database has."""

import queue
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

RESOLVE_WITHIN_S = 2.0

Address = IPv4Address | IPv6Address
LookUp = Callable[[str, int], Sequence[str]]

_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "169.254.0.0/16",  # link-local, and the metadata service of most clouds
        "192.0.0.0/24",  # protocol assignments; a metadata service too
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "100.100.100.200/32",  # Alibaba Cloud's metadata service
        "168.63.129.16/32",  # Azure's host of every virtual machine
        "::/128",
        "fe80::/10",  # link-local
        "ff00::/8",  # multicast
        "fd00:ec2::/32",  # Amazon's metadata service
    )
)
_CARRIERS = (ip_network("64:ff9b::/96"), ip_network("::/96"))


class HostRefused(OSError):
    """The host is unknown, did not resolve in time, or leads to an address that no database has."""


def literal(host: str) -> Address | None:
    """The address that is written out, if it is one."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def refusal(address: Address) -> str | None:
    """Why nothing may be connected to at this address; None if it may. Private networks may: databases live there."""
    if is_loopback(address):
        return None
    for inner in (address, *_carried_by(address)):
        if any(inner in network for network in _NEVER if network.version == inner.version):
            return f"{address} is a link-local, metadata, multicast or reserved address"
    return None


def is_loopback(address: Address) -> bool:
    """Whether it is this machine, also when it is written as an IPv6 address that stands for one of IPv4."""
    return address.is_loopback or any(inner.is_loopback for inner in _carried_by(address))


def _carried_by(address: Address) -> list[Address]:
    """Addresses of IPv4 that an IPv6 address stands for on its way."""
    if isinstance(address, IPv4Address):
        return []
    carried: list[Address] = [each for each in (address.ipv4_mapped, address.sixtofour) if each is not None]
    if address.teredo is not None:
        carried.extend(address.teredo)
    if any(address in network for network in _CARRIERS) and not address.is_loopback:
        carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return carried


def look_up(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system resolves it. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def addresses_of(host: str, port: int, *, within_s: float = RESOLVE_WITHIN_S, via: LookUp = look_up) -> list[Address]:
    """Where a name leads. Raises HostRefused, also when it takes longer than `within_s` (the system's own limits are
    far longer, and can't be set for one look-up)."""
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(via(host, port))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=within_s)
    except queue.Empty:
        raise HostRefused(f"{host} was not resolved within {within_s:g} s") from None
    if isinstance(answer, Exception):
        raise HostRefused(f"{host} is not known ({type(answer).__name__})") from answer
    addresses = [ip_address(text.partition("%")[0]) for text in answer]
    if not addresses:
        raise HostRefused(f"{host} has no address")
    return addresses

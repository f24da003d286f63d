"""What holds for every test: nothing leaves this machine, and the shared fixtures are at hand."""

import sys
from ipaddress import ip_address
from typing import Any, cast

pytest_plugins = (
    "tests.support.clock",
    "tests.support.postgres",
    "tests.support.databases",  # after the one that it imports
    "tests.support.processes",
    "tests.support.valkey",
)


class OutsideWorld(RuntimeError):
    """A test tried to reach another machine: point what it calls at a simulator or at pytest-httpserver."""


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if not isinstance(host, str):
        return host is None
    if host in ("", "localhost"):
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address: object = args[1]
        if isinstance(address, tuple):  # anything else is a socket file
            host = cast(tuple[object, ...], address)[0]
            if not _is_loopback(host):
                raise OutsideWorld(f"connect to {host}")
    elif event == "socket.getaddrinfo" and not _is_loopback(args[0]):
        raise OutsideWorld(f"look up {args[0]!r}")


sys.addaudithook(_guard)

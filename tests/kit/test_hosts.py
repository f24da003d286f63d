"""Names lead to databases, not to metadata services; and a resolver that hangs keeps nobody waiting."""

import threading
from ipaddress import ip_address

import pytest

from kit.hosts import HostRefused, addresses_of, is_loopback, refusal


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254",
        "169.254.0.1",
        "0.0.0.0",  # noqa: S104  # refused, not listened on
        "0.1.2.3",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "::",
        "fe80::1",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_no_database_has_such_an_address(text: str) -> None:
    assert refusal(ip_address(text)) is not None


@pytest.mark.parametrize(
    "text",
    ["10.0.0.5", "172.16.1.1", "192.168.1.1", "100.64.0.1", "203.0.113.7", "fd12::1", "2001:db8::1", "127.0.0.1"],
)
def test_a_private_or_public_address_may_be_one(text: str) -> None:
    assert refusal(ip_address(text)) is None


@pytest.mark.parametrize(("text", "is_near"), [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True)])
def test_this_machine_is_known_by_its_addresses(text: str, is_near: bool) -> None:
    assert is_loopback(ip_address(text)) is is_near


def test_this_machine_is_known_in_disguise() -> None:
    assert is_loopback(ip_address("::ffff:127.0.0.1"))
    assert not is_loopback(ip_address("10.0.0.1"))


def test_every_address_of_a_name_is_found() -> None:
    found = addresses_of("db.example.com", 5432, via=lambda host, port: ["10.0.0.1", "fd12::1%eth0"])
    assert [str(each) for each in found] == ["10.0.0.1", "fd12::1"]


def test_a_name_that_nobody_knows_is_refused() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(HostRefused, match=r"db\.example\.com is not known"):
        addresses_of("db.example.com", 5432, via=unknown)
    with pytest.raises(HostRefused, match="no address"):
        addresses_of("db.example.com", 5432, via=lambda host, port: [])


def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    never = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        never.wait(60)
        return ["10.0.0.1"]

    try:
        with pytest.raises(HostRefused, match="not resolved within"):
            addresses_of("db.example.com", 5432, within_s=0.05, via=hang)
    finally:
        never.set()

"""An address that a stranger gave leads to a public machine or nowhere, and no answer takes longer than it may."""

import socket
import threading
import time
from collections.abc import Generator, Sequence
from ipaddress import ip_address

import pytest

from kit.outside import AddressRefused, NoAnswer, Outside, is_public, parse_destination
from tests.support.strangers import LONG_S, Canary, leads_to, near, served

HOOK = "https://hooks.example.com/in"


@pytest.fixture
def canary() -> Generator[Canary]:
    canary = Canary()
    yield canary
    canary.socket.close()


# --- what is refused as it is written ----------------------------------------------------------------------------

DISGUISES = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "127.0.0.0x1",
    "0",
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1%25eth0]",
    "[2606:4700::1111]",
    "8.8.8.8",
    "169.254.169.254",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "db",
    "router.internal",
    "printer.local",
    "a.localhost",
    "hooks.example.com.",
    "hooks..example.com",
    "-hooks.example.com",
    "hooks_.example.com",
    "%6cocalhost",
    "127%2e0%2e0%2e1",
    "①②⑦.⓪.⓪.①",
    "ｌocalhost",
    "exämple.com",
    "hooks。example.com",
    "x" * 64 + ".example.com",
    ".".join(["a" * 60] * 5) + ".com",
]


@pytest.mark.parametrize("host", DISGUISES)
def test_numbers_local_names_and_disguises_are_no_names(host: str, canary: Canary) -> None:
    outside = Outside(via=leads_to("127.0.0.1"))
    for url in (f"https://{host}/", f"https://{host}:{canary.port}/hooks"):
        with pytest.raises(AddressRefused):
            outside.check(url)
        with pytest.raises(AddressRefused):
            outside.post(url, {}, b"{}")
    assert not canary.was_hit()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "//hooks.example.com",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "unix:/var/run/docker.sock",
        "https:",
        "https://",
        "https:///path",
        "https:hooks.example.com",
        "https://user@hooks.example.com/",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://hooks.example.com:80/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:443:443/",
        "https://hooks.example.com:x/",
        "https://hooks.example.com/#there",
        "https://hooks.example.com#@127.0.0.1/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/a b",
        " https://hooks.example.com/",
        "https://hooks.example.com/\n",
        "https://hooks.example.com/\r\nx-injected: 1",
        "https://hooks.exam\tple.com/",
        "https://hooks.example.com/\x00",
        "https://hooks.example.com/ü",
        "https://[::1/",
        "https://hooks.example.com/" + "x" * 2000,
    ],
)
def test_whatever_is_not_plainly_https_to_a_name_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        Outside(via=leads_to("93.184.215.14")).check(url)
    assert len(str(refused.value)) > 20


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "header"),
    [
        ("https://Hooks.Example.com", "hooks.example.com", 443, "/", "hooks.example.com"),
        ("https://hooks.example.com:443/in", "hooks.example.com", 443, "/in", "hooks.example.com"),
        ("https://hooks.example.com:8443/in?a=b", "hooks.example.com", 8443, "/in?a=b", "hooks.example.com:8443"),
        ("https://xn--exmple-cua.com?x", "xn--exmple-cua.com", 443, "/?x", "xn--exmple-cua.com"),
    ],
)
def test_an_address_is_taken_apart_once(url: str, host: str, port: int, target: str, header: str) -> None:
    found = parse_destination(url, near_is_allowed=False)
    assert (found.host, found.port, found.target, found.host_header) == (host, port, target, header)


# --- what is refused for where it leads ----------------------------------------------------------------------------

PRIVATE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1",  # noqa: S104 - nothing is bound
    "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "3fff::1",
    "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.215.14", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_to_an_address_of_ours_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    for found in ([address], ["93.184.215.14", address], [address, "93.184.215.14"]):
        outside = Outside(via=leads_to(*found))
        with pytest.raises(AddressRefused, match="address that is not public"):
            outside.check(HOOK)
        with pytest.raises(AddressRefused, match="address that is not public"):
            outside.post(HOOK, {}, b"{}")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_name_that_leads_to_public_addresses_alone_is_accepted(address: str) -> None:
    assert is_public(ip_address(address))
    Outside(via=leads_to(address, "1.1.1.1")).check(HOOK)


def test_a_name_that_leads_elsewhere_when_it_is_called_is_not_called(canary: Canary) -> None:
    answers = iter(["93.184.215.14", "127.0.0.1"])
    outside = Outside(via=lambda _host, _port: [next(answers)])
    url = f"https://hooks.example.com:{canary.port}/in"
    outside.check(url)
    with pytest.raises(AddressRefused):
        outside.post(url, {}, b"{}")
    assert not canary.was_hit()


def test_a_name_is_resolved_once_for_a_request_and_what_was_checked_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def connect(address: tuple[str, int], *_args: object, **_options: object) -> socket.socket:
        called.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    answers = iter([["93.184.215.14", "2606:4700::1111"]])
    with pytest.raises(NoAnswer) as nobody:
        Outside(via=lambda _host, _port: next(answers)).post(HOOK, {}, b"{}")
    assert nobody.value.kind == "connect"
    assert called == ["93.184.215.14", "2606:4700::1111"]


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch, canary: Canary) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    with served(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as port:
        assert near().post(f"http://127.0.0.1:{port}/", {}, b"{}").status == 200
    assert not canary.was_hit()


def test_an_unknown_name_is_refused_at_first_and_tried_again_later() -> None:
    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    with pytest.raises(AddressRefused, match="not known"):
        Outside(via=unknown).check(HOOK)
    with pytest.raises(NoAnswer) as nobody:
        Outside(via=unknown).post(HOOK, {}, b"{}")
    assert nobody.value.kind == "dns"


def test_a_look_up_that_hangs_is_given_up() -> None:
    release = threading.Event()

    def hanging(_host: str, _port: int) -> Sequence[str]:
        release.wait(LONG_S)
        return ["93.184.215.14"]

    try:
        with pytest.raises(NoAnswer) as nobody:
            Outside(via=hanging).post(HOOK, {}, b"{}", within_s=0.2)
    finally:
        release.set()
    assert nobody.value.kind == "dns"


# --- this machine itself, in local mode ------------------------------------------------------------------------------


def test_this_machine_is_called_without_tls_in_local_mode_only() -> None:
    server = served(b"HTTP/1.1 204 No Content\r\n\r\n")
    with server as port:
        for url in (f"http://127.0.0.1:{port}/in?x=1", f"http://localhost:{port}/", f"http://[::1]:{port}/"):
            with pytest.raises(AddressRefused):
                Outside(via=leads_to("127.0.0.1")).check(url)
            Outside(near_is_allowed=True, via=leads_to("127.0.0.1")).check(url)
        with pytest.raises(AddressRefused, match="https"):
            Outside(near_is_allowed=True, via=leads_to("93.184.215.14")).check("http://hooks.example.com/")
        answer = near().post(f"http://127.0.0.1:{port}/in?x=1", {"webhook-id": "e1"}, b"{}")
    assert (answer.status, answer.body) == (204, b"")
    head = server.asked.decode().lower()
    assert head.startswith("post /in?x=1 http/1.1\r\n")
    assert f"\r\nhost: 127.0.0.1:{port}\r\n" in head
    assert "\r\nwebhook-id: e1\r\n" in head
    assert "\r\ncontent-length: 2\r\n" in head


def test_a_redirect_is_not_followed(canary: Canary) -> None:
    target = f"http://127.0.0.1:{canary.port}/".encode()
    for status in (b"301", b"302", b"303", b"307", b"308"):
        reply = b"HTTP/1.1 " + status + b" Moved\r\nlocation: " + target + b"\r\ncontent-length: 0\r\n\r\n"
        with served(reply) as port:
            assert near().post(f"http://127.0.0.1:{port}/", {}, b"{}").status == int(status)
    assert not canary.was_hit()


def test_of_a_huge_answer_only_the_beginning_is_read() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n"
    with served(head, *[b"x" * 65536] * 100) as port:
        answer = near().post(f"http://127.0.0.1:{port}/", {}, b"{}", keep_bytes=1000)
    assert (answer.status, answer.body) == (200, b"x" * 1000)


def test_an_answer_in_chunks_is_put_together_and_one_that_breaks_off_keeps_its_status() -> None:
    head = b"HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n"
    with served(head, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n") as port:
        assert near().post(f"http://127.0.0.1:{port}/", {}, b"{}").body == b"abcde"
    with served(head, b"3\r\nabc\r\n", b"zzz") as port:
        answer = near().post(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert (answer.status, answer.body[:3]) == (500, b"abc")


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        pytest.param([b"H"] * 400, None, id="status line"),
        pytest.param([b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 400], None, id="headers"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n"] * 400, None, id="interim answers"),
        pytest.param([b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n", *[b"x"] * 400], 200, id="body"),
    ],
)
def test_a_trickle_ends_at_the_deadline(pieces: list[bytes], status: int | None) -> None:
    before = time.monotonic()
    with served(*pieces, pause_s=0.1) as port:
        if status is None:
            with pytest.raises(NoAnswer) as nobody:
                near().post(f"http://127.0.0.1:{port}/", {}, b"{}", within_s=0.7)
            assert nobody.value.kind == "timeout"
        else:
            assert near().post(f"http://127.0.0.1:{port}/", {}, b"{}").status == status
    assert time.monotonic() - before < LONG_S  # each piece came in time; 400 of them would take 40 s


def test_who_never_answers_is_given_up() -> None:
    with served(b"", pause_s=LONG_S) as port, pytest.raises(NoAnswer) as nobody:
        near().post(f"http://127.0.0.1:{port}/", {}, b"{}", within_s=0.3)
    assert nobody.value.kind == "timeout"


@pytest.mark.parametrize("reply", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100])
def test_who_speaks_no_http_gave_no_answer(reply: bytes) -> None:
    with served(reply) as port, pytest.raises(NoAnswer) as nobody:
        near().post(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert nobody.value.kind == "broken"


def test_a_port_that_nobody_listens_on_gave_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NoAnswer) as nobody:
        near().post(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert nobody.value.kind == "connect"

"""Over real sockets: what is asked arrives as it was meant, an answer is read whole however it comes, and how a call
ended is never mistaken."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from kit.calls import Answer, Calls, CutOff, NotConnected, TimedOut
from tests.support.processes import free_ports

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Peer:
    """Answers the requests of each connection with the next of `answers`, piece by piece; b"" closes the connection
    at once, and so does the end of the answers."""

    def __init__(self, answers: list[list[bytes]]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answers = answers
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.gate = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                try:
                    self._serve(connection)
                except OSError:
                    pass  # the caller has given up

    def _serve(self, connection: socket.socket) -> None:
        while self._answers:
            request = self._read(connection)
            if request is None:
                return
            self.requests.append(request)
            for piece in self._answers.pop(0):
                if piece == b"wait":
                    self.gate.wait(10)
                elif piece == b"pause":
                    self.gate.wait(0.01)
                elif not piece:
                    return
                else:
                    connection.sendall(piece)

    def _read(self, connection: socket.socket) -> bytes | None:
        raw = b""
        while b"\r\n\r\n" not in raw:
            received = connection.recv(65536)
            if not received:
                return None
            raw += received
        head, _, body = raw.partition(b"\r\n\r\n")
        size = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
        while len(body) < size:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        self.gate.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


@contextmanager
def peer_of(*answers: list[bytes], answer_s: float = 10.0) -> Generator[tuple[Peer, Calls]]:
    peer = Peer(list(answers))
    calls = Calls(peer.url, keep=2, connect_s=10.0, answer_s=answer_s)
    try:
        yield peer, calls
    finally:
        calls.close()
        peer.close()


def test_a_request_is_one_message_with_host_length_and_its_headers() -> None:
    with peer_of([OK]) as (peer, calls):
        assert calls.request("POST", "/a?b=%20c", {"x-key": "1"}, b"body").body == b"ok"
    host = peer.url.removeprefix("http://").encode()
    assert peer.requests == [
        b"POST /a?b=%20c HTTP/1.1\r\nhost: " + host + b"\r\naccept-encoding: identity\r\nx-key: 1\r\n"
        b"content-length: 4\r\n\r\nbody"
    ]


def test_an_address_may_have_a_path_of_its_own() -> None:
    with peer_of([OK]) as (peer, _):
        calls = Calls(f"{peer.url}/twilio/", keep=1, connect_s=10.0, answer_s=10.0)
        calls.request("GET", "/x", {})
        calls.close()
    assert peer.requests[0].startswith(b"GET /twilio/x HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "pieces",
    [
        [OK],
        [OK[:9], OK[9:20], OK[20:-1], OK[-1:]],
        [b"HTTP/1.1 100 Continue\r\n\r\n" + OK],
        [b"HTTP/1.1 200\r\nContent-Length:2\r\n\r\nok"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\no\r\n", b"1\r\nk\r\n0\r\nTrailer: x\r\n\r\n"],
    ],
)
def test_an_answer_is_read_whole_and_its_connection_is_used_again(pieces: list[bytes]) -> None:
    with peer_of(pieces, [OK]) as (peer, calls):
        assert calls.request("GET", "/", {}).body == b"ok"
        assert calls.request("GET", "/", {}).body == b"ok"
        assert peer.connections == 1


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 2\r\n\r\nok"],
        [b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"],
        [b"HTTP/1.1 200 OK\r\n\r\n", b"ok", b""],
        [OK + b"HTTP/1.1 200 somebody else's"],
    ],
)
def test_a_connection_that_can_not_be_trusted_further_is_not_used_again(pieces: list[bytes]) -> None:
    with peer_of([*pieces, b""], [OK]) as (peer, calls):
        assert calls.request("GET", "/", {}).body == b"ok"
        assert calls.request("GET", "/", {}).body == b"ok"
        assert peer.connections == 2


def test_status_and_headers_are_told_and_some_answers_have_no_body() -> None:
    busy = b"HTTP/1.1 429 Busy\r\nRetry-After:  7 \r\ncontent-length: 0\r\n\r\n"
    with peer_of([busy], [b"HTTP/1.1 204 N\r\n\r\n"]) as (_, calls):
        answer = calls.request("GET", "/", {})
        assert answer == Answer(429, {"retry-after": "7", "content-length": "0"}, b"")
        assert calls.request("GET", "/", {}) == Answer(204, {}, b"")


def test_a_kept_connection_that_the_other_side_closed_is_noticed_before_anything_is_sent() -> None:
    with peer_of([OK, b""], [OK]) as (peer, calls):
        calls.request("GET", "/", {})
        while calls._idle[0].is_quiet:  # pyright: ignore[reportPrivateUsage] # until its end has arrived here
            pass
        assert calls.request("POST", "/", {}, b"once").body == b"ok"
        assert [request[-4:] for request in peer.requests] == [b"\r\n\r\n", b"once"]


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [b"HTTP/1.1 200 OK\r\ncontent-le", b""],
        [b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", b""],
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", b""],
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-2\r\nok\r\n"],
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nokay\r\n"],
        [b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok"],
        [b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nok"],
        [b"HTTP/1.1 OK\r\n\r\n"],
        [b"220 mail.example.com ESMTP\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nno header\r\n\r\n"],
        [b"x" * 70_000],
    ],
)
def test_what_is_no_whole_answer_leaves_it_open_what_happened(pieces: list[bytes]) -> None:
    with peer_of(pieces, [OK]) as (_, calls):
        with pytest.raises(CutOff):
            calls.request("POST", "/", {}, b"pay")
        assert calls.request("GET", "/", {}).body == b"ok"


@pytest.mark.parametrize("pieces", [[b"wait"], [OK[:-1], b"wait"]])
def test_an_answer_that_is_late_is_given_up_and_its_connection_with_it(pieces: list[bytes]) -> None:
    with peer_of(pieces, answer_s=0.05) as (_, calls):
        with pytest.raises(TimedOut):
            calls.request("GET", "/", {})
        assert not calls._idle  # pyright: ignore[reportPrivateUsage]


def test_an_answer_that_comes_drop_by_drop_is_not_waited_for_for_ever() -> None:
    drops = [b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n"] + [b"x", b"pause"] * 400
    with peer_of(drops, answer_s=0.2) as (_, calls), pytest.raises(TimedOut):
        calls.request("GET", "/", {})


def test_where_nobody_listens_nothing_was_sent() -> None:
    calls = Calls(f"http://127.0.0.1:{free_ports(1)[0]}", keep=1, connect_s=10.0, answer_s=10.0)
    with pytest.raises(NotConnected):
        calls.request("POST", "/", {}, b"x")


def test_who_can_not_speak_tls_was_sent_nothing() -> None:
    with peer_of([OK]) as (peer, _):
        calls = Calls(peer.url.replace("http", "https"), keep=1, connect_s=0.5, answer_s=10.0)
        with pytest.raises(NotConnected):
            calls.request("POST", "/", {"authorization": "x"}, b"x")
        assert peer.requests == []


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/a b", {}),
        ("/\r\nx: y", {}),
        ("/ñ", {}),
        ("/", {"a": "b\r\nc: d"}),
        ("/", {"a": "b\nc"}),
        ("/", {"a": "\x00"}),
    ],
)
def test_no_value_can_break_out_of_its_place(target: str, headers: dict[str, str]) -> None:
    calls = Calls("http://127.0.0.1:9", keep=1, connect_s=10.0, answer_s=10.0)
    with pytest.raises(ValueError, match=r"target|header"):
        calls.request("GET", target, headers)


@pytest.mark.parametrize("address", ["ftp://x", "127.0.0.1:3030", "https://", ""])
def test_only_http_addresses_can_be_called(address: str) -> None:
    with pytest.raises(ValueError, match="no http"):
        Calls(address, keep=1, connect_s=1.0, answer_s=1.0)


def test_many_threads_share_the_connections_and_each_gets_its_own_answer() -> None:
    answers = [[b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n%02d" % number] for number in range(40)]
    with peer_of(*answers) as (peer, calls):
        seen: list[bytes] = []

        def ask() -> None:
            for _ in range(20):
                seen.append(calls.request("GET", "/", {}).body)  # noqa: PERF401 - each as it comes

        one = threading.Thread(target=ask)
        one.start()
        one.join(20)
        calls.close()
        two = threading.Thread(target=ask)
        two.start()
        two.join(20)
        assert sorted(seen) == [b"%02d" % number for number in range(40)]
        assert peer.connections == 2

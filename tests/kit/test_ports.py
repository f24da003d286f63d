"""A port that is taken is noticed before anything starts."""

import socket

import pytest

from kit.ports import PortTaken, check_port


def test_a_free_port_is_free_and_stays_so() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    check_port(port)
    check_port(port)


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_that_another_listens_on_is_taken_even_if_it_would_share(shared: bool) -> None:
    with socket.socket() as other:
        if shared:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            check_port(port)

"""Whether a port can be listened on, asked before anything is started."""

import socket


class PortTaken(OSError):
    """Another program listens on the port, or this one may not: stop it, or choose another port."""


def check_port(port: int, host: str = "127.0.0.1") -> None:
    """Raises PortTaken unless the port can be listened on now.

    Granian's own sockets would share a port with another process of ours without a word, so it is asked here first."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise PortTaken(error.errno, f"port {port} of {host} can't be used ({error.strerror})") from error

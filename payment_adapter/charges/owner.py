"""Who holds a claim: a process, named so that another on the same machine can tell whether it still lives."""

import os
import secrets
import socket
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Owner:
    host: str
    pid: int
    nonce: str
    """Tells one life of a process from the next, which may get the same pid."""

    @classmethod
    def this_process(cls) -> Self:
        return cls(socket.gethostname(), os.getpid(), secrets.token_hex(8))

    @classmethod
    def parse(cls, text: str) -> "Owner | None":
        host, _, rest = text.rpartition("/")[0].rpartition("/")
        nonce = text.rpartition("/")[2]
        if not (host and nonce and rest.isascii() and rest.isdigit()):
            return None
        return cls(host, int(rest), nonce)

    def __str__(self) -> str:
        return f"{self.host}/{self.pid}/{self.nonce}"

    def is_surely_gone(self, me: "Owner") -> bool:
        """Whether, seen from `me`, that process certainly runs no more. False where nobody can tell from here."""
        if self.host != me.host or self == me:
            return False
        if self.pid == me.pid:
            return True
        try:
            os.kill(self.pid, 0)  # signal 0 only asks
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False

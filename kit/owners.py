"""Who holds a lease: one name per running process, and a way to tell that another of this machine is gone for good.

A process that is killed leaves its leases behind. The next one need not wait for them to run out: each holds a lock on
a file with its name, which the operating system takes away with the process. A process number would not do: containers
reuse it, and two of them may not see each other's."""

import fcntl
import secrets
from pathlib import Path
from typing import IO

import structlog

_log = structlog.get_logger()


class Owner:
    """This process as the owner of leases. Without a folder to write to it still has a name, and dead owners are
    told by their leases running out."""

    def __init__(self, folder: Path) -> None:
        self.name = secrets.token_hex(8)
        self._folder = folder
        self._file: IO[str] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Made beside and renamed when locked: nobody ever finds it unlocked while its process lives.
            draft = folder / f".{self.name}"
            self._file = draft.open("w")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.rename(folder / self.name)
        except OSError as error:
            _log.warning("leases of a process that dies will have to run out", folder=str(folder), why=error.strerror)

    def gone(self) -> list[str]:
        """Names of the processes of this folder that have ended without saying so. Each stays listed until `forget`."""
        return [path.name for path in self._folder.glob("[0-9a-f]*") if path.name != self.name and _is_unlocked(path)]

    def forget(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def close(self, *, leaves_work: bool = False) -> None:
        """This process takes no lease any more. If it still has some, its name stays, for an heir to find."""
        if self._file is None:
            return
        if not leaves_work:
            self.forget(self.name)
        self._file.close()
        self._file = None


def _is_unlocked(path: Path) -> bool:
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

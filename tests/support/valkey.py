"""A real Valkey (which speaks Redis) for tests, on a socket file, so that parallel runs share no port."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from dukani.engines import valkey
from dukani.engines.program import Program


class Valkey:
    """A server that a test stops and starts at will. Its address stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "socket"
        self._program: Program | None = None

    @property
    def url(self) -> str:
        """A `REDIS_URL`."""
        return valkey.url(self._socket)

    def start(self) -> None:
        self._program = valkey.launch(self._folder, self._socket)

    def kill(self) -> None:
        if self._program is not None:
            self._program.kill()
            self._program = None


@pytest.fixture(scope="session")
def _valkey_server() -> Generator[str]:
    with _folder() as folder:
        server = Valkey(folder)
        server.start()
        yield server.url
        server.kill()


@pytest.fixture
def valkey_server_url(_valkey_server: str) -> str:
    """A `REDIS_URL` of an empty server."""
    with redis.Redis.from_url(_valkey_server) as client:
        client.flushall()
    return _valkey_server


@pytest.fixture
def own_valkey() -> Generator[Valkey]:
    """A server for one test alone, not started yet."""
    with _folder() as folder:
        server = Valkey(folder)
        yield server
        server.kill()


@contextmanager
def _folder() -> Generator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="dukani-vk-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

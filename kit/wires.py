"""What carries short messages between our processes: Redis, or a PostgreSQL database. Delivery is not promised.

Their libraries take as long to import as a start may take in all, so that is left to the first connection."""

import socket
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from psycopg import Connection
    from redis import Redis
    from redis.client import PubSub

CHANNEL = "dukani_wakes"

_CONNECT_S = 3
_ANSWER_S = 5
_SILENCE_MS = 20_000
"""A peer that acknowledges nothing for so long is gone (tcp(7): TCP_USER_TIMEOUT)."""


class Lost(Exception):
    """The connection broke, or could not be made."""


class Line(Protocol):
    """One connection. Every method raises Lost."""

    def send(self, message: str) -> None: ...

    def listen(self) -> None:
        """Call once, before the first `hear`."""
        ...

    def hear(self, timeout_s: float) -> list[str]:
        """What came, oldest first; empty when nothing did within that time."""
        ...


Wire = Callable[[], AbstractContextManager[Line]]
"""Opens a Line, which is closed at the end. Raises Lost."""


def redis_wire(url: str) -> Wire:
    """By publish and subscribe."""

    @contextmanager
    def wire() -> Generator[Line]:
        import redis  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        options: dict[str, Any] = {}
        if not url.startswith("unix://"):
            options = {"socket_keepalive": True, "socket_keepalive_options": _keepalive()}
        client = redis.Redis.from_url(
            url,
            socket_connect_timeout=_CONNECT_S,
            socket_timeout=_ANSWER_S,
            health_check_interval=15,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),  # whoever opens a line decides when to try again
            **options,
        )
        line = _RedisLine(client)
        try:
            client.ping()
            yield line
        except (redis.RedisError, OSError, ValueError) as error:
            raise Lost(f"Redis: {type(error).__name__}") from error
        finally:
            line.close()
            client.close()

    return wire


class _RedisLine:
    def __init__(self, client: "Redis") -> None:
        self._client = client
        self._heard: PubSub | None = None

    def send(self, message: str) -> None:
        self._client.publish(CHANNEL, message)

    def listen(self) -> None:
        self._heard = self._client.pubsub(ignore_subscribe_messages=True)
        self._heard.subscribe(CHANNEL)

    def hear(self, timeout_s: float) -> list[str]:
        messages: list[str] = []
        while message := self._next(0.0 if messages else timeout_s):
            messages.append(str(message["data"]))
        return messages

    def close(self) -> None:
        if self._heard is not None:
            self._heard.close()

    def _next(self, timeout_s: float) -> dict[str, Any] | None:
        assert self._heard is not None
        return cast(dict[str, Any] | None, self._heard.get_message(timeout=timeout_s))


def postgres_wire(url: str) -> Wire:
    """By NOTIFY and LISTEN. Not through a pooler that gives a connection to another client after each transaction."""
    parsed = make_url(url).set(drivername="postgresql")

    @contextmanager
    def wire() -> Generator[Line]:
        import psycopg  # noqa: PLC0415

        try:
            with psycopg.connect(
                parsed.render_as_string(hide_password=False),
                autocommit=True,
                connect_timeout=_CONNECT_S,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                tcp_user_timeout=_SILENCE_MS,
                application_name="dukani-wakes",
            ) as connection:
                yield _PostgresLine(connection)
        except (psycopg.Error, OSError) as error:
            raise Lost(f"PostgreSQL: {type(error).__name__}") from error

    return wire


class _PostgresLine:
    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    def send(self, message: str) -> None:
        self._connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, message))

    def listen(self) -> None:
        self._connection.execute(f"LISTEN {CHANNEL}")

    def hear(self, timeout_s: float) -> list[str]:
        return [notice.payload for notice in self._connection.notifies(timeout=timeout_s, stop_after=1)]


def _keepalive() -> dict[int, int]:
    """Only what this system knows."""
    wanted = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": _SILENCE_MS}
    return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}

"""The four processes: where each listens, and how it is built and run."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn, assert_never

from kit.clock import Clock
from kit.settings import SECRET_NAMES, Settings

if TYPE_CHECKING:
    from kit.service import Service  # brings Flask and structlog, which the command line can do without


class Process(StrEnum):
    BOT = "bot"
    ROUTER = "router"
    PAYMENT_ADAPTER = "payment_adapter"
    SIMULATORS = "simulators"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process listens, on loopback; what others reach it by is a reverse proxy's business."""

    port: int
    port_variable: str
    threads: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def place(process: Process, settings: Settings) -> Place:
    match process:
        case Process.BOT:
            return Place(settings.bot_port, "DUKANI_BOT_PORT", threads=8)
        case Process.ROUTER:
            return Place(settings.router_port, "DUKANI_ROUTER_PORT", threads=8)
        case Process.PAYMENT_ADAPTER:
            return Place(settings.adapter_port, "DUKANI_ADAPTER_PORT", threads=8)
        case Process.SIMULATORS:
            # A fault may hold answers back for a while.
            return Place(settings.simulators_port, "DUKANI_SIMULATORS_PORT", threads=32)
        case _:
            assert_never(process)


def wanted(settings: Settings) -> list[Process]:
    """The processes of this shop, in the order in which they are shown."""
    return [process for process in Process if process is not Process.SIMULATORS or settings.simulators_on]


SECRETS: dict[Process, frozenset[str]] = {
    Process.BOT: frozenset(
        {"TWILIO_AUTH_TOKEN", "DUKANI_KEY_BOT_ROUTER", "DUKANI_KEY_BOT_ADAPTER", "DUKANI_KEY_EVENTS_ROUTER_BOT"}
    ),
    Process.ROUTER: frozenset(
        {
            "DUKANI_KEY_BOT_ROUTER",
            "DUKANI_KEY_GRANT",
            "DUKANI_KEY_EVENTS_ADAPTER_ROUTER",
            "DUKANI_KEY_EVENTS_ROUTER_BOT",
        }
    ),
    Process.PAYMENT_ADAPTER: frozenset(
        {"DUKANI_VAULT_KEY", "DUKANI_KEY_BOT_ADAPTER", "DUKANI_KEY_GRANT", "DUKANI_KEY_EVENTS_ADAPTER_ROUTER"}
    ),
    Process.SIMULATORS: frozenset({"TWILIO_AUTH_TOKEN"}),
}
"""What each process may know. The bot holds no payment secret, not even by accident of a shared environment."""

PAIRS = frozenset(
    {
        "DUKANI_KEY_BOT_ROUTER",
        "DUKANI_KEY_BOT_ADAPTER",
        "DUKANI_KEY_GRANT",
        "DUKANI_KEY_EVENTS_ADAPTER_ROUTER",
        "DUKANI_KEY_EVENTS_ROUTER_BOT",
    }
)
"""The secrets that two processes share: each pair, and each direction, has its own."""


def run(process: Process, settings: Settings, *, parent: int | None = None) -> NoReturn:
    """Serve that process until told to stop. With `parent`, it drains as soon as that process is gone."""
    settings = settings.narrowed_to(SECRETS[process])
    for name in set(SECRET_NAMES) - SECRETS[process]:
        os.environ.pop(name, None)
    build = builder(process)
    # Imported after the rooms: everything that the workers share is then loaded before they are forked.
    from kit.logging import configure_logging
    from kit.serve import die_with, serve
    from kit.signing import check_pairs

    check_pairs(settings, SECRETS[process] & PAIRS)

    if parent is not None:
        die_with(parent, signal.SIGTERM)
    configure_logging(process, settings)
    clock = settings.clock()
    at = place(process, settings)
    serve(process, lambda: build(settings, clock), port=at.port, threads=at.threads)


def builder(process: Process) -> "Callable[[Settings, Clock], Service]":
    """Imports that process's rooms and nobody else's."""
    # structlog draws tracebacks with rich where it finds it: 130 ms and some megabytes that no process here needs.
    if "structlog" not in sys.modules:
        sys.modules.setdefault("rich", None)  # pyright: ignore[reportArgumentType]
    match process:
        case Process.BOT:
            from bot.app import create_service
        case Process.ROUTER:
            from router.app import create_service
        case Process.PAYMENT_ADAPTER:
            from payment_adapter.app import create_service
        case Process.SIMULATORS:
            return _simulators
        case _:
            assert_never(process)
    return create_service


def _simulators(settings: Settings, clock: Clock) -> "Service":
    from dukani.seed import SHOPS
    from simulators.app import create_service

    greetings = [(f"SHOP {shop.word}", shop.name) for shop in SHOPS]
    businesses = {shop.shortcode: shop.name for shop in SHOPS}
    return create_service(settings, clock, greetings=greetings, businesses=businesses)


def command_line(process: Process) -> list[str]:
    """What starts that process as a child of this one."""
    return [sys.executable, "-m", "dukani", "serve", process.value, "--parent", str(os.getpid())]

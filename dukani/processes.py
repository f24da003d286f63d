"""The four processes: where each listens, and how it is built and run."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn, assert_never

from kit.clock import Clock
from kit.settings import SECRET_NAMES, Settings, SettingsError

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
            # Callbacks that come together are committed together: as many as there are threads to wait for that.
            return Place(settings.adapter_port, "DUKANI_ADAPTER_PORT", threads=32)
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
        {
            "TWILIO_AUTH_TOKEN",
            "DUKANI_KEY_BOT_ROUTER",
            "DUKANI_KEY_BOT_ADAPTER",
            "DUKANI_KEY_EVENTS_ROUTER_BOT",
            "DUKANI_METRICS_TOKEN",
        }
    ),
    Process.ROUTER: frozenset(
        {
            "DUKANI_KEY_BOT_ROUTER",
            "DUKANI_KEY_ROUTER_ADAPTER",
            "DUKANI_KEY_GRANT",
            "DUKANI_KEY_EVENTS_ADAPTER_ROUTER",
            "DUKANI_KEY_EVENTS_ROUTER_BOT",
            "DUKANI_KEY_WEBHOOKS",
            "DUKANI_METRICS_TOKEN",
        }
    ),
    Process.PAYMENT_ADAPTER: frozenset(
        {
            "DUKANI_VAULT_KEY",
            "DUKANI_KEY_BOT_ADAPTER",
            "DUKANI_KEY_ROUTER_ADAPTER",
            "DUKANI_KEY_GRANT",
            "DUKANI_KEY_EVENTS_ADAPTER_ROUTER",
            "DUKANI_METRICS_TOKEN",
        }
    ),
    Process.SIMULATORS: frozenset({"TWILIO_AUTH_TOKEN"}),
}
"""What each process may know. The bot holds no payment secret, not even by accident of a shared environment."""

MIGRATION_VARIABLES = tuple(f"{name}_MIGRATION_URL" for name in ("PLATFORM", "OPS", "CONVERSATIONS", "PAYMENTS"))
"""They may hold passwords of roles that own tables. No process that serves needs one."""

PAIRS = frozenset(
    {
        "DUKANI_KEY_BOT_ROUTER",
        "DUKANI_KEY_BOT_ADAPTER",
        "DUKANI_KEY_ROUTER_ADAPTER",
        "DUKANI_KEY_GRANT",
        "DUKANI_KEY_EVENTS_ADAPTER_ROUTER",
        "DUKANI_KEY_EVENTS_ROUTER_BOT",
    }
)
"""The secrets that two processes share: each pair, and each direction, has its own."""


def why_not(process: Process, *, workers: int, with_work: bool) -> str | None:
    """Why that process can't be run so, in a sentence."""
    if process is Process.SIMULATORS and workers > 1:
        return "The simulators are one process: --workers is for the bot, the router and the payment adapter."
    if process is not Process.ROUTER and not with_work:
        return f"--no-work is for the router: the {process} hands its work from request to loop within a process."
    return None


def run(
    process: Process, settings: Settings, *, parent: int | None = None, workers: int = 1, with_work: bool = True
) -> NoReturn:
    """Serve that process until told to stop. With `parent`, it drains as soon as that process is gone.

    Its loops run in every worker where work is handed over in memory, and in one of them where it is not (the router).
    Without work they run nowhere: see `work`. Raises PortTaken, SettingsError."""
    settings, build = _begin(process, settings, parent)
    from kit.serve import LoopsIn, serve

    if process is Process.PAYMENT_ADAPTER:
        settings = replace(settings, adapter_processes=max(settings.adapter_processes, workers))
    loops = LoopsIn.FIRST_WORKER if process is Process.ROUTER else LoopsIn.EVERY_WORKER
    at = place(process, settings)
    if workers > 1:
        _share_figures(settings, f"{process}-{at.port}")

    def create() -> "Service":
        return _with_metrics(build(settings, settings.clock()), settings)

    serve(
        process,
        create,
        host=settings.listen_host,
        port=at.port,
        threads=at.threads,
        workers=workers,
        loops=loops if with_work else LoopsIn.NO_WORKER,
    )


def work(process: Process, settings: Settings, *, parent: int | None = None, port: int | None = None) -> NoReturn:
    """Run that process's loops and nothing else, as one of as many as wanted. With `port` it answers there what every
    process answers about itself; else it listens nowhere. Raises PortTaken, SettingsError."""
    settings, build = _begin(process, settings, parent, "work ")
    from kit import serve

    def create() -> "Service":
        return _with_metrics(build(settings, settings.clock()), settings)

    if port is None:
        serve.work(create)
    from kit.web import OWN_PATHS, answer_only

    def create_to_be_asked() -> "Service":
        service = create()
        answer_only(service.app, OWN_PATHS)
        return service

    serve.serve(process, create_to_be_asked, host=settings.listen_host, port=port, threads=2)


def _begin(
    process: Process, settings: Settings, parent: int | None, what: str = ""
) -> "tuple[Settings, Callable[[Settings, Clock], Service]]":
    """What serving and working have in common: only its own secrets, its rooms imported, its logs."""
    settings = settings.narrowed_to(SECRETS[process])
    for name in (*set(SECRET_NAMES) - SECRETS[process], *MIGRATION_VARIABLES, "PROMETHEUS_MULTIPROC_DIR"):
        os.environ.pop(name, None)
    build = builder(process)
    # Imported after the rooms: everything that the workers share is then loaded before they are forked.
    from kit.logging import configure_logging
    from kit.serve import die_with
    from kit.signing import check_pairs

    check_pairs(settings, SECRETS[process] & PAIRS)
    if parent is not None:
        die_with(parent, signal.SIGTERM)
    configure_logging(f"{what}{process}", settings)
    return settings, build


def _with_metrics(service: "Service", settings: Settings) -> "Service":
    from kit.web import add_metrics

    name = "DUKANI_METRICS_TOKEN"
    if service.name != Process.SIMULATORS:
        add_metrics(service.app, settings.secret(name) if settings.optional_secret(name) else None)
    return service


def _share_figures(settings: Settings, name: str) -> None:
    from kit.metrics import share_through

    folder = settings.data_dir / "metrics" / name
    try:
        share_through(folder)
    except OSError as error:
        raise SettingsError(f"DUKANI_DATA_DIR: several workers share figures in {folder}: {error.strerror}") from error


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
    businesses = {shop.account: shop.name for shop in SHOPS}
    return create_service(settings, clock, greetings=greetings, businesses=businesses)


def command_line(process: Process, *options: str) -> list[str]:
    """What starts that process as a child of this one."""
    return [sys.executable, "-m", "dukani", "serve", process.value, "--parent", str(os.getpid()), *options]


def work_command_line(process: Process, port: int) -> list[str]:
    """What starts that process's loops as a child of this one."""
    own = ["--parent", str(os.getpid()), "--port", str(port)]
    return [sys.executable, "-m", "dukani", "work", process.value, *own]

"""What must be true before a shop can start: a folder to write to, free ports, tables."""

import tempfile
from collections.abc import Callable, Iterable

from dukani.processes import Process, place
from kit.ports import PortTaken, check_port
from kit.settings import Settings

LINEAGES = ("platform", "ops", "conversations", "payments")


class CannotStart(RuntimeError):
    """The text is for a person: a sentence for each thing that is in the way, saying what to do."""


def make_data_dir(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.data_dir):
            pass
    except OSError as error:
        reason = (error.strerror or "not possible").lower()
        sentence = f"Can't write to {settings.data_dir} ({reason}): make it writable, or set DUKANI_DATA_DIR."
        raise CannotStart(sentence) from error


def check_ports(settings: Settings, processes: Iterable[Process]) -> None:
    problems: list[str] = []
    for process in processes:
        at = place(process, settings)
        try:
            check_port(at.port, settings.listen_host)
        except PortTaken as error:
            problems.append(port_sentence(error, at.port_variable))
    if problems:
        raise CannotStart("\n".join(problems))


def port_sentence(error: PortTaken, variable: str) -> str:
    reason = error.strerror or "taken"
    return f"{reason[0].upper()}{reason[1:]}: stop what uses it, or set {variable} to another."


def migrate_all(
    settings: Settings, lineages: Iterable[str], say: Callable[[str], None], *, quiet: bool = False
) -> None:
    """Every database is tried; those that fail are named together at the end."""
    # Alembic is a quarter of a second that starting a process must not pay.
    from dukani.migrations_plan import migrate_lineages
    from dukani.migrations_shown import Steps

    run = migrate_lineages(settings, lineages, Steps(say, is_quiet=quiet))
    run.close()
    if run.failed:
        raise CannotStart("\n".join(outcome.error or outcome.name for outcome in run.failed))

"""`dukani reconcile`: a shop's payments against its provider's statement."""

import os
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dukani.desk import at_desk, payments_database
from kit.settings import load_settings

if TYPE_CHECKING:
    from datetime import tzinfo

    from kit.db import Database
    from kit.settings import Settings
    from payment_adapter.reconcile.statements_formats import Statement
    from payment_adapter.reconcile.statements_ours import Period
    from payment_adapter.reconcile.statements_report import Report
    from payment_adapter.reconcile.statements_scratch import Scratch

_ON_SCREEN = 20
_AUTO = "auto"
_GOES_ON = " What was applied before stays applied; the same command goes on."
_EVERY = 50_000
"""Lines between two signs of life, where they are lines."""


@dataclass(frozen=True, slots=True)
class _Day:
    """As it was typed: a day, or a moment in the provider's zone."""

    value: datetime
    is_whole_day: bool

    def begins(self, zone: "tzinfo") -> datetime:
        return self.value.replace(tzinfo=zone).astimezone(UTC)

    def ends(self, zone: "tzinfo") -> datetime:
        """A whole day ends when the next begins."""
        return self.begins(zone) + timedelta(days=1 if self.is_whole_day else 0)


def _day(_context: click.Context, _parameter: click.Parameter, value: str | None) -> _Day | None:
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?", value)
    try:
        if match is not None:
            return _Day(datetime.fromisoformat(f"{match[1]} {match[2] or '00:00'}"), is_whole_day=match[2] is None)
    except ValueError:
        pass
    raise click.BadParameter(f"{value!r}: write a day like 2026-11-20, or a moment like 2026-11-20T18:30")


@click.command()
@click.argument("file", metavar="STATEMENT", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--vendor", "named", metavar="VENDOR", required=True, help="The shop, by its id or its word.")
@click.option("--from", "first", callback=_day, help="First day that it covers; else its first line's.")
@click.option("--to", "last", callback=_day, help="Last day that it covers; else until its last line.")
@click.option(
    "--format",
    "layout",
    type=click.Choice([_AUTO, "mpesa-org", "mpesa-c2b", "ekwanza"]),
    default=_AUTO,
    show_default=True,
    help="How the file is laid out.",
)
@click.option("--apply", "is_applied", is_flag=True, help="Do what follows from it: you are asked first.")
@click.option("--yes", "is_sure", is_flag=True, help="With --apply: don't ask.")
@click.option(
    "--report",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all of it to this file: a table for .csv, else text.",
)
def reconcile(
    file: Path,
    named: str,
    first: _Day | None,
    last: _Day | None,
    layout: str,
    is_applied: bool,
    is_sure: bool,
    target: Path | None,
) -> None:
    """Compare a shop's payments with its provider's statement.

    STATEMENT is the organisation portal's export or a list of C2B confirmations (M-Pesa), or AppyPay's list of
    payments, as JSON or CSV. Nothing is changed without --apply; with it, charges that the statement shows as paid
    become paid, and money by hand that was never heard of is announced. docs/reconciliation.md says what each finding
    means."""
    from payment_adapter.reconcile.statements_formats import Format, recognise
    from payment_adapter.reconcile.statements_scratch import Scratch
    from payment_adapter.reconcile.statements_text import Source, StatementUnusable

    with at_desk(only_looking=True) as desk:
        vendor_id = desk.vendor(named)
        shop = _name(desk.tx, vendor_id)
    settings = load_settings()
    progress = _Progress()
    if target is not None and target.resolve() == file.resolve():
        raise click.UsageError("--report would overwrite the statement: give it another name")
    try:
        with Source(file) as source, Scratch() as scratch, payments_database(settings, _GOES_ON) as db:
            statement = recognise(source, None if layout == _AUTO else Format(layout))
            run = _Run(settings, db, vendor_id, shop, statement, scratch, progress)
            report = run.compare(first, last)
            for line in report.text(_ON_SCREEN):
                click.echo(line)
            if target is not None:
                _write(report, target)
                click.echo(f"\nWritten to {target}.")
            if is_applied and run.apply(report, is_sure=is_sure) and target is not None:
                _write(report, target)  # with what came of each
    except StatementUnusable as error:
        progress.wipe()
        raise click.ClickException(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Run:
    settings: "Settings"
    db: "Database"
    vendor_id: str
    shop: str
    statement: "Statement"
    scratch: "Scratch"
    progress: "_Progress"

    def compare(self, first: _Day | None, last: _Day | None) -> "Report":
        from payment_adapter.reconcile.statements_compare import compare, spool
        from payment_adapter.reconcile.statements_ours import Books
        from payment_adapter.reconcile.statements_report import Report

        source = self.statement.source
        spool(self.statement, self.scratch, lambda what, count: self.progress.reading(what, count, source))
        self._refuse_another_s()
        period = self._period(first, last)
        books = Books(self.db, self.vendor_id, self.statement.layout, period)
        compare(self.scratch, books, self.progress.did)
        self.progress.wipe()
        return Report(self.shop, source.path.name, self.statement.layout, period, self.scratch)

    def _refuse_another_s(self) -> None:
        """A statement that names short codes, none of which is the shop's."""
        from payment_adapter.vault.master import master_keys
        from payment_adapter.vault.service import Vault

        told = self.statement.shortcodes
        if not told:
            return
        with self.db.read() as tx:
            credentials = Vault(master_keys(self.settings)).load(tx, self.vendor_id, self.statement.layout.provider)
        if credentials is None:
            return
        own = {credentials.fields[name].reveal() for name in ("shortcode", "party_b") if name in credentials.fields}
        if own and not own & told:
            raise click.ClickException(
                f"This is a statement of {', '.join(sorted(told))}, and {self.shop} is paid to "
                f"{', '.join(sorted(own))}. Was it downloaded for another shop?"
            )

    def _period(self, first: _Day | None, last: _Day | None) -> "Period":
        from payment_adapter.reconcile.statements_compare import span
        from payment_adapter.reconcile.statements_ours import Period

        zone = self.statement.layout.zone
        walked = span(self.scratch)
        if walked is None and (first is None or last is None):
            raise click.ClickException("No line of it can be read as a payment: say --from and --to, if it is empty.")
        begins, ends = walked or (0, 0)
        start = first.begins(zone) if first else _midnight(datetime.fromtimestamp(begins, zone))
        end = last.ends(zone) if last else datetime.fromtimestamp(ends, UTC) + timedelta(seconds=1)
        if start >= end:
            raise click.ClickException("--from must come before --to and before the statement's last line.")
        return Period(start, end)

    def apply(self, report: "Report", *, is_sure: bool) -> bool:
        """Whether there was anything to apply."""
        from payment_adapter.reconcile.statements_apply import Applying, charges_by_statement
        from payment_adapter.reconcile.statements_compare import ANOTHER_SHOPS
        from payment_adapter.reconcile.statements_scratch import Action

        counted: dict[str, int] = {
            str(action): count
            for action, count in self.scratch.ask("SELECT action, count(*) FROM lines GROUP BY action")
        }
        pay, announce = counted.get(Action.PAY, 0), counted.get(Action.ANNOUNCE, 0)
        (foreign,) = self.scratch.one("SELECT count(*) FROM lines WHERE note = ?", (ANOTHER_SHOPS,))
        click.echo("")
        if foreign:
            raise click.ClickException(
                f"{foreign} of its lines are payments to another shop here: nothing was applied. Is it this shop's?"
            )
        if not pay and not announce:
            click.echo("There is nothing to apply.")
            return False
        click.echo(f"To apply: charges that get the statement's word: {pay}; payments by hand to announce: {announce}.")
        if not is_sure:
            click.confirm("Go on?", abort=True)
        charges = charges_by_statement(self.settings.clock(), self.statement.layout)
        applying = Applying(
            self.db, charges, self.vendor_id, self.statement.layout, lambda count: self.progress.did("applied", count)
        )
        done = applying.run(self.scratch)
        self.progress.wipe()
        for outcome, count in sorted(done.items()):
            click.echo(f"  {count} {outcome}")
        click.echo(f"{report.shop} and the customers hear of it as of every payment.")
        return True


def _name(tx: object, vendor_id: str) -> str:
    from sqlalchemy import select

    from kit.db import Tx
    from router.vendors.models import vendors

    assert isinstance(tx, Tx)
    return str(tx.execute(select(vendors.c.name).where(vendors.c.id == vendor_id)).scalar_one())


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def _write(report: "Report", target: Path) -> None:
    """For the owner's eyes: it says who paid what."""
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise click.ClickException(f"{target} can't be written: {error.strerror}") from error
    is_table = target.suffix.lower() == ".csv"
    with open(handle, "w", encoding="utf-8-sig" if is_table else "utf-8", newline="" if is_table else None) as file:
        if is_table:
            report.csv(file)
        else:
            file.writelines(line + "\n" for line in report.text())


class _Progress:
    """What is being done: one line that changes on a terminal, a line now and then elsewhere. On standard error, so
    that a report that is piped holds nothing else."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._said: dict[str, int] = {}

    def reading(self, what: str, count: int, source: object) -> None:
        from payment_adapter.reconcile.statements_text import Source

        assert isinstance(source, Source)
        self.did(what, count, f" · {100 * source.position // max(source.size, 1)} %")

    def did(self, what: str, count: int, more: str = "") -> None:
        if self._is_terminal:
            click.echo(f"\r\033[2K  {count:,} {what}{more}", nl=False, err=True)
        elif count - self._said.get(what, 0) >= _EVERY:
            self._said[what] = count
            click.echo(f"  {count:,} {what}{more}", err=True)

    def wipe(self) -> None:
        if self._is_terminal:
            click.echo("\r\033[2K", nl=False, err=True)

"""Whatever a statement and a shop hold, everything is in exactly one bucket, sums add up, applying twice is once."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from contracts.states import ChargeStatus
from kit.clock import FixedClock
from kit.db import Database
from payment_adapter.charges.models import charges
from payment_adapter.reconcile.statements_apply import Applying, Done, charges_by_statement
from payment_adapter.reconcile.statements_compare import compare, spool
from payment_adapter.reconcile.statements_formats import recognise
from payment_adapter.reconcile.statements_ours import Books, Period
from payment_adapter.reconcile.statements_report import Report, Sum
from payment_adapter.reconcile.statements_scratch import Bucket, Entry, Scratch
from payment_adapter.reconcile.statements_text import Source
from tests.support.statements import MAMA, NOON, Row, Shop, org

DAY = Period(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
RECEIPTS = [f"UKK1AAAAA{number}" for number in range(6)]
ACCOUNTS = ["", "K7M3QD", "4CDFGH", "RENT"]
AMOUNTS = [100, 45_000, 45_001]
MINUTES = [-800, -13, -1, 0, 1, 7, 800]


def row(receipt: str, cents: int, minutes: int, account: str, reason: str, status: str, linked: str) -> Row:
    at = NOON + timedelta(minutes=minutes)
    return Row(receipt, cents, at, account, reason, "2547****149 - A", status, linked, details="x")


rows = st.builds(
    row,
    st.sampled_from(RECEIPTS),
    st.sampled_from([*AMOUNTS, -100, -45_000]),
    st.sampled_from(MINUTES),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(["Pay Bill Online", "Pay Bill Reversal", "Organization Settlement", "Pay Merchant"]),
    st.sampled_from(["Completed", "Completed", "Completed", "Failed"]),
    st.sampled_from(["", *RECEIPTS]),
)
ours = st.tuples(
    st.sampled_from([*ChargeStatus, ChargeStatus.PAID, None]),  # None: paid by hand
    st.sampled_from(AMOUNTS),
    st.sampled_from(MINUTES),
    st.sampled_from(ACCOUNTS[1:]),
    st.sampled_from([None, *RECEIPTS]),
    st.sampled_from([None, 0, 1]),
)
"""The last: by how many cents the statement's line of it differs; None: it has none."""


Known = tuple[ChargeStatus | None, int, int, str, str | None, int | None]


def told(known: list[Known]) -> list[Row]:
    """The lines that a statement has of what is known here."""
    return [
        Row(receipt or f"UKK9AAAAA{place}", cents + more, NOON + timedelta(minutes=minutes, seconds=30), account)
        for place, (_, cents, minutes, account, receipt, more) in enumerate(known)
        if more is not None
    ]


def keep(shop: Shop, known: list[Known]) -> set[str]:
    """Make all of it known here; the ids of the charges that are of the day."""
    taken: set[str] = set()
    due: set[str] = set()
    for status, cents, minutes, account, receipt, _ in known:
        at = NOON + timedelta(minutes=minutes)
        if status is None and receipt is not None and f"hand {receipt}" not in taken:
            shop.paid_by_hand(receipt, cents, at=at, account=account)
            taken.add(f"hand {receipt}")
        elif status is not None:
            own = receipt if status is ChargeStatus.PAID and receipt not in taken else None
            charge = shop.charge(status, cents, at=at, account=account, receipt=own)
            taken.add(own or "")
            if DAY.holds(at):
                due.add(charge)
    return due


def everything(shop: Shop) -> object:
    with shop.db.read() as tx:
        found = tx.execute(select(charges).order_by(charges.c.charge_id)).all()
    return [tuple(row) for row in found], shop.events()


def run(shop: Shop, file: Path) -> tuple[list[Entry], dict[Bucket, Sum], Counter[Done]]:
    """Compare and apply."""
    with Source(file) as source, Scratch() as scratch:
        statement = recognise(source)
        spool(statement, scratch, lambda what, count: None)
        compare(scratch, Books(shop.db, MAMA, statement.layout, DAY), lambda what, count: None)
        entries = list(scratch.entries(*Bucket))
        sums = Report("Mama", file.name, statement.layout, DAY, scratch).sums()
        door = charges_by_statement(FixedClock(NOON), statement.layout)
        done = Applying(shop.db, door, MAMA, statement.layout, lambda count: None).run(scratch)
    return entries, sums, done


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    others=st.lists(rows, max_size=5),
    known=st.lists(ours, max_size=8),
    junk=st.lists(st.sampled_from(["junk", '"open', "a,b"]), max_size=2),
)
def test_everything_is_in_one_bucket_and_applying_twice_is_once(
    sqlite_templates: Callable[[str], Path], others: list[Row], known: list[Known], junk: list[str]
) -> None:
    lines = told(known) + others
    with TemporaryDirectory() as folder:
        database = Path(folder) / "payments.sqlite"
        copyfile(sqlite_templates("payments"), database)
        file = Path(folder) / "statement.csv"
        file.write_text(org(lines) + "".join(line + "\r\n" for line in junk), newline="")
        with closing(Database(f"sqlite:///{database}")) as db:
            shop = Shop(db)
            due = keep(shop, known)
            entries, sums, _ = run(shop, file)
            numbers = Counter(entry.line for entry in entries if entry.line)
            assert numbers == Counter(range(6, 6 + len(lines) + len(junk)))
            keys = [entry.key for entry in entries if entry.key]
            assert len(keys) == len(set(keys))
            assert due <= set(keys)
            assert sum(each.there_minor for each in sums.values()) == sum(line.cents for line in lines)
            assert sum(each.here_minor for each in sums.values()) == sum(entry.here_minor or 0 for entry in entries)
            assert sum(each.lines for each in sums.values()) == len(lines) + len(junk)
            assert sum(each.ours for each in sums.values()) == len(keys)
            after = everything(shop)
            _, _, done = run(shop, file)
            assert done[Done.PAID] == done[Done.ENRICHED] == done[Done.ANNOUNCED] == 0
            assert everything(shop) == after

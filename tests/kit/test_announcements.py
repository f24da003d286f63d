"""Several events at once: in their order, each id once, and as many wake-ups as may be delivered side by side."""

from pydantic import BaseModel
from sqlalchemy import select

from kit.announcements import Announcement, enqueue_all
from kit.db import Database
from payment_adapter.charges.models import outbox
from tests.support.clock import NOON
from tests.support.databases import NewDatabase


class News(BaseModel):
    text: str = "news"


def enqueue(db: Database, ids: list[str]) -> int:
    """How often somebody was woken."""
    woken: list[str] = []
    with db.write() as tx:
        events = [Announcement(each, "vendor-mama", f"charge:{each}", "payment.paid", News(text=each)) for each in ids]
        enqueue_all(tx, outbox, events, now=NOON, wake=lambda: woken.append("up"))
        assert woken == []
    return len(woken)


def test_events_are_put_in_in_their_order_and_each_once(new_database: NewDatabase) -> None:
    db = new_database("payments")
    assert enqueue(db, ["b", "a", "c"]) == 3
    assert enqueue(db, ["a", "d"]) == 2
    assert enqueue(db, []) == 0
    with db.read() as tx:
        rows = tx.execute(select(outbox).order_by(outbox.c.seq)).all()
    assert [row.event_id for row in rows] == ["b", "a", "c", "d"]
    assert rows[0].body == '{"text":"b"}'

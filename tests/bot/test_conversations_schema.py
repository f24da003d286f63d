"""The tables that the code names are those that the migrations make, and they refuse what can't be."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from bot.ports.messenger import NotTaken, Unsure
from bot.store.tables import metadata
from kit.db import Database
from tests.support.bot import BotUnderTest, an_event

WALK = re.compile(r"SCAN (conversations|inbox|messages|earlier)(?! USING)")


def test_the_migrated_schema_is_the_one_in_the_code(new_database: Callable[[str], Database]) -> None:
    db = new_database("conversations")
    with db.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx.conn, opts={"compare_type": True}), metadata) == []


IMPOSSIBLE = (
    "UPDATE messages SET status = 'lost'",
    "UPDATE messages SET sid = NULL",
    "UPDATE messages SET purpose = 'advert'",
    "UPDATE inbox SET status = 'forgotten'",
    "UPDATE inbox SET kind = 'rumour'",
    "UPDATE inbox SET conversation_id = NULL",
    "UPDATE inbox SET conversation_id = 'nobody'",
    "UPDATE conversations SET waiting = -1",
    "DELETE FROM conversations",
    (
        "INSERT INTO inbox (item_id, kind, content, is_urgent, status, received_at)"
        " SELECT item_id, kind, content, is_urgent, 'ignored', received_at FROM inbox"
    ),
    (
        "INSERT INTO messages (conversation_id, inbox_seq, purpose, sender, recipient, body, answers_customer,"
        " status, next_at, created_at) SELECT conversation_id, inbox_seq, purpose, sender, recipient, 'twice',"
        " answers_customer, 'queued', next_at, created_at FROM messages"
    ),
)


def test_the_database_refuses_what_can_not_be(any_bot: BotUnderTest) -> None:
    any_bot.hears("hello")
    any_bot.work()
    for statement in IMPOSSIBLE:
        with pytest.raises(IntegrityError), any_bot.db.write() as tx:
            tx.execute(text(statement))


def test_no_statement_walks_a_whole_table(bot: BotUnderTest) -> None:
    ran: list[tuple[str, Any]] = []

    def remember(_conn: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        ran.append((statement, parameters))

    event.listen(bot.db.engine, "before_cursor_execute", remember)
    bot.messenger.next.append((NotTaken("429"), False))
    bot.hears("pay")
    bot.hears("hello")
    bot.is_told(an_event("e1"))
    bot.work()
    bot.clock.advance(timedelta(seconds=2))
    bot.messenger.next.append((Unsure("timed out"), True))
    bot.work()
    bot.clock.advance(timedelta(seconds=2))
    bot.work()
    event.remove(bot.db.engine, "before_cursor_execute", remember)
    assert [status for _, status in bot.outgoing()] == ["sent"] * 3

    walks: list[str] = []
    with bot.db.read() as tx:
        for statement, parameters in ran:
            if statement.startswith(("BEGIN", "INSERT")):
                continue
            plan = tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            walks += [f"{row.detail}: {statement}" for row in plan if WALK.match(row.detail)]
    assert len(ran) > 20
    assert walks == []


def test_everything_survives_a_new_connection(new_database: Callable[[str], Database], any_bot: BotUnderTest) -> None:
    any_bot.hears("hello")
    any_bot.is_told(an_event("e1"))
    any_bot.db.close()
    any_bot.clock.advance(timedelta(seconds=1))
    any_bot.work()
    assert any_bot.messenger.bodies() == ["you said hello", "news: e1"]

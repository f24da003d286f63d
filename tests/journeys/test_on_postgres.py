"""The same purchase with every database on PostgreSQL, as in production; and one that survives a death there."""

from collections.abc import Generator
from pathlib import Path

import pytest

from dukani.processes import Process
from tests.journeys.books import Books
from tests.journeys.test_kills import STEPS, Purchase, judge
from tests.support.phone import Phone
from tests.support.postgres import Server
from tests.support.processes import Shop

DATABASES = ("PLATFORM", "OPS", "CONVERSATIONS", "PAYMENTS")


@pytest.fixture
def shop(tmp_path: Path, postgres: Server) -> Generator[Shop]:
    """In place of the shop on SQLite, for every test of this file."""
    owners = {f"{name}_MIGRATION_URL": postgres.create_empty() for name in DATABASES}
    # The processes connect as a role that owns nothing and that row-level security binds.
    urls = {f"{name}_DATABASE_URL": postgres.as_app(owners[f"{name}_MIGRATION_URL"]) for name in DATABASES}
    made = Shop(tmp_path, {**owners, **urls})
    made.prepare()
    try:
        made.start()
        yield made
    finally:
        made.stop_all()
        for url in owners.values():
            postgres.drop(url)


def test_a_purchase_on_postgres_is_paid_once(phone: Phone, books: Books) -> None:
    purchase = Purchase(phone, books)
    for name in STEPS:
        purchase.step(name)
    judge(books, phone)


@pytest.mark.parametrize("process", [Process.BOT, Process.ROUTER, Process.PAYMENT_ADAPTER])
def test_a_process_that_dies_before_the_pin_costs_nothing_on_postgres(
    shop: Shop, phone: Phone, books: Books, process: Process
) -> None:
    purchase = Purchase(phone, books)
    for name in STEPS:
        if name == "the PIN":
            shop.restart(process)
        purchase.step(name)
    judge(books, phone)

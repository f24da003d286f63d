"""What the database itself refuses, and the view for people who look with SQL."""

import pytest
from sqlalchemy import Delete, Update, delete, insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from contracts.states import IntentStatus, RequestStatus
from router.databases import ShopDatabase
from router.payments import models
from tests.support.databases import as_owner
from tests.support.till import KIND, PHONE, VENDOR, Till


@pytest.mark.parametrize(
    "change",
    [
        update(models.ledger_entries).values(amount_minor=1),
        update(models.ledger_entries).values(note="nothing happened"),
        delete(models.ledger_entries),
    ],
    ids=["amount", "note", "delete"],
)
def test_the_ledger_is_only_appended_to(till: Till, change: Update | Delete) -> None:
    till.thing()
    with pytest.raises(DBAPIError, match="append-only"), as_owner(till.db) as tx:
        tx.execute(change)
    with pytest.raises(DBAPIError, match=r"append-only|permission denied"), till.ops.write() as tx:
        tx.execute(change)


def test_the_ledger_is_not_emptied_at_once(till: Till) -> None:
    till.thing()
    at_once = "TRUNCATE ledger_entries" if till.db.is_postgres else "DELETE FROM ledger_entries"
    with pytest.raises(DBAPIError, match="append-only"), as_owner(till.db) as tx:
        tx.execute(text(at_once))


@pytest.mark.parametrize("values", [{"amount_minor": 100}, {"currency": "AOA"}])
def test_what_a_request_asks_for_never_changes(till: Till, values: dict[str, object]) -> None:
    till.thing()
    with pytest.raises(DBAPIError, match="never changes"), till.ops.write() as tx:
        tx.execute(update(models.payment_requests).values(values))


def _request(till: Till, **values: object) -> dict[str, object]:
    return {
        "vendor_id": VENDOR,
        "id": "request-by-hand",
        "payable_kind": KIND,
        "payable_id": "by-hand",
        "ordinal": 1,
        "customer_id": "customer-amina",
        "amount_minor": 100,
        "currency": "KES",
        "reference": "CODE",
        "description": "",
        "status": RequestStatus.PENDING,
        "created_at": till.clock.now(),
    } | values


@pytest.mark.parametrize(
    "values",
    [
        {"amount_minor": 0},
        {"amount_minor": -1},
        {"currency": "EUR"},
        {"status": "settled"},
        {"ordinal": 0},
        {"customer_id": "customer-of-nobody"},
        {"vendor_id": "vendor-other"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_the_schema_refuses_a_request_that_can_not_be(till: Till, values: dict[str, object]) -> None:
    request = _request(till, **values)
    with pytest.raises(IntegrityError), till.of(str(request["vendor_id"])).write() as tx:
        tx.execute(insert(models.payment_requests).values(request))


def test_the_schema_admits_one_open_request_per_payable(till: Till) -> None:
    thing = till.thing()
    with pytest.raises(IntegrityError), till.ops.write() as tx:
        tx.execute(insert(models.payment_requests).values(_request(till, payable_id=thing.id, ordinal=2)))


def test_the_schema_admits_one_live_intent_per_request(till: Till) -> None:
    thing = till.thing()
    first = till.start(thing)
    till.apply(till.failed(first))
    till.start(thing)
    table = models.payment_intents
    with pytest.raises(IntegrityError), till.ops.write() as tx:
        tx.execute(update(table).where(table.c.id == first).values(status=IntentStatus.CREATED))


def _payments(shop: ShopDatabase) -> list[dict[str, object]]:
    with shop.read() as tx:
        return [dict(row) for row in tx.execute(text("SELECT * FROM payments ORDER BY created_at, id")).mappings()]


def test_people_see_payments_with_sql(till: Till) -> None:
    thing = till.thing()
    till.apply(till.failed(till.start(thing)))
    till.apply(till.paid(till.start(thing), receipt="UF1E26WQJZ"))
    rows = _payments(till.ops)
    assert [(row["status"], row["request_status"], row["receipt"]) for row in rows] == [
        ("failed", "paid", None),
        ("succeeded", "paid", "UF1E26WQJZ"),
    ]
    seen = {name: rows[1][name] for name in ("order_id", "vendor_id", "amount", "amount_minor", "currency", "rail")}
    assert seen == {
        "order_id": thing.id,
        "vendor_id": VENDOR,
        "amount": 450,
        "amount_minor": 45_000,
        "currency": "KES",
        "rail": "mpesa_stk",
    }
    assert rows[1]["payer_msisdn"] == PHONE

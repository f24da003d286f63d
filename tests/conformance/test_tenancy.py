"""No shop sees or changes anything of another: the same cases on SQLite, where every statement names the vendor, and
on PostgreSQL, where row-level security would hold even if one forgot to."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from contracts.ids import CustomerId, ItemId, OrderId, PaymentIntentId, VendorId
from contracts.money import Currency, Money
from contracts.payment_api import PaymentEvent
from contracts.router_api import PayResult
from contracts.states import RequestStatus
from kit.clock import FixedClock
from kit.db import Scope, Tx
from router.conversations import alerts
from router.conversations import listing as conversations
from router.customers import service as customers
from router.databases import RELAY_ROLE, ops_metadata
from router.orders import service as orders
from router.orders.models import order_lines
from router.orders.views import PAYABLE_KIND
from router.payments import listing, reading
from router.payments import service as payments
from router.payments.apply import expire_unsent
from router.stock import service as stock
from router.vouchers import service as vouchers
from router.vouchers.service import Voucher
from tests.support.counter import AMINA, BARAKA, MAMA, Counter, make_counter
from tests.support.databases import NewDatabase, seeing_all
from tests.support.till import TIMEZONE
from tests.support.vendor_api import vendor_api

BABA = VendorId("vendor-baba")
NO_ROWS_YET = {"vendor_fences", "payment_exceptions", "payment_refunds"}
"""Tables that a purchase does not touch; the others must not be empty, or nothing would be proven of them."""

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Street:
    """Two shops next to each other. At Baba's, Amina has paid one order and Baraka has confirmed another."""

    counter: Counter
    paid: PayResult
    open: PayResult

    @property
    def now(self) -> Any:
        return self.counter.clock.now()

    def ask(self, path: str, vendor: str, who: str = AMINA, **more: object) -> Any:
        return self.counter.post(f"/v1/{path}", {"customer": {"address": who}, **more}, vendor=vendor)

    def rows(self, vendor: str = BABA) -> Rows:
        """Everything that this vendor has in the shared database."""
        with seeing_all(self.counter.db) as tx:
            return {table.name: _rows_of(tx, table, vendor) for table in ops_metadata.sorted_tables}

    def id_of(self, table: str, column: str = "id", index: int = 0) -> Any:
        return self.rows()[table][index][column]


def _owner(table: Table) -> Any:
    return table.c.vendor_id if "vendor_id" in table.c else table.c.scope


def _rows_of(tx: Tx, table: Table, vendor: str) -> list[dict[str, Any]]:
    found = tx.execute(table.select().where(_owner(table) == vendor).order_by(*table.primary_key.columns))
    return [dict(row) for row in found.mappings()]


@pytest.fixture
def street(new_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> Generator[Street]:
    for counter in make_counter(new_database, clock, tmp_path):
        counter.open_shop(BABA, "Baba Otieno")
        counter.put("milk")
        counter.put("bread", vendor=BABA)
        paid = _bought(counter, AMINA)
        started = _bought(counter, BARAKA)
        counter.hear(paid, vendor=BABA)
        _talked(counter, BARAKA)
        yield Street(counter, paid, started)


def _bought(counter: Counter, who: str) -> PayResult:
    customer = {"customer": {"address": who}}
    with counter.of(BABA).write() as tx:
        terms = Voucher("", "BABA10", 10, amount=None, minimum=Money.zero(Currency.KES), per_customer=None)
        vouchers.make(tx, BABA, terms, counter.clock.now())  # once, however many buy
    assert counter.post("/v1/cart/lines", {**customer, "item_id": "bread", "quantity": 2}, vendor=BABA).status == 200
    assert counter.post("/v1/cart/voucher", {**customer, "code": "BABA10"}, vendor=BABA).status == 200
    assert counter.post("/v1/cart/confirm", customer, vendor=BABA).status == 200
    answer = counter.post("/v1/orders/pay", customer, vendor=BABA)
    assert answer.status == 200, answer
    return PayResult.model_validate(answer.body)


def _talked(counter: Counter, who: str) -> None:
    """Somebody waits for a person, something was said, and somebody is invited to be told of it."""
    customer, api = {"customer": {"address": who}}, vendor_api(counter, vendor=BABA)
    message = {
        **customer,
        "message_id": "SM1",
        "author": "customer",
        "text": "Is the bread fresh?",
        "at": counter.clock.now().isoformat(),
        "status": "received",
    }
    assert counter.post("/v1/chat/handover", customer, vendor=BABA).status == 200
    assert counter.post("/v1/chat/report", {"messages": [message]}, vendor=BABA).status == 200
    code, _ = (api.post("/api/v1/alerts/invitations", {}).body["code"] for _ in range(2))
    assert counter.post("/v1/chat/alerts", {**customer, "code": code}, vendor=BABA).status == 200


def test_these_tests_look_at_every_table(street: Street) -> None:
    empty = {name for name, rows in street.rows().items() if not rows}
    untouched = {name for name in empty if name.startswith(("webhook_", "usage_"))}  # by what these purchases do
    assert empty - untouched <= NO_ROWS_YET


# --- what the rooms answer to another shop ---------------------------------------------------------------------------

Look = Callable[[Tx, VendorId, Street], object]

LOOKS: dict[str, Look] = {
    "a customer by address": lambda tx, who, street: customers.find_customer(
        tx, who, customers.checked_address(BARAKA)
    ),
    "customers by id": lambda tx, who, street: customers.people(tx, who, [street.id_of("customers")]),
    "what is left": lambda tx, who, street: stock.available(tx, who, [ItemId("bread")]),
    "vouchers": lambda tx, who, street: vouchers.listed(tx, who, 10),
    "conversations": lambda tx, who, street: conversations.newest(
        tx, who, mode=None, end=None, limit=10, now=street.counter.clock.now()
    ),
    "what was said": lambda tx, who, street: conversations.messages_of(
        tx, who, street.id_of("conversations"), end=None, limit=10
    ),
    "who is told": lambda tx, who, street: alerts.recipients(tx, who),
    "how long it is held": lambda tx, who, street: stock.held_until(tx, who, [_order(street)]),
    "an order by code": lambda tx, who, street: _none_of(
        lambda: orders.order_by_code(tx, who, _customer(street), street.open.order.code)
    ),
    "an order by id": lambda tx, who, street: _none_of(lambda: orders.order_of(tx, who, _order(street))),
    "a customer's orders": lambda tx, who, street: orders.newest_orders(tx, who, _customer(street), 10),
    "open orders": lambda tx, who, street: orders.open_orders(tx, who, _customer(street)).confirmed,
    "receipts": lambda tx, who, street: payments.receipts(
        tx, vendor_id=who, payable_kind=PAYABLE_KIND, payable_ids=[street.paid.order.order_id]
    ),
    "what was collected": lambda tx, who, street: payments.collected(
        tx, vendor_id=who, payable_kind=PAYABLE_KIND, payable_ids=[street.paid.order.order_id]
    ),
    "whether somebody is paying": lambda tx, who, street: (
        payments.still_open(tx, vendor_id=who, payable_kind=PAYABLE_KIND, payable_id=street.open.order.order_id).prompt
    ),
    "an order's id by its code": lambda tx, who, street: orders.id_of_code(tx, who, street.open.order.code),
    "money that came": lambda tx, who, street: listing.money(
        tx, who, receipt=None, since=None, until=None, payable=None, end=None, limit=10
    ),
    "how a payment stands": lambda tx, who, street: reading.views(
        tx,
        vendor_id=who,
        payable_kind=PAYABLE_KIND,
        payable_ids=[street.open.order.order_id],
        customer_id=_customer(street),
        timezone=TIMEZONE,
        now=street.now,
    ),
    "one try to pay": lambda tx, who, street: listing.one_try(tx, who, street.open.intent_id),
    "all tries to pay": lambda tx, who, street: listing.tries(
        tx, who, status=None, since=None, until=None, payable=None, end=None, limit=10
    ),
}


def _order(street: Street) -> OrderId:
    return OrderId(street.open.order.order_id)


def _customer(street: Street) -> CustomerId:
    (found,) = [row["id"] for row in street.rows()["customers"] if row["channel_address"] == BARAKA]
    return CustomerId(found)


def _none_of(look: Callable[[], object]) -> object:
    """What is not there is refused by some of them."""
    try:
        return look()
    except Exception:
        return None


def test_nothing_is_shown_to_another_shop(street: Street) -> None:
    for name, look in LOOKS.items():
        with street.counter.of(BABA).read() as tx:
            assert look(tx, BABA, street), f"its own shop sees {name}"
        with street.counter.of(MAMA).read() as tx:
            assert not look(tx, MAMA, street), name


CHANGES: dict[str, Look] = {
    "extend a hold": lambda tx, who, street: stock.extend(tx, who, _order(street), street.now + timedelta(days=1)),
    "sell what is held": lambda tx, who, street: stock.sell(tx, who, _order(street), street.now),
    "give its voucher back": lambda tx, who, street: vouchers.give_back(tx, who, _order(street), street.now),
    "honour its voucher": lambda tx, who, street: vouchers.honour(tx, who, _order(street), street.now),
    "release what is held": lambda tx, who, street: stock.release(tx, who, _order(street), street.now),
    "hold again": lambda tx, who, street: stock.hold_again(tx, who, _order(street), street.now),
    "close its requests": lambda tx, who, street: payments.close_requests(
        tx,
        vendor_id=who,
        payable_kind=PAYABLE_KIND,
        payable_id=street.open.order.order_id,
        status=RequestStatus.CANCELED,
        now=street.now,
    ),
    "expire its intent": lambda tx, who, street: _none_of(
        lambda: expire_unsent(
            tx,
            street.counter.payables,
            vendor_id=who,
            intent_id=PaymentIntentId(street.open.intent_id),
            now=street.now + timedelta(days=1),
        )
    ),
    "report its payment": lambda tx, who, street: payments.apply_event(
        tx, _event(street, who), street.counter.payables, street.now
    ),
    "remember another payer": lambda tx, who, street: customers.remember_payer(
        tx, who, customers.Customer(_customer(street), customers.checked_address(BARAKA), "", None), "254700000002"
    ),
}


def _event(street: Street, vendor: str) -> PaymentEvent:
    return PaymentEvent.model_validate(
        {
            "event_id": "mpesa:ws_CO_2:paid",
            "provider": "mpesa",
            "rail": "mpesa_stk",
            "vendor_id": vendor,
            "intent_id": street.open.intent_id,
            "status": "paid",
            "amount_minor": street.open.order.total_minor,
            "currency": "KES",
            "provider_transaction_id": "ws_CO_2",
            "receipt": "TKL4H7XQ2R",
            "payer_msisdn": "254700000001",
            "occurred_at": street.now,
        }
    )


def test_nothing_of_another_shop_is_changed(street: Street) -> None:
    before = street.rows()
    for name, change in CHANGES.items():
        with street.counter.of(MAMA).write() as tx:
            change(tx, MAMA, street)
        assert street.rows() == before, name


def test_another_shops_order_can_not_be_named_by_its_code(street: Street) -> None:
    before = street.rows()
    for path in ("orders/pay", "orders/cancel"):
        for code, who in ((street.open.order.code, BARAKA), (street.paid.order.code, AMINA)):
            assert street.ask(path, MAMA, who, code=code).status in (404, 409)
    assert street.counter.get("/v1/orders", vendor=MAMA, customer=BARAKA).body["orders"] == []
    assert street.rows() == before


ACTS = st.sampled_from(["cart/lines", "cart/lines/remove", "cart/confirm", "orders/cancel", "orders/pay"])


def test_whatever_one_shop_does_the_other_stays_as_it_was(street: Street) -> None:
    before = street.rows()
    codes = {street.open.order.code, street.paid.order.code}
    theirs = {street.open.order.order_id, street.paid.order.order_id, street.open.intent_id, street.paid.intent_id}

    @settings(
        max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.lists(st.tuples(ACTS, st.sampled_from([AMINA, BARAKA]), st.booleans()), max_size=8))
    def anything(acts: list[tuple[str, str, bool]]) -> None:
        for path, who, names_theirs in acts:
            body: dict[str, object] = {"code": sorted(codes)[0]} if names_theirs and "orders" in path else {}
            if path == "cart/lines":
                body = {"item_id": "bread" if names_theirs else "milk", "quantity": 1}
            elif path == "cart/lines/remove":
                body = {"line_no": 1}
            answer = street.ask(path, MAMA, who, **body)
            assert answer.status < 500
            assert not any(each in str(answer.body) for each in theirs)
        assert street.rows() == before

    anything()


# --- what the database answers by itself -----------------------------------------------------------------------------


@pytest.fixture
def on_postgres(postgres_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> Generator[Street]:
    for counter in make_counter(postgres_database, clock, tmp_path):
        counter.open_shop(BABA, "Baba Otieno")
        counter.put("bread", vendor=BABA)
        _talked(counter, BARAKA)
        yield Street(counter, _bought(counter, AMINA), _bought(counter, BARAKA))


def test_a_statement_that_names_another_vendor_is_shown_nothing_in_ones_own_scope(on_postgres: Street) -> None:
    for name, look in LOOKS.items():
        with on_postgres.counter.of(MAMA).read() as tx:
            assert not look(tx, BABA, on_postgres), name


def test_raw_sql_reads_and_changes_nothing_of_another_shop_in_any_table(on_postgres: Street) -> None:
    before = on_postgres.rows()
    for table in ops_metadata.sorted_tables:
        owner = _owner(table).name
        for scope in (Scope(MAMA), Scope(""), None):
            with on_postgres.counter.db.read(scope) as tx:
                assert tx.execute(text(f"SELECT * FROM {table.name}")).all() == [], table.name  # noqa: S608
        for statement in (
            f"UPDATE {table.name} SET {owner} = '{MAMA}' WHERE {owner} = '{BABA}'",  # noqa: S608
            f"UPDATE {table.name} SET {owner} = {owner}",  # noqa: S608
            f"DELETE FROM {table.name} WHERE {owner} = '{BABA}'",  # noqa: S608
        ):
            assert _touched(on_postgres, statement) == 0, statement
        with pytest.raises(DBAPIError, match="row-level security"), on_postgres.counter.of(MAMA).write() as tx:
            tx.execute(text(f"INSERT INTO {table.name} ({owner}) VALUES ('{BABA}')"))  # noqa: S608
    assert on_postgres.rows() == before


def _touched(street: Street, statement: str) -> int:
    try:
        with street.counter.of(MAMA).write() as tx:
            return tx.execute(text(statement)).rowcount
    except ProgrammingError as error:
        if "permission denied" not in str(error):
            raise
        return 0


def test_the_view_for_people_shows_a_shop_its_own_payments(on_postgres: Street) -> None:
    for vendor, rows in ((BABA, 2), (MAMA, 0)):
        with on_postgres.counter.of(vendor).read() as tx:
            assert len(tx.execute(text("SELECT * FROM payments")).all()) == rows
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        on_postgres.counter.db.read(Scope(role=RELAY_ROLE)) as tx,
    ):
        tx.execute(text("SELECT * FROM payments"))


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_whole_shop_can_stand_beside_itself_under_another_id(street: Street) -> None:
    """So no unique key holds across vendors, where it would tell one of them what the other has."""
    rows = street.rows()
    with street.counter.db.write(Scope("vendor-copy")) as tx:
        for table in ops_metadata.sorted_tables:
            for row in rows[table.name]:
                own = {name: value for name, value in row.items() if name != "seq"}
                tx.execute(insert(table).values({**own, _owner(table).name: "vendor-copy"}))
    copied = street.rows("vendor-copy")
    assert {name: len(found) for name, found in copied.items()} == {name: len(found) for name, found in rows.items()}
    assert street.rows() == rows


def test_a_foreign_key_reaches_no_other_shop(street: Street) -> None:
    (line, *_) = street.rows()["order_lines"]
    with pytest.raises(IntegrityError), street.counter.of(MAMA).write() as tx:
        tx.execute(insert(order_lines).values({**line, "vendor_id": MAMA}))

"""What the database itself refuses, whatever the code above it does."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from payment_adapter.callbacks.models import inbox
from payment_adapter.charges.models import charges
from tests.support.payments import Desk, stk_paid


@pytest.mark.parametrize(
    "values",
    [
        {"status": "refunded"},
        {"status": "paid"},
        {"paid_amount_minor": 45_000},
        {"status": "paid", "paid_amount_minor": 0},
        {"amount_minor": 0},
        {"amount_minor": -1},
        {"secret_hash": None},
        {"claimed_at": None},
        {"opened_as": "paid"},
        {"decided_by": "somebody"},
        {"vendor_id": None},
        {"intent_id": "intent-2"},
        {"provider_transaction_id": "ws_CO_2"},
        {"receipt": "UF1E26WQJZ"},
    ],
)
def test_a_charge_that_can_not_be_is_refused(desk: Desk, values: dict[str, Any]) -> None:
    desk.push("intent-1")
    desk.call_back(desk.push("intent-2"), stk_paid(id="ws_CO_2"))
    with pytest.raises(IntegrityError), desk.db.write() as tx:
        tx.execute(charges.update().where(charges.c.intent_id == "intent-1").values(**values))


@pytest.mark.parametrize(
    "values", [{"status": "lost"}, {"charge_id": "nobody"}, {"vendor_id": "vendor-baraka"}, {"body": None}]
)
def test_a_callback_that_can_not_be_is_refused(desk: Desk, values: dict[str, Any]) -> None:
    desk.send(desk.push(), stk_paid())
    with pytest.raises(IntegrityError), desk.db.write() as tx:
        tx.execute(inbox.update().values(**values))

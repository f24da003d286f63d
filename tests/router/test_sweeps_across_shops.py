"""Sweeps end what is overdue at every shop of a database, and leave alone the one that has moved away."""

import pytest
from sqlalchemy import Table, insert

from contracts.ids import VendorId
from router.databases import vendor_fences
from router.orders.holds import HoldSweep
from router.payments.models import payment_intents
from router.payments.service import Sweep
from router.stock.models import stock_holds
from tests.support.counter import AMINA, BARAKA, HOLD, MAMA, Counter
from tests.support.databases import as_owner

BABA = VendorId("vendor-baba")


def _bought(counter: Counter, vendor: str, who: str) -> None:
    counter.put(f"milk-{vendor}", vendor=vendor)
    customer = {"customer": {"address": who}}
    line = {**customer, "item_id": f"milk-{vendor}", "quantity": 1}
    for path, body in (("cart/lines", line), ("cart/confirm", customer), ("orders/pay", customer)):
        assert counter.post(f"/v1/{path}", body, vendor=vendor).status == 200


def _status(counter: Counter, table: Table, vendor: str) -> str:
    (found,) = [row["status"] for row in counter.rows(table) if row["vendor_id"] == vendor]
    return found


@pytest.mark.parametrize("gone", [None, BABA], ids=["both are here", "one has moved"])
def test_a_sweep_serves_every_shop_but_the_one_that_has_moved(counter: Counter, gone: VendorId | None) -> None:
    counter.open_shop(BABA, "Baba Otieno")
    _bought(counter, MAMA, AMINA)
    _bought(counter, BABA, BARAKA)
    if gone is not None:
        with as_owner(counter.db) as tx:
            tx.execute(insert(vendor_fences).values(vendor_id=gone, state="moved", since=counter.clock.now()))
    counter.clock.advance(HOLD)
    intents = Sweep(counter.databases, counter.payables, counter.clock, patience_s=0)
    holds = HoldSweep(counter.databases, counter.directory, counter.clock)
    assert intents.turn()
    assert holds.turn()
    assert not holds.turn(), "what it can't end it does not find again and again"
    for vendor in (MAMA, BABA):
        was_swept = vendor != gone
        assert (_status(counter, payment_intents, vendor) == "created") is not was_swept
        assert (_status(counter, stock_holds, vendor) == "held") is not was_swept

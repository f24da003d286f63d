"""A payment that nobody ever told of is found in the provider's statement, and ends as every payment does."""

import subprocess
import sys
from datetime import timedelta

from tests.journeys.books import Books
from tests.journeys.test_purchase import WHO, confirmed
from tests.support.phone import Phone
from tests.support.processes import ROOT, Shop, eventually
from tests.support.statements import EAT, Row, org

WITHIN_S = 20.0


def reconcile(shop: Shop, statement: str) -> str:
    """`dukani reconcile --apply` with this statement, as an operator runs it; returns what it says."""
    file = shop.folder / "november.csv"
    file.write_text(statement)
    ran = subprocess.run(
        [sys.executable, "-m", "dukani", "reconcile", str(file), "--vendor", "mama", "--apply", "--yes"],
        cwd=shop.folder,
        env={"PATH": "/usr/bin:/bin", **shop.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_payment_that_was_never_told_is_found_in_the_portals_statement(
    shop: Shop, phone: Phone, books: Books
) -> None:
    code = confirmed(phone).split("*")[1]
    phone.faults(callback_lost=True, query_error_html=True)
    said = phone.says(WHO, "PAY")
    prompt = phone.enter_pin(WHO)
    assert prompt.receipt is not None
    paid_at = shop.clock.now()
    phone.advance(6 * 60)
    eventually(lambda: books.charges() == ["unknown"], f"nobody knows of it (it is {books.charges()})")
    assert books.order_statuses() == ["CONFIRMED"]
    phone.advance(3600)

    statement = org([Row(prompt.receipt, 12_000, paid_at.astimezone(EAT) + timedelta(seconds=5), code)])
    told = reconcile(shop, statement)
    assert "1 payment came in that we had not heard of: KES 120.00." in told
    assert "Mama Njeri's Groceries and the customers hear of it" in told

    receipt = phone.wait_for_reply(WHO, containing="Paid. Thank you", after=said, timeout_s=WITHIN_S)
    assert prompt.receipt in receipt.body
    books.eventually_statuses("PAID")
    books.one_paid_once(12_000)

    assert "There is nothing to apply." in reconcile(shop, statement)
    phone.asks(WHO, "STATUS", containing=prompt.receipt)
    books.one_paid_once(12_000)
    assert len([one for one in phone.replies(WHO, said) if "Paid. Thank you" in one.body]) == 1

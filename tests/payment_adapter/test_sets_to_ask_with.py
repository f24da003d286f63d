"""A charge is asked about with credentials that its account takes, whatever the shop has stored since."""

from collections.abc import Callable, Mapping

import pytest

from contracts.states import PaymentEventStatus, Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import ChargeRef, Finding, NoAnswer, Report, Setting
from payment_adapter.providers.daraja import vendor_settings
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.reconcile.sets import account_settings, is_same_account
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Origin
from tests.support import ekwanza
from tests.support.databases import NewDatabase
from tests.support.payments import VENDOR, Desk, ScriptedProvider

PAID = Report(PaymentEventStatus.PAID)
REFUSED = NoAnswer("the keys are not taken", is_refused=True)
SILENT = NoAnswer("HTTP 503")


class Accounts(ScriptedProvider):
    """Remembers whose keys it was asked with, and answers what `says` makes of them."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_with: list[str] = []
        self.says: Callable[[str], Report | NoAnswer] = lambda _key: PAID

    @property
    def settings(self) -> tuple[Setting, ...]:
        return vendor_settings.SETTINGS

    def missing(self, fields: Mapping[str, Secret]) -> Mapping[Rail, list[str]]:
        return vendor_settings.missing(fields)

    def try_out(self, credentials: Credentials) -> list[Finding]:
        return []

    def look_up(self, charge: ChargeRef, credentials: Credentials) -> Report | NoAnswer:
        self.asked_with.append(credentials.fields["consumer_key"].reveal())
        return self.says(self.asked_with[-1])


class Bench:
    """A charge that was pushed with the first set, and whatever the shop stores afterwards."""

    def __init__(self, desk: Desk, provider: Accounts) -> None:
        self.desk = desk
        self.provider = provider

    def store(self, key: str, shortcode: str = "174379") -> None:
        fields = {"consumer_key": Secret(key), "shortcode": Secret(shortcode)}
        with self.desk.db.write() as tx:
            self.desk.vault.store(tx, VENDOR, "mpesa", fields, origin=Origin.VENDOR, now=self.desk.clock.now())
        self.desk.wait(seconds=1)

    def remove(self) -> None:
        with self.desk.db.write() as tx:
            self.desk.vault.remove(tx, VENDOR, "mpesa", now=self.desk.clock.now())

    def ask(self) -> list[str]:
        """Whose keys were used for the next question."""
        before = len(self.provider.asked_with)
        self.desk.wait(seconds=15)
        self.desk.run_polls()
        return self.provider.asked_with[before:]


@pytest.fixture
def bench(new_database: NewDatabase, clock: FixedClock) -> Bench:
    provider = Accounts()
    made = Bench(Desk(new_database("payments"), clock, provider), provider)
    made.store("first")
    made.desk.push()
    made.desk.wait(seconds=1)
    return made


def test_the_only_set_is_asked_with_once_whether_it_is_taken_or_not(bench: Bench) -> None:
    bench.provider.says = lambda _key: REFUSED
    assert bench.ask() == ["first"]


def test_keys_that_were_replaced_are_not_used_where_the_account_is_the_same(bench: Bench) -> None:
    bench.store("second")
    assert bench.ask() == ["second"]
    assert bench.desk.charge().status == "paid"


def test_the_set_that_pushed_it_is_tried_where_the_newest_is_not_taken(bench: Bench) -> None:
    bench.store("second")
    bench.store("mistyped")
    bench.provider.says = lambda key: PAID if key == "first" else REFUSED
    assert bench.ask() == ["mistyped", "first"]
    assert bench.desk.charge().status == "paid"


def test_a_provider_that_is_silent_is_not_asked_a_second_time(bench: Bench) -> None:
    bench.store("second")
    bench.provider.says = lambda _key: SILENT
    assert bench.ask() == ["second"]


def test_a_charge_of_an_account_that_the_shop_has_left_is_asked_about_with_the_keys_of_then_alone(
    bench: Bench,
) -> None:
    bench.store("second")
    bench.store("of another till", shortcode="600584")
    assert bench.ask() == ["first"]
    assert bench.desk.charge().status == "paid"


def test_a_charge_of_an_account_that_the_shop_has_left_never_meets_the_new_account_s_keys(bench: Bench) -> None:
    bench.store("of another till", shortcode="600584")
    bench.provider.says = lambda _key: REFUSED
    assert bench.ask() == ["first"]
    assert bench.desk.charge().status == "accepted"


def test_a_shop_that_removed_its_settings_still_learns_what_became_of_its_charges(bench: Bench) -> None:
    bench.remove()
    assert bench.ask() == ["first"]
    assert bench.desk.charge().status == "paid"


def test_what_only_one_of_two_sets_holds_makes_no_other_account(clock: FixedClock) -> None:
    names = account_settings(Ekwanza({}, clock))
    assert names == {"environment", "merchant_account", "company_registration"}
    one = ekwanza.credentials()
    without = {name: value for name, value in one.fields.items() if name != "company_registration"}
    for fields, is_same in (
        (without, True),
        ({**one.fields, "client_secret": Secret("another")}, True),
        ({**one.fields, "api_key": Secret("another")}, True),
        ({**one.fields, "merchant_account": Secret("99999999")}, False),
        ({**one.fields, "environment": Secret("production")}, False),
    ):
        other = Credentials(one.vendor_id, one.provider, 2, one.origin, fields)
        assert is_same_account(one, other, names) is is_same

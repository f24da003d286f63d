"""A shop's own software, and an operator, ask what was counted."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from contracts.ids import VendorId
from kit.db import Tx
from kit.signing import KeyRing
from kit.web import make_app
from router.databases import ShopDatabase
from router.edge import Edge
from router.metering.calls import CallMeter
from router.metering.models import usage_records
from router.metering.routes import usage_routes
from router.metering.service import Calendar, Metered, Thing, calendar_of, count_all
from router.operations import KeyScope
from router.vendors.keys import ApiKeys
from tests.support.counter import MAMA, Answer, Counter
from tests.support.usage import NOVEMBER, Usage
from tests.support.vendor_api import VendorApi, vendor_api

PATH = "/api/v1/usage"
RECORDS = "/api/v1/usage/records"
METERS = [meter.value for meter in Metered]


def use(usage: Usage, *subjects: str, meter: Metered = Metered.ORDERS, vendor: str = MAMA) -> None:
    vendor_id = VendorId(vendor)
    calendar = calendar_of(usage.counter.directory.known(vendor))
    with usage.counter.of(vendor).write() as tx:
        things = [Thing(subject, usage.counter.clock.now()) for subject in subjects]
        count_all(tx, meter, vendor_id, calendar, things)


def totals(answer: Answer) -> dict[str, int]:
    assert answer.status == 200, answer
    return {each["meter"]: each["quantity"] for each in answer.body["totals"]}


def test_a_shop_sees_what_was_counted_in_its_present_window(usage: Usage) -> None:
    api = vendor_api(usage.counter, KeyScope.USAGE_READ)
    use(usage, "a", "b")
    usage.sweep()
    use(usage, "c")
    answer = api.get(PATH)
    assert totals(answer) == {"orders": 3, "payment_intents": 0, "api_calls": 0, "messages": 0}
    assert answer.body["vendor_id"] == MAMA
    assert answer.body["as_of"] == "2026-11-20T09:00:00Z"
    assert answer.body["window"] == {
        "id": NOVEMBER,
        "timezone": "Africa/Nairobi",
        "begins_at": "2026-10-31T21:00:00Z",
        "ends_at": "2026-11-30T21:00:00Z",
        "local_begins_at": "2026-11-01T00:00:00+03:00",
        "local_ends_at": "2026-12-01T00:00:00+03:00",
        "is_current": True,
    }


def test_another_window_is_asked_for_by_its_month(usage: Usage) -> None:
    api = vendor_api(usage.counter)
    use(usage, "a")
    usage.counter.clock.advance(timedelta(days=31))
    use(usage, "b", "c")
    assert totals(api.get(PATH))["orders"] == 2
    earlier = api.get(PATH, window=NOVEMBER)
    assert (totals(earlier)["orders"], earlier.body["window"]["is_current"]) == (1, False)
    assert totals(api.get(PATH, window="2031-01"))["orders"] == 0


def test_a_shop_s_month_begins_on_its_own_day_in_its_own_zone(usage: Usage) -> None:
    luanda = usage.counter.open_shop("vendor-luanda", "Loja", timezone="Africa/Luanda", billing_anchor_day=25)
    api = vendor_api(usage.counter, vendor=luanda)
    window = api.get(PATH).body["window"]
    assert (window["id"], window["local_begins_at"]) == ("2026-10", "2026-10-25T00:00:00+01:00")
    use(usage, "a", vendor=luanda)
    assert totals(api.get(PATH, window="2026-10"))["orders"] == 1


@pytest.mark.parametrize("path", [PATH, RECORDS])
@pytest.mark.parametrize(
    "wrong",
    ["window=2026-13", "window=2026", "window=", "window=%00", "window=2026-11%0A", "window=1999-01", "wndow=2026-11"],
)
def test_a_window_that_is_none_is_refused(quick_counter: Counter, path: str, wrong: str) -> None:
    answer = vendor_api(quick_counter).raw("GET", f"{path}?{wrong}")
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert answer.body["errors"][0]["field"] in ("window", "wndow")


@pytest.mark.parametrize("wrong", ["meter=money", "limit=0", "limit=101", "limit=x", "cursor=nonsense", "cursor=%00"])
def test_records_are_asked_for_properly(quick_counter: Counter, wrong: str) -> None:
    answer = vendor_api(quick_counter).raw("GET", f"{RECORDS}?{wrong}")
    assert (answer.status, answer.code) == (422, "invalid_request")


@pytest.mark.parametrize("path", [PATH, RECORDS])
def test_a_key_that_is_not_good_for_it_sees_no_usage(quick_counter: Counter, path: str) -> None:
    answer = vendor_api(quick_counter, KeyScope.ORDERS_READ).get(path)
    assert (answer.status, answer.code) == (403, "scope_missing")


def test_no_shop_sees_another_s_usage_and_an_operator_sees_each(usage: Usage) -> None:
    other = usage.counter.open_shop("vendor-baraka", "Baraka Kitchen")
    use(usage, "a")
    use(usage, "a", "b", vendor=other)
    api = vendor_api(usage.counter)
    assert totals(api.get(PATH))["orders"] == 1
    assert len(api.all(RECORDS, "records", meter="orders")) == 1
    claimed = api.raw("GET", PATH, headers={"x-vendor-id": other})
    assert (claimed.status, claimed.code) == (403, "vendor_mismatch")
    assert totals(usage.counter.operator("GET", PATH, x_vendor_id=MAMA))["orders"] == 1
    assert totals(usage.counter.operator("GET", PATH, x_vendor_id=other))["orders"] == 2
    assert usage.counter.operator("GET", PATH).code == "invalid_request"


def test_an_operator_sees_what_a_suspended_shop_used(usage: Usage) -> None:
    shut = usage.counter.open_shop("vendor-shut", "Shut Shop", status="suspended")
    use(usage, "a", vendor=shut)
    assert totals(usage.counter.operator("GET", PATH, x_vendor_id=shut))["orders"] == 1


@pytest.mark.parametrize("limit", [1, 3, 4, 100])
@pytest.mark.parametrize("meter", [None, "orders"])
def test_pages_show_every_record_once_newest_first(usage: Usage, limit: int, meter: str | None) -> None:
    for number in range(4):
        use(usage, f"order-{number}", f"other-{number}")
        use(usage, f"SM{number}", meter=Metered.MESSAGES)
        usage.counter.clock.advance(timedelta(seconds=1))
    api = vendor_api(usage.counter)
    found = api.all(RECORDS, "records", limit=limit, meter=meter)
    assert len(found) == len({record["id"] for record in found}) == (8 if meter else 12)
    assert [record["occurred_at"] for record in found] == sorted((r["occurred_at"] for r in found), reverse=True)
    assert {record["meter"] for record in found} == ({"orders"} if meter else {"orders", "messages"})


def test_a_record_says_what_was_counted(usage: Usage) -> None:
    made = vendor_api(usage.counter).post("/api/v1/orders", {"customer_phone": "254708374149", "amount_minor": 3000})
    page = vendor_api(usage.counter).get(RECORDS, meter="orders")
    (record,) = page.body["records"]
    assert (page.body["window"], page.body["next_cursor"]) == (NOVEMBER, None)
    assert (record["subject"], record["quantity"], record["meter"]) == (made.body["order_id"], 1, "orders")
    assert record["occurred_at"] == "2026-11-20T09:00:00Z"


def test_records_of_another_window_are_not_shown(usage: Usage) -> None:
    use(usage, "a")
    api = vendor_api(usage.counter)
    assert api.all(RECORDS, "records", window="2026-10") == []
    assert len(api.all(RECORDS, "records", window=NOVEMBER)) == 1


# --- questions: counted in memory, written down every few seconds ---------------------------------------------------


class Asked:
    """A counter of API calls of one's own, whose flushing the test decides."""

    def __init__(self, usage: Usage) -> None:
        counter = usage.counter
        self.usage = usage
        self.meter = CallMeter(counter.databases)
        keys = ApiKeys(counter.platform)
        ring = KeyRing.parse("b" * 32)
        edge = Edge(counter.clock, counter.databases, counter.directory, ring, True, keys=keys, meter=self.meter)
        self.app = make_app("asked")
        self.app.register_blueprint(usage_routes(edge))

    def ask(self, api: VendorApi, times: int = 1) -> None:
        for _ in range(times):
            headers = {"authorization": f"Bearer {api.token}"}
            assert self.app.test_client().get(PATH, headers=headers).status_code == 200

    def written(self, vendor: str = MAMA) -> list[int]:
        rows = [row for row in self.usage.counter.rows(usage_records) if row["vendor_id"] == vendor]
        return sorted(row["quantity"] for row in rows if row["meter"] == "api_calls")


def failing(when: Callable[[str, str], bool]) -> Callable[..., None]:
    def fail(*args: object) -> None:
        if when(str(args[2]), str(args[3])):
            raise OperationalError("", None, Exception("down"))

    return fail


def test_questions_are_written_down_together(usage: Usage) -> None:
    asked, api = Asked(usage), vendor_api(usage.counter)
    asked.ask(api, 5)
    assert asked.written() == []
    asked.meter.flush()
    asked.meter.flush()
    assert asked.written() == [5]
    asked.ask(api, 2)
    asked.meter.flush()
    assert asked.written() == [2, 5]
    assert usage.totals() == {"api_calls": 7}


def test_questions_count_in_the_window_in_which_they_were_asked(usage: Usage) -> None:
    asked, api = Asked(usage), vendor_api(usage.counter)
    asked.ask(api, 2)
    usage.counter.clock.advance(timedelta(days=12))
    asked.ask(api, 3)
    asked.meter.flush()
    assert (usage.totals(NOVEMBER), usage.totals("2026-12")) == ({"api_calls": 2}, {"api_calls": 3})


def test_while_the_database_is_down_questions_are_kept(usage: Usage) -> None:
    asked, api = Asked(usage), vendor_api(usage.counter)
    asked.ask(api, 2)
    be_down = failing(lambda statement, _: "INSERT INTO usage" in statement)
    event.listen(usage.counter.db.engine, "before_cursor_execute", be_down)
    for _ in range(3):
        asked.meter.flush()
        asked.ask(api, 1)
    event.remove(usage.counter.db.engine, "before_cursor_execute", be_down)
    asked.meter.flush()
    asked.meter.flush()
    assert sum(asked.written()) == 5


class LosesAnswers(ShopDatabase):
    """Commits, and says that it is not known."""

    @contextmanager
    def write(self) -> Generator[Tx]:
        with super().write() as tx:
            yield tx
        raise OperationalError("", None, Exception("the answer was lost"))


def test_an_answer_of_the_database_that_was_lost_counts_nothing_twice(usage: Usage) -> None:
    asked, api = Asked(usage), vendor_api(usage.counter)
    asked.ask(api, 4)

    def losing(vendor_id: VendorId) -> ShopDatabase:
        return LosesAnswers(usage.counter.db, vendor_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usage.counter.databases, "ops", losing)
        asked.meter.flush()
    assert asked.written() == [4]
    asked.ask(api, 1)
    asked.meter.flush()
    asked.meter.flush()
    assert asked.written() == [1, 4]


def test_a_shop_whose_questions_can_not_be_written_holds_back_no_other(usage: Usage) -> None:
    other = usage.counter.open_shop("vendor-baraka", "Baraka Kitchen")
    asked = Asked(usage)
    asked.ask(vendor_api(usage.counter))
    asked.ask(vendor_api(usage.counter, vendor=other))
    be_down = failing(lambda statement, values: "usage_records" in statement and "vendor-mama" in values)
    event.listen(usage.counter.db.engine, "before_cursor_execute", be_down)
    asked.meter.flush()
    event.remove(usage.counter.db.engine, "before_cursor_execute", be_down)
    assert (asked.written(), asked.written(other)) == ([], [1])


def test_a_process_that_stops_writes_down_what_it_has_counted(quick_usage: Usage) -> None:
    api = vendor_api(quick_usage.counter)
    for _ in range(3):
        api.get(PATH)
    assert quick_usage.recorded("api_calls") == []
    quick_usage.counter.service.stop()
    assert quick_usage.totals() == {"api_calls": 3}


def test_two_processes_count_their_questions_apart(quick_usage: Usage) -> None:
    api = vendor_api(quick_usage.counter)
    first, second = Asked(quick_usage), Asked(quick_usage)
    first.ask(api, 2)
    second.ask(api, 3)
    first.meter.flush()
    second.meter.flush()
    assert quick_usage.totals() == {"api_calls": 5}


def test_an_operator_s_questions_are_nobody_s(quick_usage: Usage) -> None:
    asked = Asked(quick_usage)
    headers = {"x-internal-key": "dev-internal-secret", "x-vendor-id": MAMA}
    assert asked.app.test_client().get(PATH, headers=headers).status_code == 200
    asked.meter.flush()
    assert asked.written() == []


def test_a_calendar_is_the_shop_s_own(quick_counter: Counter) -> None:
    assert calendar_of(quick_counter.directory.known(MAMA)) == Calendar("Africa/Nairobi", 1)

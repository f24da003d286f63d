"""What a process counts is shown by template and state, to those who may see it, and is late for nothing."""

import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from sqlalchemy import MetaData
from sqlalchemy.exc import OperationalError

from kit.background import Loop
from kit.clock import FixedClock
from kit.db import Database, Tx
from kit.gauges import outboxes, pools
from kit.measures import Gauge, Reading
from kit.metrics import Figures, figures
from kit.outbox import outbox_table
from kit.service import Service
from kit.web import OWN_PATHS, add_metrics, add_readiness, answer_only, make_app
from tests.support.databases import NewDatabase
from tests.support.processes import ROOT, eventually

TOKEN = "a-token-for-prometheus"
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture
def app() -> Flask:
    app = make_app(__name__)
    add_readiness(app, {})
    add_metrics(app, TOKEN)
    app.add_url_rule("/things/<name>", "thing", _thing)
    return app


def _thing(name: str) -> Response:
    return Response(name)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    figures.start()
    yield app.test_client()
    figures.stop()


def _count(client: FlaskClient, labels: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    found = [line for line in lines if line.startswith(f"dukani_request_seconds_count{{{labels}}} ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def test_requests_are_counted_by_template_and_status_and_never_by_path(client: FlaskClient) -> None:
    labels = 'method="GET",route="/things/<name>",status="200"'
    before = _count(client, labels)
    for name in ("hunter2", "254708374149", "other"):
        client.get(f"/things/{name}")
    assert _count(client, labels) == before + 3
    text = client.get("/metrics").text
    assert "hunter2" not in text
    assert "254708374149" not in text


def test_what_no_route_knows_is_one_line_whatever_was_asked(client: FlaskClient) -> None:
    labels = 'method="(any)",route="(none)",status="404"'
    before = _count(client, labels)
    for path in ("/nowhere", "/.env", "/things"):
        client.open(path, method="BREW" + path.strip("/").replace(".", "").upper())
    assert _count(client, labels) == before + 3


def test_questions_about_the_process_itself_are_not_counted(client: FlaskClient) -> None:
    for path in OWN_PATHS:
        client.get(path)
    assert 'route="/ready"' not in client.get("/metrics").text


@pytest.mark.parametrize(
    ("environ", "headers", "status"),
    [
        ({}, {}, 200),
        ({"REMOTE_ADDR": "::1"}, {}, 200),
        ({}, {"x-forwarded-for": "192.0.2.7"}, 403),
        ({}, {"forwarded": "for=192.0.2.7"}, 403),
        (ELSEWHERE, {}, 403),
        ({"REMOTE_ADDR": "not an address"}, {}, 403),
        (ELSEWHERE, {"authorization": "Bearer wrong"}, 403),
        (ELSEWHERE, {"authorization": TOKEN}, 403),
        (ELSEWHERE, {"authorization": f"Bearer {TOKEN}"}, 200),
        (ELSEWHERE, {"authorization": f"Bearer {TOKEN}", "x-forwarded-for": "192.0.2.9"}, 200),
    ],
)
def test_figures_are_for_this_machine_and_for_who_has_the_token(
    client: FlaskClient, environ: dict[str, str], headers: dict[str, str], status: int
) -> None:
    assert client.get("/metrics", environ_base=environ, headers=headers).status_code == status


@pytest.mark.parametrize("header", ["Bearer ", "Bearer None", ""])
def test_without_a_token_nobody_elsewhere_gets_in(header: str) -> None:
    app = make_app(__name__)
    add_metrics(app, None)
    answer = app.test_client().get("/metrics", environ_base=ELSEWHERE, headers={"authorization": header})
    assert answer.status_code == 403


def test_a_process_that_only_works_answers_about_itself_alone(app: Flask) -> None:
    answer_only(app, OWN_PATHS)
    client = app.test_client()
    assert client.get("/ready").status_code == 200
    assert client.get("/health").status_code == 200
    assert client.get("/things/x").status_code == 404


def test_a_draining_service_is_unready_at_once_and_answers_on(app: Flask) -> None:
    service = Service("test", app)
    client = app.test_client()
    assert client.get("/ready").status_code == 200
    service.drain()
    assert client.get("/ready").status_code == 503
    assert client.get("/things/x").status_code == 200


def test_turns_of_loops_are_counted_by_what_came_of_them() -> None:
    left = ["work", "fail"]

    def turn() -> bool:
        if not left:
            return False
        if left.pop(0) == "fail":
            raise RuntimeError("on purpose")
        return True

    figures.start()
    loop = Loop("counted", turn, idle_s=3600)
    loop.start()
    try:
        for outcome in ("worked", "failed", "idle"):
            line = f'dukani_loop_turns_total{{loop="counted",outcome="{outcome}"}} 1.0'
            eventually(lambda line=line: line in figures.text()[0].decode(), line)
    finally:
        loop.stop()
        loop.join(10)
        figures.stop()


def test_nothing_is_kept_in_a_process_that_shows_nothing() -> None:
    own = Figures()
    own.note("dukani_pushes", ("accepted",))
    own.start()
    assert b'outcome="accepted"' not in own.text()[0]
    own.note("dukani_pushes", ("accepted",))
    assert b'dukani_pushes_total{outcome="accepted"} 1.0' in own.text()[0]
    own.stop()


def test_a_gauge_that_cant_be_read_leaves_a_gap_and_the_others_stay() -> None:
    def fail() -> list[Reading]:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    def read() -> list[Reading]:
        return [(("a",), 4.0)]

    own = Figures()
    own.start(
        [
            Gauge("test_gone", "Gone", ("which",), fail, is_of_process=False),
            Gauge("test_gone_too", "Gone", ("which",), fail, is_of_process=True),
            Gauge("test_there", "There", ("which",), read, is_of_process=False),
            Gauge("test_there_too", "There", ("which",), read, is_of_process=True),
            Gauge("test_alone", "One figure", (), lambda: [((), 7.0)], is_of_process=True),
        ]
    )
    text = own.text()[0].decode()
    own.stop()
    assert 'test_there{which="a"} 4.0' in text
    assert 'test_there_too{which="a"} 4.0' in text
    assert "test_alone 7.0" in text
    assert "test_gone{" not in text


def test_an_outbox_shows_how_much_waits_and_for_how_long(new_database: NewDatabase) -> None:
    db = new_database("payments")
    outbox = outbox_table(MetaData())
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    with db.write() as tx:
        for number, (status, age_s) in enumerate(
            (("pending", 90), ("pending", 30), ("parked", 600), ("delivered", 900))
        ):
            at = now - timedelta(seconds=age_s)
            row = {"event_id": f"e{number}", "vendor_id": "v", "aggregate": "a", "type": "t", "body": "{}"}
            tx.execute(outbox.insert(), {**row, "created_at": at, "next_at": at, "status": status})
    depth, age = outboxes(lambda: (("down", _no_database), ("payments", db.read)), outbox, FixedClock(now))
    assert dict(depth.read()) == {("payments", "pending"): 2.0, ("payments", "parked"): 1.0}
    assert dict(age.read()) == {("payments", "pending"): 90.0, ("payments", "parked"): 600.0}


@contextmanager
def _no_database() -> Generator[Tx]:
    yield _gone()


def _gone() -> Tx:
    raise OperationalError("SELECT 1", {}, Exception("gone"))


def test_a_pool_shows_what_is_in_use(sqlite_database: NewDatabase) -> None:
    db: Database = sqlite_database("ops")
    gauge = pools({"ops": db})
    with db.read():
        assert dict(gauge.read())["ops", "in_use"] == 1.0
    assert dict(gauge.read()) == {("ops", "in_use"): 0.0, ("ops", "idle"): 1.0}


def test_starting_a_process_does_not_import_what_only_metrics_need() -> None:
    program = """
import sys
from kit.metrics import figures, request_answered
from kit.web import make_app
figures.start()
make_app("x").test_client().get("/nowhere")
print([name for name in ("prometheus_client", "redis") if name in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout == "[]\n"

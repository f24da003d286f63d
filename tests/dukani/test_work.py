"""A process's work apart from its answers: what may be split, what each half does, and how it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
import redis
import urllib3

from dukani.processes import Process, command_line, why_not, work_command_line
from dukani.supervise import is_ready
from kit.settings import DEV_INTERNAL_KEY
from tests.support.phone import Phone
from tests.support.processes import ROOT, Shop, eventually, free_ports, is_alive

WITHIN_S = 30.0


@contextmanager
def running(shop: Shop, command: list[str]) -> Generator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        command,
        cwd=shop.folder,
        env={**shop.environ, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def unstarted(tmp_path: Path) -> Generator[Shop]:
    made = Shop(tmp_path)
    made.prepare()
    try:
        yield made
    finally:
        made.stop_all()


def status(port: int, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def buy(phone: Phone) -> None:
    phone.asks("Achieng", "SHOP mama", timeout_s=WITHIN_S)
    phone.asks("Achieng", "MENU", timeout_s=WITHIN_S)
    phone.asks("Achieng", "ADD 2", containing="total", timeout_s=WITHIN_S)
    phone.asks("Achieng", "CONFIRM", containing="PAY", timeout_s=WITHIN_S)
    paying = phone.says("Achieng", "PAY")
    prompt = phone.enter_pin("Achieng", timeout_s=WITHIN_S)
    phone.wait_for_reply("Achieng", containing=prompt.receipt or "?", after=paying, timeout_s=WITHIN_S)


STARTER = """
import subprocess, sys
from dukani.processes import Process, work_command_line
child = subprocess.Popen(work_command_line(Process.ROUTER, {port}))
print(child.pid, file=sys.stderr, flush=True)
child.wait()
"""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("serve", "bot", "--no-work"), "--no-work is for the router"),
        (("serve", "payment_adapter", "--no-work"), "--no-work is for the router"),
        (("serve", "simulators", "--workers", "2"), "The simulators are one process"),
        (("serve", "router", "--workers", "0"), "--workers"),
        (("work", "bot"), "router"),
        (("work", "router", "--port", "70000"), "--port"),
    ],
)
def test_what_cant_be_split_is_refused_in_a_sentence(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "dukani", *arguments],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert says in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_may_be_split_is_not_refused() -> None:
    for process in (Process.BOT, Process.ROUTER, Process.PAYMENT_ADAPTER):
        assert why_not(process, workers=8, with_work=True) is None
    assert why_not(Process.ROUTER, workers=8, with_work=False) is None


def test_a_purchase_with_the_routers_work_in_processes_of_its_own(unstarted: Shop) -> None:
    shop = unstarted
    first, second = free_ports(2)
    shop.start(Process.BOT, Process.PAYMENT_ADAPTER, Process.SIMULATORS)
    web = command_line(Process.ROUTER, "--workers", "2", "--no-work")
    works = (work_command_line(Process.ROUTER, first), work_command_line(Process.ROUTER, second))
    with running(shop, web) as answering, running(shop, works[0]) as one, running(shop, works[1]):
        router = shop.settings.router_port
        eventually(lambda: all(map(is_ready, (router, first, second))), "all are ready", within_s=60)
        assert len(psutil.Process(answering.pid).children()) == 2
        assert status(first, "/metrics") == 200
        assert status(first, "/v1/shops") == 404
        phone = Phone(shop.url(Process.SIMULATORS))
        one.kill()  # its leases run out, or the other had them
        buy(phone)
        phone.close()


def test_work_ends_in_order_when_it_is_told_and_with_whoever_started_it(unstarted: Shop) -> None:
    (port,) = free_ports(1)
    with running(unstarted, work_command_line(Process.ROUTER, port)) as process:
        eventually(lambda: is_ready(port), "it is ready")
        process.terminate()
        assert process.wait(WITHIN_S) == 0
    without_port = [sys.executable, "-m", "dukani", "work", "router"]
    with running(unstarted, without_port) as process:
        eventually(lambda: psutil.Process(process.pid).num_threads() > 3, "its loops run")
        assert psutil.Process(process.pid).net_connections(kind="inet") == []
        process.send_signal(signal.SIGINT)
        assert process.wait(WITHIN_S) == 0
    starter = STARTER.format(port=port)
    with running(unstarted, [sys.executable, "-c", starter]) as parent:
        assert parent.stderr is not None
        child = int(parent.stderr.readline())
        eventually(lambda: is_ready(port), "it is ready")
        parent.kill()
        eventually(lambda: not is_alive(child), "it went with its parent")


def test_work_without_settings_is_one_sentence(unstarted: Shop) -> None:
    unstarted.environ["DUKANI_ENV"] = "nonsense"
    with running(unstarted, [sys.executable, "-m", "dukani", "work", "router"]) as process:
        _, said = process.communicate(timeout=WITHIN_S)
        assert process.returncode == 2
        assert len(said.splitlines()) == 1


def tell_an_endpoint(shop: Shop) -> None:
    """Mama's events are wanted by an endpoint at which nobody listens."""
    headers = {"x-internal-key": DEV_INTERNAL_KEY}
    url = shop.url(Process.ROUTER)
    listed = urllib3.request("GET", f"{url}/vendors", headers=headers).json()["vendors"]
    mama = next(each["id"] for each in listed if each["word"] == "mama")
    (nobody,) = free_ports(1)
    body = {"url": f"http://127.0.0.1:{nobody}/in"}
    made = urllib3.request("POST", f"{url}/api/v1/webhooks", json=body, headers={**headers, "x-vendor-id": mama})
    assert made.status == 201, made.data


def test_a_web_process_wakes_the_work_elsewhere_through_redis(tmp_path: Path, valkey_server_url: str) -> None:
    """What an endpoint is told is the work's alone to send. The sweep would find it within five seconds; a wake-up is
    heard on the wire."""
    shop = Shop(tmp_path, {"REDIS_URL": valkey_server_url})
    shop.prepare()
    (port,) = free_ports(1)
    client = redis.Redis.from_url(valkey_server_url, decode_responses=True)
    try:
        shop.start(Process.BOT, Process.PAYMENT_ADAPTER, Process.SIMULATORS)
        web = command_line(Process.ROUTER, "--no-work")
        with running(shop, web), running(shop, work_command_line(Process.ROUTER, port)), client.pubsub() as heard:
            heard.subscribe("dukani_wakes")
            eventually(lambda: is_ready(shop.settings.router_port) and is_ready(port), "both are ready", within_s=60)
            tell_an_endpoint(shop)
            phone = Phone(shop.url(Process.SIMULATORS))
            buy(phone)
            phone.close()
            topics: list[str] = []

            def came() -> bool:
                message = cast(Any, heard.get_message(ignore_subscribe_messages=True, timeout=0.1))
                if message is not None:
                    topics.append(str(message["data"]))
                return any(topic.startswith("webhooks:") for topic in topics)

            eventually(came, "a wake-up was sent")
    finally:
        client.close()
        shop.stop_all()

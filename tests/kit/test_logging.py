"""What must not leave through a log line does not."""

import json
import os
import subprocess
import sys

import pytest

from kit.logging import redact
from tests.support.processes import ROOT

PROGRAM = """
import logging, threading, warnings
import structlog
from kit.logging import configure_logging
from kit.settings import load_settings

configure_logging("router", load_settings(dotenv=None))
log = structlog.get_logger()
log.info("paid", payer="254708374149", api_token="tok-hunter2", nested={"to": "whatsapp:+254708374149"}, count=2)
log.debug("too much to say")
logging.getLogger("somebodys").warning("retrying /callbacks/%s", "ab12" * 16)
warnings.warn("number 254708374149")

def fail():
    raise RuntimeError("Bearer abcdefghijklmnop")

for body in (fail, lambda: log.info("said in a thread")):
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
try:
    fail()
except RuntimeError:
    log.exception("it failed")
fail()
"""


@pytest.mark.parametrize(
    ("text", "kept_out"),
    [
        ("payer 254708374149 answered", "254708374149"),
        ("from whatsapp:+254708374149", "254708374149"),
        ("POST /callbacks/" + "ab12" * 16, "ab12" * 16),
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ("ws_CO_21112026090000123708374149 not found", "708374149"),
    ],
)
def test_numbers_secrets_and_tokens_are_masked(text: str, kept_out: str) -> None:
    assert kept_out not in redact(text)


@pytest.mark.parametrize(
    "text", ["order K7M3XP is PAID", "took 12345 ms", "event 0195d3a0-7b1c-7c3e-8a2b-1234567890ab delivered"]
)
def test_what_is_harmless_stays_readable(text: str) -> None:
    assert redact(text) == text


def _lines(**environ: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout == ""
    return ran.stderr.splitlines()


def test_for_machines_every_line_is_one_object_with_process_level_and_event() -> None:
    lines = [json.loads(line) for line in _lines(DUKANI_LOG_FORMAT="json")]
    assert [line["event"] for line in lines][0:2] == ["paid", "retrying /callbacks/<secret>"]
    assert {line["process"] for line in lines} == {"router"}
    assert [line["level"] for line in lines] == ["info", "warning", "warning", "error", "info", "error", "critical"]
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert lines[0]["count"] == 2
    assert "RuntimeError" in lines[-1]["exception"]


@pytest.mark.parametrize("how", ["json", "text"])
def test_nothing_leaves_through_any_line(how: str) -> None:
    text = "\n".join(_lines(DUKANI_LOG_FORMAT=how))
    for secret in ("254708374149", "hunter2", "ab12" * 16, "abcdefghijklmnop"):
        assert secret not in text

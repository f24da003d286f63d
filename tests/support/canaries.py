"""What must never be seen: secrets and people's numbers, in any form in which they might have slipped through."""

import base64
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from dukani.processes import Process
from kit.settings import Settings

OURS = (Process.BOT, Process.ROUTER, Process.PAYMENT_ADAPTER)

_NUMBER = re.compile(r"(?<![0-9A-Za-z-])\+?(?:254[17]|2449)[0-9]{8}(?![0-9A-Za-z-])")
_CALLBACK_SECRET = re.compile(r"(?<![0-9a-fA-F])[0-9a-f]{64}(?![0-9a-fA-F])")


def forms(secret: str) -> set[str]:
    """A text as itself, in an address, in JSON, as hexadecimal, and within base64 wherever in it it stands."""
    raw = secret.encode()
    found = {secret, quote(secret, safe=""), raw.hex(), base64.b64encode(raw).decode().rstrip("=")}
    for shift in range(3):
        # Of what comes out only the middle depends on nothing but the secret.
        inner = base64.b64encode(b"x" * shift + raw).decode().rstrip("=")[4:-4]
        if len(inner) >= 12:
            found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return found


def seen(text: str, secrets: Mapping[str, str]) -> list[str]:
    """The names of those secrets that stand in this text, in whatever form."""
    return [name for name, secret in secrets.items() if any(form in text for form in forms(secret))]


def numbers_in(text: str) -> list[str]:
    """Whole phone numbers; masked ones are none."""
    return _NUMBER.findall(text)


def callback_secrets_in(text: str) -> list[str]:
    return _CALLBACK_SECRET.findall(text)


def own_keys(settings: Settings) -> dict[str, str]:
    """The keys that a local shop made for itself, by name."""
    folder = settings.data_dir / "keys"
    if not folder.is_dir():
        return {}
    return {path.name: path.read_text().strip() for path in folder.iterdir() if not path.name.startswith(".")}


def check_logs(logs: Mapping[Process, str], secrets: Mapping[str, str]) -> None:
    """Raises AssertionError that names what was seen, and in whose log; it repeats no secret."""
    for process, log in logs.items():
        assert seen(log, secrets) == [], f"the log of the {process} shows secrets"
        assert _lines_with(log, _NUMBER) == [], f"the log of the {process} shows phone numbers"
        assert _lines_with(log, _CALLBACK_SECRET) == [], f"the log of the {process} shows callback addresses"


def _lines_with(log: str, pattern: re.Pattern[str]) -> Iterable[str]:
    return [line[:200] for line in log.splitlines() if pattern.search(line)][:5]

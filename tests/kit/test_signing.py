"""A signed request is accepted as it is and refused as soon as anything about it changes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kit.problems import Problem
from kit.settings import SettingsError, load_settings
from kit.signing import KeyRing, key_ring, sign_headers, verify

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SECRET, OLDER = "s" * 40, "o" * 40
RING = KeyRing.parse(f"new:{SECRET}")


def signed(**changes: str) -> dict[str, str]:
    headers = sign_headers(RING, NOW, "POST", "/v1/orders?x=1", b"{}", vendor="shop", idempotency_key="k1")
    return {**headers, **changes}


def check(
    headers: dict[str, str], *, method: str = "POST", target: str = "/v1/orders?x=1", body: bytes = b"{}"
) -> None:
    verify(RING, NOW, method, target, body, headers)


def test_an_untouched_request_is_accepted() -> None:
    check(signed())


@pytest.mark.parametrize(
    "changes",
    [
        {"x-vendor-id": "other"},
        {"idempotency-key": "k2"},
        {"x-dukani-timestamp": str(int(NOW.timestamp()) + 1)},
        {"x-dukani-key": "unknown"},
        {"x-dukani-signature": "v1=" + "0" * 64},
        {"x-dukani-signature": ""},
        {"x-dukani-timestamp": "yesterday"},
        {"x-dukani-timestamp": "9" * 30},
    ],
)
def test_a_changed_header_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        check(signed(**changes))
    assert refused.value.status == 401


def test_another_method_path_query_or_body_is_refused() -> None:
    for change in ({"method": "GET"}, {"target": "/v1/orders?x=2"}, {"target": "/v1/order"}, {"body": b"{ }"}):
        with pytest.raises(Problem):
            check(signed(), **change)  # pyright: ignore[reportArgumentType]


def test_the_skew_allowed_is_sixty_seconds_and_no_more() -> None:
    for ahead_s in (-60, 60):
        verify(RING, NOW + timedelta(seconds=ahead_s), "POST", "/v1/orders?x=1", b"{}", signed())
    for ahead_s in (-61, 61):
        with pytest.raises(Problem, match="at most 60 s"):
            verify(RING, NOW + timedelta(seconds=ahead_s), "POST", "/v1/orders?x=1", b"{}", signed())


def test_during_a_rotation_both_keys_verify_and_the_first_signs() -> None:
    both = KeyRing.parse(f"new:{SECRET},old:{OLDER}")
    old_headers = sign_headers(KeyRing.parse(f"old:{OLDER}"), NOW, "GET", "/", b"")
    verify(both, NOW, "GET", "/", b"", old_headers)
    assert sign_headers(both, NOW, "GET", "/", b"")["x-dukani-key"] == "new"


def test_a_short_secret_and_two_keys_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        KeyRing.parse("short")
    with pytest.raises(ValueError, match="same id"):
        KeyRing.parse(f"{SECRET},{OLDER}")


def test_a_key_ring_does_not_show_its_secrets() -> None:
    assert SECRET not in repr(RING)


def test_a_ring_that_can_not_be_read_names_its_setting(tmp_path: Path) -> None:
    environ = {"DUKANI_DATA_DIR": str(tmp_path), "DUKANI_KEY_BOT_ROUTER": "short"}
    with pytest.raises(SettingsError, match=r"DUKANI_KEY_BOT_ROUTER: .*32 characters"):
        key_ring(load_settings(environ, dotenv=None), "DUKANI_KEY_BOT_ROUTER")


@pytest.mark.parametrize("timestamp", ["²", "99999999999", "999999999999", "-1", "１"])
def test_a_time_that_no_clock_shows_is_refused_like_any_other(timestamp: str) -> None:
    with pytest.raises(Problem) as refused:
        check(signed(**{"x-dukani-timestamp": timestamp}))
    assert refused.value.status == 401

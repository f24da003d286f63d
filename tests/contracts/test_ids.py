"""Ids sort by time, derived ids repeat, codes can be read aloud."""

import uuid
from datetime import UTC, datetime, timedelta

from contracts.ids import CODE_ALPHABET, derived_id, new_code, new_id

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_later_ids_sort_after_earlier_ones() -> None:
    ids = [new_id(NOW + timedelta(milliseconds=n)) for n in range(200)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 200


def test_ids_of_one_moment_sort_in_the_order_they_were_made() -> None:
    ids = [new_id(NOW) for _ in range(2_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 2_000


def test_an_id_is_a_version_7_uuid() -> None:
    parsed = uuid.UUID(new_id(NOW))
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122


def test_the_same_parts_derive_the_same_id_and_other_parts_another() -> None:
    assert derived_id("intent", "shop", "key") == derived_id("intent", "shop", "key")
    assert derived_id("ab", "c") != derived_id("a", "bc")


def test_a_code_has_no_letters_that_look_alike() -> None:
    assert not set(CODE_ALPHABET) & set("0O1IL5S2Z8BUVAE")
    codes = {new_code() for _ in range(500)}
    assert all(len(code) == 6 and set(code) <= set(CODE_ALPHABET) for code in codes)
    assert len(codes) > 490

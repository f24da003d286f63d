"""A cursor says where a page ended, whatever was there, and nothing else is taken for one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kit.paging import MAX_CURSOR_LENGTH, InOrder, Moment, NewestFirst, Place, paged, written

AT = datetime(2026, 11, 21, 9, 0, 0, 123456, tzinfo=UTC)
IDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=60)


@given(st.integers(0, 10**17).map(lambda n: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=n)), IDS)
def test_a_moment_comes_back_to_the_microsecond(at: datetime, row_id: str) -> None:
    cursor = written(Moment(at, row_id))
    assert len(cursor) <= MAX_CURSOR_LENGTH
    assert NewestFirst.model_validate({"cursor": cursor}).cursor == Moment(at, row_id)


@given(st.integers(-(2**31) + 1, 2**31 - 1), IDS)
def test_a_place_comes_back(position: int, row_id: str) -> None:
    assert InOrder.model_validate({"cursor": written(Place(position, row_id))}).cursor == Place(position, row_id)


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.hex()), st.just(written(Place(1, "a")))))
def test_nothing_else_is_taken_for_a_cursor(text: str) -> None:
    with pytest.raises(ValidationError, match="next_cursor"):
        NewestFirst.model_validate({"cursor": text})


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_cursor_that_was_tampered_with_is_another_place_or_none(at: int, character: str) -> None:
    cursor = written(Moment(AT, "0191b6f0-7d2e-7cc1-b3a4-5f1c2d3e4f50"))
    changed = cursor[: at % len(cursor)] + character + cursor[at % len(cursor) + 1 :]
    try:
        found = NewestFirst.model_validate({"cursor": changed}).cursor
    except ValidationError:
        return
    assert isinstance(found, Moment)
    assert found.at.tzinfo is UTC


def test_the_last_page_has_no_cursor() -> None:
    rows = [AT + timedelta(seconds=number) for number in range(3)]

    def end_of(row: datetime) -> Moment:
        return Moment(row, "x")

    assert paged(rows, 3, end_of) == (rows, None)
    assert paged([], 3, end_of) == ([], None)
    page, following = paged(rows, 2, end_of)
    assert (page, following) == (rows[:2], written(Moment(rows[1], "x")))


@pytest.mark.parametrize(("limit", "fits"), [(0, False), (1, True), (100, True), (101, False)])
def test_a_page_is_from_1_to_100_long(limit: int, fits: bool) -> None:
    if fits:
        assert NewestFirst.model_validate({"limit": str(limit)}).limit == limit
    else:
        with pytest.raises(ValidationError):
            NewestFirst.model_validate({"limit": str(limit)})

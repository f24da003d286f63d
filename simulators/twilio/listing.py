"""Twilio's list of messages: filters, newest first, and pages that stay put while new messages arrive."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from simulators.moments import us_of
from simulators.problems import JsonObject
from simulators.store import SqlValue, Transaction
from simulators.twilio.messages import API_VERSION, Message, message_of
from simulators.twilio.messages import resource as message_resource

DEFAULT_PAGE_SIZE = 50
MOST_PAGE_SIZE = 1000

_TOKEN = re.compile(r"P([AB])([0-9]{1,18})")
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


class BadQuery(ValueError):
    """The list can't be read like that; the text names the parameter."""


@dataclass(frozen=True, slots=True)
class Query:
    to: str | None
    sender: str | None
    from_us: int | None
    """Inclusive, as is `to_us`. A message that is not sent yet counts by when it was made."""
    to_us: int | None
    page_size: int
    page: int
    is_backward: bool
    anchor: int | None
    """The place of the last message of the page before (of the first one, going back)."""
    kept: tuple[tuple[str, str], ...]
    """The filters as they were given, for the addresses of the other pages."""


@dataclass(frozen=True, slots=True)
class Page:
    messages: tuple[Message, ...]
    has_next: bool
    has_previous: bool


def parse(args: Mapping[str, str]) -> Query:
    """Raises BadQuery. `DateSent` is a whole UTC day; `DateSent>` and `DateSent<` are days or moments, inclusive."""
    size = args.get("PageSize", str(DEFAULT_PAGE_SIZE))
    page_number = args.get("Page", "0")
    if not re.fullmatch("[0-9]{1,9}", size) or int(size) < 1 or not re.fullmatch("[0-9]{1,9}", page_number):
        raise BadQuery("PageSize and Page are whole numbers")
    token = _TOKEN.fullmatch(args["PageToken"]) if "PageToken" in args else None
    if "PageToken" in args and token is None:
        raise BadQuery("PageToken is not one that this list gave")
    from_us = to_us = None
    if "DateSent" in args:
        from_us, to_us = _span(args["DateSent"])
    if "DateSent>" in args:
        from_us = _span(args["DateSent>"])[0]
    if "DateSent<" in args:
        to_us = _span(args["DateSent<"])[1]
    names = ("To", "From", "DateSent", "DateSent>", "DateSent<")
    return Query(
        to=args.get("To"),
        sender=args.get("From"),
        from_us=from_us,
        to_us=to_us,
        page_size=min(int(size), MOST_PAGE_SIZE),
        page=int(page_number),
        is_backward=token is not None and token[1] == "B",
        anchor=int(token[2]) if token else None,
        kept=tuple((name, args[name]) for name in names if name in args),
    )


def page(tx: Transaction, query: Query) -> Page:
    where, values = ["1 = 1"], list[SqlValue]()
    for condition, value in (
        ("recipient = ?", query.to),
        ("sender = ?", query.sender),
        ("coalesce(sent_us, at_us) >= ?", query.from_us),
        ("coalesce(sent_us, at_us) <= ?", query.to_us),
        ("place > ?" if query.is_backward else "place < ?", query.anchor),
    ):
        if value is not None:
            where.append(condition)
            values.append(value)
    order = "ASC" if query.is_backward else "DESC"
    rows = tx.rows(
        f"SELECT * FROM messages WHERE {' AND '.join(where)} ORDER BY place {order} LIMIT ?",  # noqa: S608 (constants)
        *values,
        query.page_size + 1,
    )
    has_more = len(rows) > query.page_size
    found = [message_of(row) for row in rows[: query.page_size]]
    if query.is_backward:
        return Page(tuple(reversed(found)), has_next=True, has_previous=has_more)
    return Page(tuple(found), has_next=has_more, has_previous=query.anchor is not None)


def resource(page: Page, query: Query, account_sid: str) -> JsonObject:
    """With every paging field; Twilio's own SDK takes the one that is left for the records."""
    first = query.page * query.page_size
    return {
        "end": first + max(len(page.messages) - 1, 0),
        "first_page_uri": _uri(query, account_sid, 0, None),
        "messages": [message_resource(message, account_sid) for message in page.messages],
        "next_page_uri": _uri(query, account_sid, query.page + 1, f"PA{page.messages[-1].place}")
        if page.has_next and page.messages
        else None,
        "page": query.page,
        "page_size": query.page_size,
        "previous_page_uri": _uri(query, account_sid, max(query.page - 1, 0), f"PB{page.messages[0].place}")
        if page.has_previous and page.messages
        else None,
        "start": first,
        "uri": _uri(query, account_sid, query.page, None),
    }


def _uri(query: Query, account_sid: str, page: int, token: str | None) -> str:
    parameters = [*query.kept, ("PageSize", str(query.page_size)), ("Page", str(page))]
    if token:
        parameters.append(("PageToken", token))
    return f"/{API_VERSION}/Accounts/{account_sid}/Messages.json?{urlencode(parameters)}"


def _span(text: str) -> tuple[int, int]:
    """First and last microsecond of a day, or one moment twice."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
            return us_of(day), us_of(day + _DAY - _MICROSECOND)
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadQuery(f"{text[:40]!r} is not a date such as 2026-11-21 or 2026-11-21T09:30:00Z") from None
    return us_of(moment), us_of(moment + timedelta(seconds=1) - _MICROSECOND)

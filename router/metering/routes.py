"""Usage as a shop or an operator asks for it, and the bot's reports of messages."""

from flask import Blueprint, Response
from pydantic import BaseModel

from contracts.usage import MessageReport, ReportTaken
from kit.db import Tx
from kit.paging import Moment, paged
from kit.web import answer, read_body, read_query
from router.edge import Call, Edge, Routes
from router.metering.rules import Metered, Window, window_at, window_named
from router.metering.service import Thing, calendar_of, count_all, records_of, totals_of
from router.metering.views import (
    MeterTotal,
    RecordPage,
    RecordsQuery,
    UsageQuery,
    UsageView,
    record_view,
    window_view,
)
from router.operations import BY_BOT, BY_VENDOR, KeyScope, Operation

SHOW_USAGE = Operation(
    "usage.show",
    "GET",
    "/api/v1/usage",
    "What was counted in a window, by meter",
    BY_VENDOR,
    scope=KeyScope.USAGE_READ,
    even_suspended=True,
    query=UsageQuery,
    answer=UsageView,
    description=(
        "A window is a month of the shop's own time; it begins at midnight of the shop's billing_anchor_day. "
        "Totals are exact up to the moment of asking, but for API calls that only read and for messages: "
        "these come some seconds later."
    ),
    tag="usage",
)
LIST_RECORDS = Operation(
    "usage.records",
    "GET",
    "/api/v1/usage/records",
    "What a window's totals are made of, newest first",
    BY_VENDOR,
    scope=KeyScope.USAGE_READ,
    even_suspended=True,
    query=RecordsQuery,
    answer=RecordPage,
    tag="usage",
)
REPORT_MESSAGES = Operation(
    "usage.report_messages",
    "POST",
    "/v1/usage/messages",
    "The bot reports messages that Twilio accepted",
    BY_BOT,
    even_suspended=True,
    body=MessageReport,
    answer=ReportTaken,
    tag="usage",
)


def usage_routes(edge: Edge) -> Blueprint:
    routes = Routes(edge, "usage")

    @routes.add(SHOW_USAGE)
    def show(call: Call) -> Response:
        window = _window_of(call, read_query(UsageQuery).window)
        with edge.reading(call.vendor) as tx:
            totals = totals_of(tx, call.vendor.id, window.id)
        return answer(
            UsageView(
                vendor_id=call.vendor.id,
                window=window_view(window, calendar_of(call.vendor), call.now),
                totals=[MeterTotal(meter=meter, quantity=totals.get(meter, 0)) for meter in Metered],
                as_of=call.now,
            )
        )

    @routes.add(LIST_RECORDS)
    def records(call: Call) -> Response:
        wanted = read_query(RecordsQuery)
        window = _window_of(call, wanted.window)
        before = None if wanted.cursor is None else wanted.cursor.id
        with edge.reading(call.vendor) as tx:
            found = records_of(tx, call.vendor.id, window, meter=wanted.meter, before=before, limit=wanted.limit + 1)
        page, next_cursor = paged(found, wanted.limit, lambda last: Moment(last.occurred_at, last.id))
        views = [record_view(record) for record in page]
        return answer(RecordPage(window=window.id, records=views, next_cursor=next_cursor))

    @routes.add(REPORT_MESSAGES)
    def report(call: Call) -> Response:
        reported = read_body(MessageReport)
        return edge.perform(call, lambda tx: (200, _count_messages(tx, call, reported)))

    return routes.blueprint


def _window_of(call: Call, window_id: str | None) -> Window:
    calendar = calendar_of(call.vendor)
    return window_at(call.now, calendar) if window_id is None else window_named(window_id, calendar)


def _count_messages(tx: Tx, call: Call, reported: MessageReport) -> BaseModel:
    # Nothing is counted in a window that has not come: clocks differ a little.
    things = [Thing(message.message_id, min(message.sent_at, call.now)) for message in reported.messages]
    counted = count_all(tx, Metered.MESSAGES, call.vendor.id, calendar_of(call.vendor), things)
    return ReportTaken(counted=counted, taken_at=call.now)

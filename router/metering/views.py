"""What travels over the API about usage."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from kit.paging import NewestFirst, Query
from router.metering.rules import WINDOW_PATTERN, Calendar, Metered, Window
from router.metering.service import Record

WindowId = Annotated[str, StringConstraints(pattern=WINDOW_PATTERN)]


_WINDOW_MEANS = "By the month in which it begins. Left out: the present one."


class UsageQuery(Query):
    window: WindowId | None = Field(None, description=_WINDOW_MEANS, examples=["2026-11"])


class RecordsQuery(NewestFirst):
    window: WindowId | None = Field(None, description=_WINDOW_MEANS, examples=["2026-11"])
    meter: Metered | None = Field(None, description="Only what this meter counted.")


class WindowView(BaseModel):
    """From the beginning up to, not including, the end."""

    id: str
    timezone: str
    begins_at: datetime
    """In UTC, as is `ends_at`."""
    ends_at: datetime
    local_begins_at: str
    """As the shop's clocks say it, with their distance from UTC."""
    local_ends_at: str
    is_current: bool


class MeterTotal(BaseModel):
    meter: Metered
    quantity: int


class UsageView(BaseModel):
    """What was counted in the window up to `as_of`. Things that are reported late still come into their window."""

    vendor_id: str
    window: WindowView
    totals: list[MeterTotal]
    as_of: datetime


class RecordView(BaseModel):
    id: str
    meter: str
    subject: str
    """What was counted: the id of the order or payment intent, Twilio's id of the message. For API calls a key without
    further meaning; questions are counted together."""
    quantity: int
    occurred_at: datetime


class RecordPage(BaseModel):
    window: str
    records: list[RecordView]
    next_cursor: str | None = Field(None, description="`cursor` of the next page. null: this was the last.")


def window_view(window: Window, calendar: Calendar, now: datetime) -> WindowView:
    return WindowView(
        id=window.id,
        timezone=calendar.timezone,
        begins_at=window.begins_at,
        ends_at=window.ends_at,
        local_begins_at=window.begins_at.astimezone(calendar.zone).isoformat(),
        local_ends_at=window.ends_at.astimezone(calendar.zone).isoformat(),
        is_current=now in window,
    )


def record_view(record: Record) -> RecordView:
    return RecordView(
        id=record.id,
        meter=record.meter,
        subject=record.subject,
        quantity=record.quantity,
        occurred_at=record.occurred_at,
    )

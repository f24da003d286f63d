"""What the bot reports to the router for a shop's usage: the messages that Twilio accepted.

`POST /v1/usage/messages`, signed, for the shop in `x-vendor-id`. A message is counted once however often it is
reported, in whatever company."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MAX_REPORTED = 100
"""In one report."""


class SentMessage(BaseModel):
    """`message_id` is Twilio's; `sent_at` is when Twilio accepted it, as far as the bot knows."""

    model_config = ConfigDict(frozen=True)

    message_id: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9]{1,64}$")]
    sent_at: AwareDatetime


class MessageReport(BaseModel):
    model_config = ConfigDict(frozen=True)

    messages: Annotated[list[SentMessage], Field(min_length=1, max_length=MAX_REPORTED)]


class ReportTaken(BaseModel):
    """All of them are known now; so many were new."""

    model_config = ConfigDict(frozen=True)

    counted: int
    taken_at: datetime

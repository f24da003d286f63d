"""Contents, as the Content API keeps them: what was made, and what WhatsApp thinks of it as a template.

The wire, as far as a shop needs it (pages of twilio.com/docs/content, read in November 2026; what no page says is
marked as such):

- Base `https://content.twilio.com`, Basic auth with the account's SID and token. Twilio's SDK reaches another base by
  `client.content.base_url = …`. Here it is `<simulators>/twilio/content`.
- POST /v1/Content takes JSON {friendly_name, language, variables, types} and answers 201 with {sid: HX…, account_sid,
  friendly_name, language, variables, types, url, date_created, date_updated (ISO 8601), links {approval_create,
  approval_fetch}}. Nothing is idempotent: the same again is a second content, so whoever keeps them in step looks at
  the list first. A content can't be changed once it was submitted; make another.
- GET /v1/Content?PageSize=&Page=&PageToken= answers {contents: […], meta: {page, page_size (50, at most 1,000),
  first_page_url, previous_page_url, next_page_url, url, key: "contents"}}. GET /v1/ContentAndApprovals is the same list
  with `approval_requests`. DELETE answers 204; sending it afterwards is 21655.
- POST /v1/Content/HX…/ApprovalRequests/whatsapp takes {name (lower case, digits, underscores), category (UTILITY,
  MARKETING, AUTHENTICATION)} and answers 201 {name, category, content_type, status: received, rejection_reason,
  allow_category_change}. GET /v1/Content/HX…/ApprovalRequests answers {sid, account_sid, url, whatsapp: {type, name,
  category, content_type, status, rejection_reason, allow_category_change, flows}}, with status `unsubmitted` before.
  Lists and locations can't be submitted. (Which code refuses them is in no page: 20001 here.)
- A body that begins or ends with a variable, or has two beside each other, is refused by WhatsApp when it is reviewed,
  unless samples for the variables are given in `variables`. Samples are also the values that are filled in for
  variables that a message leaves out.

Sending (POST …/Messages.json with ContentSid and ContentVariables, a JSON text): see `composing`. What comes back when
something is tapped: see `webhooks.inbound_form`.
"""

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from simulators.moments import SECOND_US, moment_of
from simulators.problems import JsonObject
from simulators.store import Transaction
from simulators.twilio import content_types
from simulators.twilio.messages import new_sid

SID = re.compile(r"HX[0-9a-f]{32}", re.IGNORECASE)

# How long WhatsApp looks at a template here, unless somebody decides it on the page. In truth: minutes to two days.
PENDING_AFTER_US = 5 * SECOND_US
APPROVED_AFTER_US = 60 * SECOND_US

CATEGORIES = ("UTILITY", "MARKETING", "AUTHENTICATION")
_TEMPLATE_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")


class Approval(StrEnum):
    UNSUBMITTED = "unsubmitted"
    RECEIVED = "received"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"
    """WhatsApp stopped it for some hours because people complained."""
    DISABLED = "disabled"


class BadRequest(ValueError):
    """Nothing was made or submitted; the text says why."""


@dataclass(frozen=True, slots=True)
class Content:
    place: int
    sid: str
    friendly_name: str
    language: str
    variables: Mapping[str, str]
    """Samples, and what is filled in where a message names no value."""
    types: Mapping[str, JsonObject]
    created_us: int
    template: JsonObject | None
    """{name, category} once it was submitted."""
    submitted_us: int
    decided: Approval | None
    """What somebody set on the page; without it, time decides."""
    rejection_reason: str

    @property
    def type(self) -> str:
        """The one that WhatsApp gets."""
        return content_types.richest(self.types)

    def approval(self, now_us: int) -> Approval:
        if self.template is None:
            return Approval.UNSUBMITTED
        if self.decided is not None:
            return self.decided
        waited_us = now_us - self.submitted_us
        if waited_us >= APPROVED_AFTER_US:
            return Approval.APPROVED
        return Approval.PENDING if waited_us >= PENDING_AFTER_US else Approval.RECEIVED


def create(tx: Transaction, body: JsonObject) -> Content:
    """Raises BadRequest."""
    name, language = body.get("friendly_name") or "", body.get("language")
    if not isinstance(name, str) or len(name) > 256:
        raise BadRequest("friendly_name: expected a text")
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise BadRequest("language: expected a language code such as en or pt_BR")
    variables = _samples(body.get("variables") or {})
    try:
        types = content_types.check(body.get("types"))
    except content_types.BadContent as error:
        raise BadRequest(str(error)) from error
    row = tx.row(
        "INSERT INTO contents (sid, friendly_name, language, variables, types, created_us) VALUES (?, ?, ?, ?, ?, ?)"
        " RETURNING *",
        new_sid("HX"),
        name,
        language,
        json.dumps(variables),
        json.dumps(types),
        tx.now_us,
    )
    assert row is not None
    return _content(row)


def find(tx: Transaction, sid: str) -> Content | None:
    row = tx.row("SELECT * FROM contents WHERE sid = ?", sid)
    return _content(row) if row else None


def delete(tx: Transaction, sid: str) -> bool:
    return tx.run("DELETE FROM contents WHERE sid = ?", sid) == 1


def listed(tx: Transaction, after_place: int | None, count: int) -> list[Content]:
    """The newest first, those older than `after_place`."""
    rows = tx.rows(
        "SELECT * FROM contents WHERE place < coalesce(?, place + 1) ORDER BY place DESC LIMIT ?", after_place, count
    )
    return [_content(row) for row in rows]


def anchor_before(tx: Transaction, first_place: int, count: int) -> int | None:
    """After which place the page begins that comes before the one that begins with `first_place`; None for the first
    page."""
    rows = tx.rows("SELECT place FROM contents WHERE place > ? ORDER BY place LIMIT ?", first_place, count + 1)
    return int(rows[count]["place"]) if len(rows) > count else None


def submit(tx: Transaction, content: Content, body: JsonObject) -> Content:
    """Raises BadRequest."""
    name, category = body.get("name"), body.get("category")
    if not isinstance(name, str) or not _TEMPLATE_NAME.fullmatch(name):
        raise BadRequest("name: expected lower-case letters, digits and underscores")
    if category not in CATEGORIES:
        raise BadRequest(f"category: expected one of {', '.join(CATEGORIES)}")
    if content.type in content_types.NEVER_APPROVED:
        raise BadRequest(f"{content.type} is not supported for WhatsApp approval")
    if content.approval(tx.now_us) not in (Approval.UNSUBMITTED, Approval.REJECTED):
        raise BadRequest("this content was submitted already")
    tx.run(
        "UPDATE contents SET template = ?, submitted_us = ?, decided = ?, rejection_reason = ? WHERE sid = ?",
        json.dumps({"name": name, "category": category}),
        tx.now_us,
        Approval.REJECTED.value if _is_bare(content) else None,
        "The body begins or ends with a variable without a sample." if _is_bare(content) else "",
        content.sid,
    )
    changed = find(tx, content.sid)
    assert changed is not None
    return changed


def decide(tx: Transaction, sid: str, approval: Approval, reason: str) -> Content | None:
    """What WhatsApp thinks of it, as somebody at the page wants it. None for an unknown or unsubmitted one."""
    changed = tx.run(
        "UPDATE contents SET decided = ?, rejection_reason = ? WHERE sid = ? AND template IS NOT NULL",
        approval.value,
        reason if approval is Approval.REJECTED else "",
        sid,
    )
    tx.next_seq()
    return find(tx, sid) if changed else None


def resource(content: Content, account_sid: str, base_url: str) -> JsonObject:
    url = f"{base_url}/v1/Content/{content.sid}"
    return {
        "account_sid": account_sid,
        "date_created": _iso8601(content.created_us),
        "date_updated": _iso8601(content.created_us),
        "friendly_name": content.friendly_name,
        "language": content.language,
        "links": {
            "approval_create": f"{url}/ApprovalRequests/whatsapp",
            "approval_fetch": f"{url}/ApprovalRequests",
        },
        "sid": content.sid,
        "types": dict(content.types),
        "url": url,
        "variables": dict(content.variables),
    }


def approval_resource(content: Content, now_us: int) -> JsonObject:
    """As it stands under `whatsapp` and `approval_requests`."""
    template = content.template or {}
    return {
        "allow_category_change": True,
        "category": template.get("category", ""),
        "content_type": content.type if content.template else "",
        "flows": None,
        "name": template.get("name", ""),
        "rejection_reason": content.rejection_reason,
        "status": content.approval(now_us).value,
        "type": "whatsapp",
    }


def _samples(given: object) -> Mapping[str, str]:
    if not isinstance(given, dict) or len(cast(JsonObject, given)) > content_types.MOST_VARIABLES:
        raise BadRequest(f"variables: expected an object of at most {content_types.MOST_VARIABLES} texts")
    for key, value in cast(JsonObject, given).items():
        if not isinstance(value, str) or not content_types.PLACEHOLDER.fullmatch("{{" + key + "}}"):
            raise BadRequest(f"variables: {key[:20]}: expected a name of letters and digits, and a text")
    return cast(dict[str, str], given)


def _is_bare(content: Content) -> bool:
    """A body that begins or ends with a variable that has no sample (…/using-variables-with-content-api)."""
    body = content.types[content.type].get("body") or ""
    found = list(content_types.PLACEHOLDER.finditer(str(body)))
    if not found or all(one[1] in content.variables for one in found):
        return False
    return found[0].start() == 0 or not re.search(r"\w", str(body)[found[-1].end() :])


def _content(row: sqlite3.Row) -> Content:
    return Content(
        place=int(row["place"]),
        sid=str(row["sid"]),
        friendly_name=str(row["friendly_name"]),
        language=str(row["language"]),
        variables=cast(dict[str, str], json.loads(row["variables"])),
        types=cast(dict[str, JsonObject], json.loads(row["types"])),
        created_us=int(row["created_us"]),
        template=cast(JsonObject, json.loads(row["template"])) if row["template"] else None,
        submitted_us=int(row["submitted_us"]),
        decided=Approval(row["decided"]) if row["decided"] else None,
        rejection_reason=str(row["rejection_reason"]),
    )


def _iso8601(at_us: int) -> str:
    return moment_of(at_us).strftime("%Y-%m-%dT%H:%M:%SZ")

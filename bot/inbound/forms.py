"""Twilio's webhooks as forms: read whole, checked against their signature, and refused before anything is stored.

Kept apart from Flask's own form parsing: the signature covers every parameter, blank and repeated ones too."""

import hmac
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import request
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from bot.conversation.model import Location, Said
from contracts.errors import ErrorCode
from kit.problems import Problem
from kit.settings import Settings

FORM_TYPE = "application/x-www-form-urlencoded"
SIGNATURE_HEADER = "X-Twilio-Signature"

_MAX_FIELDS = 200
_MAX_MEDIA = 10
_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")
# Opaque on purpose: whatsapp:+254708374149 where the number shows, whatsapp:KE.<up to 128 characters> where it is
# hidden; 140 characters at most, nothing that could break a line or a header.
_ADDRESS = re.compile(r"whatsapp:[\x21-\x7e]{1,131}")
_NUMBER_ADDRESS = re.compile(r"whatsapp:\+([1-9][0-9]{6,14})")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_PAYLOAD = re.compile(r"[\x21-\x7e]{1,200}")
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,15})?")
_MAX_PLACE = 200  # characters of a place's name or address

_MEDIA_KINDS = {"image": "image", "audio": "audio", "video": "video", "text": "document", "application": "document"}
_CONTACT_TYPES = ("text/vcard", "text/x-vcard")


@dataclass(frozen=True, slots=True)
class Form:
    """`raw` is the body as it came."""

    raw: str
    fields: dict[str, str]

    def sid(self, name: str) -> str:
        """A Twilio id such as SM0123…. Raises Problem 400."""
        return self._matching(name, _SID, "a Twilio id: two letters and 32 hexadecimal digits")

    def address(self, name: str) -> str:
        """A WhatsApp address. Raises Problem 400."""
        return self._matching(name, _ADDRESS, "whatsapp: and a number or an id, at most 140 characters")

    def _matching(self, name: str, pattern: re.Pattern[str], what: str) -> str:
        value = self.fields.get(name, "")
        if not pattern.fullmatch(value):
            raise Problem(400, ErrorCode.INVALID_REQUEST, f"{name} must be {what}")
        return value


class SignedForms:
    """Reads the current request's form. Twilio signs the address it was told to call, so the configured public one
    is checked, whatever a proxy in between calls this host."""

    def __init__(self, settings: Settings) -> None:
        self._public_url = settings.bot_public_url
        self._account_sid = settings.twilio_account_sid
        self._token = settings.secret("TWILIO_AUTH_TOKEN").encode()
        self._validator = RequestValidator(settings.secret("TWILIO_AUTH_TOKEN"))

    def read(self) -> Form:
        """Raises Problem 415 (not a form), 413, 400 (unreadable) or 403 (not signed by our Twilio account)."""
        if request.mimetype != FORM_TYPE:
            # A JSON body is signed another way, which the library's check would skip if it were given no body.
            raise Problem(415, ErrorCode.INVALID_REQUEST, f"send the body as {FORM_TYPE}")
        raw, pairs = _parse(request.get_data(cache=False))
        query = request.query_string.decode("latin-1")
        url = f"{self._public_url}{request.path}{'?' + query if query else ''}"
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if not signature or not (
            self._is_plainly_signed(url, pairs, signature) or self._validator.validate(url, MultiDict(pairs), signature)
        ):
            raise Problem(
                403,
                ErrorCode.FORBIDDEN,
                "the signature does not match: it must cover DUKANI_BOT_PUBLIC_URL and every parameter, under the "
                "account's auth token",
            )
        form = Form(raw, dict(pairs))
        if form.fields.get("AccountSid") != self._account_sid:
            raise Problem(403, ErrorCode.FORBIDDEN, "AccountSid is not the account that this shop uses")
        return form

    def _is_plainly_signed(self, url: str, pairs: Sequence[tuple[str, str]], signature: str) -> bool:
        """By the rule that Twilio documents (twilio.com/docs/usage/security, validating requests), at a tenth of what
        its library costs. What else counts (an address with its port or without) is the library's to say."""
        names = dict(pairs)
        if len(names) == len(pairs):
            said = url + "".join([name + names[name] for name in sorted(names)])
            expected = b64encode(hmac.digest(self._token, said.encode(), "sha1"))
            return hmac.compare_digest(expected, signature.encode())
        return False


def fields_of(raw: str) -> dict[str, str]:
    """The fields of a stored form."""
    return dict(parse_qsl(raw, keep_blank_values=True, max_num_fields=_MAX_FIELDS))


def said(message_sid: str, raw: str) -> Said:
    """What the customer wrote, from a stored form. A tapped button or line of a list counts as what stood on it: in
    Body there may be its token instead."""
    fields = fields_of(raw)
    text = fields.get("ButtonText", "") or fields.get("ListTitle", "") or fields.get("Body", "")
    payload = fields.get("ButtonPayload", "") or fields.get("ListId", "")
    number = _NUMBER_ADDRESS.fullmatch(fields.get("From", ""))
    return Said(
        message_sid,
        _CONTROL.sub(" ", text),
        media=tuple(_media(fields)),
        sender_msisdn=number[1] if number else None,
        payload=payload if _PAYLOAD.fullmatch(payload) else None,
        location=_location(fields),
    )


def _location(fields: dict[str, str]) -> Location | None:
    """None for a pin that is nowhere on Earth."""
    north, east = fields.get("Latitude", ""), fields.get("Longitude", "")
    if not _DEGREES.fullmatch(north) or not _DEGREES.fullmatch(east):
        return None
    latitude, longitude = float(north), float(east)
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    address, label = (_CONTROL.sub(" ", fields.get(name, ""))[:_MAX_PLACE] for name in ("Address", "Label"))
    return Location(latitude, longitude, address.strip(), label.strip())


def _media(fields: dict[str, str]) -> list[str]:
    kinds: list[str] = []
    for at in range(_MAX_MEDIA):
        content_type = fields.get(f"MediaContentType{at}")
        if content_type is None:
            break
        is_contact = content_type.lower().startswith(_CONTACT_TYPES)
        kinds.append("contact" if is_contact else _MEDIA_KINDS.get(content_type.split("/")[0].lower(), "document"))
    if "Latitude" in fields:
        kinds.append("location")
    return kinds


def _parse(body: bytes) -> tuple[str, list[tuple[str, str]]]:
    try:
        raw = body.decode()
        if "\x00" in raw:
            raise ValueError
        pairs = parse_qsl(
            raw, keep_blank_values=True, strict_parsing=bool(raw), errors="strict", max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        raise Problem(
            400, ErrorCode.INVALID_REQUEST, f"the form can't be read: UTF-8, name=value, at most {_MAX_FIELDS} fields"
        ) from None
    return raw, pairs

"""GET /media/<token>.<kind>: what goes with a message, for Twilio to fetch. Its token alone protects it."""

import re

from flask import Flask, Response

from bot.store import media
from bot.store.media import MediaKind
from contracts.errors import ErrorCode
from kit.clock import Clock
from kit.db import Database
from kit.problems import Problem

_PATH = "/media/"
_NAME = re.compile(r"([A-Za-z0-9_-]{43})\.(png|jpg|pdf)")

# Twilio refuses a file whose type is not the one it says (twilio.com/docs/whatsapp, media messages).
_TYPES = {MediaKind.PNG: "image/png", MediaKind.JPEG: "image/jpeg", MediaKind.PDF: "application/pdf"}
_NAMES = {MediaKind.PNG: "picture.png", MediaKind.JPEG: "picture.jpg", MediaKind.PDF: "receipt.pdf"}


def address_of(public_url: str, name: str) -> str:
    """Where Twilio finds the file that the store named so."""
    return f"{public_url}{_PATH}{name}"


def add_route(app: Flask, db: Database, clock: Clock) -> None:
    def show(name: str) -> Response:
        found = None
        read = _NAME.fullmatch(name)
        if read is not None:
            with db.read() as tx:
                found = media.find(tx, read[1], clock.now())
        if read is None or found is None or found.kind != read[2]:
            raise Problem(404, ErrorCode.NOT_FOUND, "there is no such file, or no longer")
        response = Response(_bytes_of(found), mimetype=_TYPES[found.kind])
        response.headers["content-disposition"] = f'inline; filename="{_NAMES[found.kind]}"'
        response.headers["content-security-policy"] = "default-src 'none'; sandbox"
        response.headers["x-robots-tag"] = "noindex"
        return response

    app.add_url_rule(f"{_PATH}<name>", "media", show)


def _bytes_of(found: media.Media) -> bytes:
    if found.paper is None:
        return found.content or b""
    # Its library takes longer to load than a bot to start, and most shops never hand out a document.
    from bot.pages.paper import laid_out  # noqa: PLC0415

    return laid_out(found.paper)

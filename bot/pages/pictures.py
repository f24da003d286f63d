"""GET /pictures/<token>.png: a picture that goes with a message, for Twilio to fetch. Its token alone protects it."""

import re

from flask import Flask, Response

from bot.store import pictures
from contracts.errors import ErrorCode
from kit.clock import Clock
from kit.db import Database
from kit.problems import Problem

_PATH = "/pictures/"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def address_of(public_url: str, token: str) -> str:
    """Where Twilio finds it."""
    return f"{public_url}{_PATH}{token}.png"


def add_route(app: Flask, db: Database, clock: Clock) -> None:
    def show(token: str) -> Response:
        png = None
        if _TOKEN.fullmatch(token):
            with db.read() as tx:
                png = pictures.find(tx, token, clock.now())
        if png is None:
            raise Problem(404, ErrorCode.NOT_FOUND, "there is no such picture, or no longer")
        # Twilio refuses a picture whose type is not the one it says (twilio.com/docs/whatsapp, media messages).
        response = Response(png, mimetype="image/png")
        response.headers["content-disposition"] = 'inline; filename="pay.png"'
        response.headers["content-security-policy"] = "default-src 'none'; sandbox"
        response.headers["x-robots-tag"] = "noindex"
        return response

    app.add_url_rule(f"{_PATH}<token>.png", "picture", show)

"""GET and POST /settings/<ticket>, then /settings: a browser brings what the router must never see.

The first opens, once, with a ticket that the router signed; from then on a cookie proves the browser, the address holds
nothing, and every form carries a token that only this page can know. Answers are pages, refusals too."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from contracts.credentials import SETTINGS_PATH, CredentialTicket
from kit.clock import Clock
from kit.db import Database
from kit.signing import KeyRing
from kit.tickets import TicketInvalid, open_ticket
from payment_adapter.providers.base import Finding
from payment_adapter.settings_page.book import Holder, SettingsBook, SettingsRefused, Standing
from payment_adapter.settings_page.page import (
    LANGUAGE,
    TEMPLATES,
    Notice,
    Section,
    chosen_language,
    door,
    forms,
    refusal,
    section,
)
from payment_adapter.settings_page.sessions import (
    SESSION_LIFETIME,
    Session,
    find_session,
    form_token,
    is_opened,
    open_session,
    take_trial,
)
from payment_adapter.settings_page.trying import try_out
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.secret import Secret

_log = structlog.get_logger()

COOKIE = "dukani_settings"
MAX_FORM_BYTES = 32 * 1024
_TRIALS_AT_ONCE = 2  # each keeps a thread for as long as the provider takes

_UNKNOWN = (404, "This address opens nothing", "Look whether all of it was copied, or ask for a new one.")
_USED = (410, "This address was used already", "It works once. Ask for a new one: the shop’s console makes it.")
_LATE = (410, "This address is too old", "It works for ten minutes. Ask for a new one: the shop’s console makes it.")
_CLOSED = (403, "This page is closed", "It works for half an hour, in one browser. Ask for a new address.")
_FOREIGN = (403, "This was not sent from this page", "Nothing was changed. Open the settings again and try there.")
_TOO_LARGE = (413, "That is too much text", "Nothing was changed. Look whether the right text was pasted.")


@dataclass(frozen=True, slots=True)
class _Said:
    """What one provider's part says of what was just asked."""

    notice: Notice
    problems: Mapping[str, str] | None = None
    findings: Sequence[Finding] = ()
    status: int = 200


_SEALED = _Said(Notice("What is stored can’t be opened here, so nothing was done.", is_good=False), status=503)


def settings_routes(db: Database, book: SettingsBook, tickets: KeyRing, clock: Clock, public_url: str) -> Blueprint:
    """`tickets` verifies with DUKANI_KEY_ROUTER_ADAPTER; `public_url` is where browsers reach this process."""
    blueprint = Blueprint("settings_page", __name__, template_folder=TEMPLATES)
    page = _SettingsPage(db, book, tickets, clock, public_url)

    def served(view: Callable[..., Response]) -> Callable[..., Response]:
        def answered(**path: str) -> Response:
            request.max_content_length = MAX_FORM_BYTES
            request.max_form_memory_size = MAX_FORM_BYTES
            try:
                if request.method == "POST" and not page.is_from_here():
                    return refusal(*_FOREIGN)
                return view(**path)
            except HTTPException as error:
                if error.code != 413:
                    raise
                return refusal(*_TOO_LARGE)

        return answered

    rules: tuple[tuple[str, str, Callable[..., Response], str], ...] = (
        (f"{SETTINGS_PATH}/<ticket>", "door", page.door, "GET"),
        (f"{SETTINGS_PATH}/<ticket>", "open", page.open, "POST"),
        (SETTINGS_PATH, "show", page.show, "GET"),
        (SETTINGS_PATH, "act", page.act, "POST"),
    )
    for rule, endpoint, view, method in rules:
        blueprint.add_url_rule(rule, endpoint, served(view), methods=[method])
    return blueprint


class _SettingsPage:
    def __init__(self, db: Database, book: SettingsBook, tickets: KeyRing, clock: Clock, public_url: str) -> None:
        self._db = db
        self._book = book
        self._tickets = tickets
        self._clock = clock
        parts = urlsplit(public_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path + SETTINGS_PATH
        self._is_https = parts.scheme == "https"
        self._trials = BoundedSemaphore(_TRIALS_AT_ONCE)

    def is_from_here(self) -> bool:
        """Whether the browser says that a page of ours sent this. A page without referrer sends `Origin: null`, so
        browsers that tell it say it by Sec-Fetch-Site; what neither tells is left to the form's token."""
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        return request.headers.get("origin", "null") in ("null", self._origin)

    # --- the ticket -----------------------------------------------------------------------------------------------

    def door(self, ticket: str) -> Response:
        found = self._ticket(ticket)
        if not isinstance(found, CredentialTicket):
            return found
        with self._db.read() as tx:
            if is_opened(tx, found.ticket_id):
                return refusal(*_USED)
        return door(found.vendor_name)

    def open(self, ticket: str) -> Response:
        found = self._ticket(ticket)
        if not isinstance(found, CredentialTicket):
            return found
        with self._db.write() as tx:
            secret = open_session(tx, found, self._clock.now())
        if secret is None:
            return refusal(*_USED)
        _log.info("settings were opened", vendor_id=found.vendor_id, asked_by=found.asked_by)
        language = chosen_language()
        address = self._path if language is None else f"{self._path}?{LANGUAGE}={language}"
        response = Response(status=303, headers={"location": address, "cache-control": "no-store"})
        response.set_cookie(
            COOKIE,
            secret.reveal(),
            max_age=SESSION_LIFETIME,
            path=self._path,
            secure=self._is_https,
            httponly=True,
            samesite="Strict",
        )
        return response

    def _ticket(self, text: str) -> CredentialTicket | Response:
        try:
            ticket = open_ticket(self._tickets, text)
        except TicketInvalid:
            return refusal(*_UNKNOWN)
        return refusal(*_LATE) if self._clock.now() >= ticket.expires_at else ticket

    # --- the forms ------------------------------------------------------------------------------------------------

    def show(self) -> Response:
        session, secret = self._session()
        return refusal(*_CLOSED) if session is None else self._forms(session, secret)

    def act(self) -> Response:
        session, secret = self._session()
        if session is None:
            return refusal(*_CLOSED)
        if not hmac.compare_digest(form_token(secret).encode(), request.form.get("token", "").encode()):
            return refusal(*_FOREIGN)
        provider = request.form.get("provider", "")
        if provider not in {holder.name for holder in self._holders(session)}:
            return refusal(*_FOREIGN)
        match request.form.get("action"):
            case "save":
                said = self._save(session, provider)
            case "try":
                said = self._save(session, provider, only_if_it_works=True)
            case "test":
                said = self._test(session, provider)
            case "remove":
                said = self._remove(session, provider)
            case _:
                return refusal(*_FOREIGN)
        return self._forms(session, secret, provider, said)

    def _save(self, session: Session, provider: str, *, only_if_it_works: bool = False) -> _Said:
        given = {
            setting.name: Secret(request.form.get(setting.name, "")) for setting in self._book.holder(provider).settings
        }
        without = request.form.getlist("without")
        findings: Sequence[Finding] = ()
        try:
            if only_if_it_works:
                with self._db.read() as tx:
                    fields = self._book.merged(tx, session.vendor_id, provider, given, without=without)
                tried = self._tried(session, provider, fields)
                if isinstance(tried, _Said) or not all(each.is_good for each in tried):
                    return tried if isinstance(tried, _Said) else _not_saved(tried)
                findings = tried
            with self._db.write() as tx:
                self._book.change(tx, session.vendor_id, provider, given, by=session.asked_by, without=without)
        except SettingsRefused as error:
            problems = dict(error.problems)
            general = problems.pop("", "some fields need another look")
            return _Said(Notice(f"Nothing was saved: {general}.", is_good=False), problems, status=422)
        except CannotOpen:
            return _SEALED
        _log.info("settings were stored", vendor_id=session.vendor_id, provider=provider, by=session.asked_by)
        return _Said(Notice("Saved. It counts within a few seconds.", is_good=True), findings=findings)

    def _test(self, session: Session, provider: str) -> _Said:
        with self._db.read() as tx:
            try:
                fields = self._book.merged(tx, session.vendor_id, provider, {})
            except CannotOpen:
                return _SEALED
        if not fields:
            return _Said(Notice("There is nothing stored to test.", is_good=False))
        tried = self._tried(session, provider, fields)
        if isinstance(tried, _Said):
            return tried
        if all(each.is_good for each in tried):
            return _Said(Notice("The test found nothing wrong.", is_good=True), findings=tried)
        return _Said(Notice("The test found something wrong.", is_good=False), findings=tried)

    def _remove(self, session: Session, provider: str) -> _Said:
        with self._db.write() as tx:
            was_there = self._book.remove(tx, session.vendor_id, provider, by=session.asked_by)
        if not was_there:
            return _Said(Notice("There was nothing to remove."))
        _log.info("settings were removed", vendor_id=session.vendor_id, provider=provider, by=session.asked_by)
        return _Said(Notice("Removed. Customers can’t pay in these ways any more.", is_good=True))

    def _tried(self, session: Session, provider: str, fields: Mapping[str, Secret]) -> Sequence[Finding] | _Said:
        """Asks the provider, with no transaction open."""
        with self._db.write() as tx:
            may_ask = take_trial(tx, session)
        if not may_ask:
            return _Said(
                Notice("That were enough tests for one address. Ask for a new one.", is_good=False), status=429
            )
        if not self._trials.acquire(blocking=False):
            return _Said(Notice("Other tests are running. Try again in a minute.", is_good=False), status=429)
        try:
            return try_out(self._book.holder(provider), session.vendor_id, fields)
        finally:
            self._trials.release()

    # --- what is shown --------------------------------------------------------------------------------------------

    def _session(self) -> tuple[Session | None, str]:
        secret = request.cookies.get(COOKIE, "")
        if not secret:
            return None, ""
        with self._db.read() as tx:
            return find_session(tx, secret, self._clock.now()), secret

    def _holders(self, session: Session) -> list[Holder]:
        """Those with a rail that this vendor could use."""
        return [holder for holder in self._book.holders.values() if holder.rails & set(session.rails)]

    def _forms(self, session: Session, secret: str, provider: str = "", said: _Said | None = None) -> Response:
        holders = self._holders(session)
        with self._db.read() as tx:
            standings = {holder.name: self._book.standing(tx, session.vendor_id, holder.name) for holder in holders}
        sections = [
            _section(holder, standings[holder.name], session, said if holder.name == provider else None)
            for holder in holders
        ]
        status = 200 if said is None else said.status
        lasts = session.expires_at - self._clock.now()
        return forms(session.vendor_name, lasts, form_token(secret), sections, status)


def _section(holder: Holder, standing: Standing, session: Session, said: _Said | None) -> Section:
    if said is None:
        return section(holder, standing, session.rails)
    return section(holder, standing, session.rails, notice=said.notice, problems=said.problems, findings=said.findings)


def _not_saved(findings: Sequence[Finding]) -> _Said:
    text = "Nothing was saved, because the test found something wrong. Enter it again, or save it without a test."
    return _Said(Notice(text, is_good=False), findings=findings, status=422)

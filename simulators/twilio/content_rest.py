"""Twilio's Content API on a base of its own: `<simulators>/twilio/content`, which TWILIO_CONTENT_BASE_URL names."""

import json
import time
from collections.abc import Sequence

from flask import Blueprint, Response, request

from kit.settings import Settings
from simulators import faults, wire
from simulators.fault_names import Fault
from simulators.problems import JsonObject, NotAnObject, parse_object
from simulators.store import Store
from simulators.twilio import contents
from simulators.twilio.contents import BadRequest, Content
from simulators.twilio.errors import TwilioError, answer, authenticate, not_found

PREFIX = "/twilio/content"

_DEFAULT_PAGE_SIZE = 50
_MOST_PAGE_SIZE = 1000
_MOST_DIGITS = 9


def create_blueprint(settings: Settings, store: Store) -> Blueprint:
    blueprint = Blueprint("twilio_content", __name__, url_prefix=PREFIX)
    rest = _ContentRest(settings, store)
    blueprint.before_request(rest.before)
    routes = (
        ("/v1/Content", "POST", rest.create),
        ("/v1/Content", "GET", rest.list_contents),
        ("/v1/ContentAndApprovals", "GET", rest.list_with_approvals),
        ("/v1/Content/<sid>", "GET", rest.fetch),
        ("/v1/Content/<sid>", "DELETE", rest.delete),
        ("/v1/Content/<sid>/ApprovalRequests/whatsapp", "POST", rest.submit),
        ("/v1/Content/<sid>/ApprovalRequests", "GET", rest.fetch_approval),
    )
    for path, method, view in routes:
        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "_"), view, methods=[method])
    blueprint.register_error_handler(TwilioError, TwilioError.response)
    blueprint.after_request(rest.remember)
    return blueprint


class _ContentRest:
    def __init__(self, settings: Settings, store: Store) -> None:
        self._account_sid = settings.twilio_account_sid
        self._token = settings.secret("TWILIO_AUTH_TOKEN")
        self._store = store

    def before(self) -> None:
        authenticate(self._account_sid, self._token)
        with self._store.transaction() as tx:
            is_broken = faults.takes(tx, Fault.CONTENT_500)
            delay_s = faults.seconds(tx, Fault.ANSWER_DELAY_S)
        time.sleep(delay_s)
        if is_broken:
            raise TwilioError(500, 20500, "An internal server error has occurred")

    def create(self) -> Response:
        body = _body()
        try:
            with self._store.transaction() as tx:
                created = contents.create(tx, body)
        except BadRequest as error:
            raise TwilioError(400, 20001, str(error)) from error
        return answer(contents.resource(created, self._account_sid, _base_url()), 201)

    def fetch(self, sid: str) -> Response:
        return answer(contents.resource(self._own(sid), self._account_sid, _base_url()))

    def delete(self, sid: str) -> Response:
        with self._store.transaction() as tx:
            if not contents.delete(tx, sid):
                raise not_found()
        return Response(b"", 204)

    def list_contents(self) -> Response:
        return self._page("/v1/Content", has_approvals=False)

    def list_with_approvals(self) -> Response:
        return self._page("/v1/ContentAndApprovals", has_approvals=True)

    def submit(self, sid: str) -> Response:
        content, body = self._own(sid), _body()
        try:
            with self._store.transaction() as tx:
                submitted = contents.submit(tx, content, body)
                made = contents.approval_resource(submitted, tx.now_us)
        except BadRequest as error:
            raise TwilioError(400, 20001, str(error)) from error
        return answer({name: value for name, value in made.items() if name not in ("type", "flows")}, 201)

    def fetch_approval(self, sid: str) -> Response:
        content = self._own(sid)
        with self._store.transaction() as tx:
            whatsapp = contents.approval_resource(content, tx.now_us)
        url = f"{_base_url()}/v1/Content/{sid}/ApprovalRequests"
        return answer({"account_sid": self._account_sid, "sid": sid, "url": url, "whatsapp": whatsapp})

    def remember(self, response: Response) -> Response:
        if request.method != "GET":
            with self._store.transaction() as tx:
                content = {"body": request.get_data(as_text=True)[:4096]}
                wire.remember(tx, "twilio_content", f"{request.method} {request.path}", content, response.status_code)
        return response

    def _own(self, sid: str) -> Content:
        with self._store.transaction() as tx:
            content = contents.find(tx, sid)
        if content is None:
            raise not_found()
        return content

    def _page(self, path: str, *, has_approvals: bool) -> Response:
        size = min(_number("PageSize", _DEFAULT_PAGE_SIZE), _MOST_PAGE_SIZE)
        page = _number("Page", 0)
        token = request.args.get("PageToken", "")
        if size < 1 or (token and not (token.isascii() and token.isdigit() and len(token) <= _MOST_DIGITS)):
            raise TwilioError(400, 20001, "PageSize and PageToken: expected those that this list gave")
        with self._store.transaction() as tx:
            found = contents.listed(tx, int(token) if token else None, size + 1)
            shown: Sequence[JsonObject] = [
                {
                    **contents.resource(one, self._account_sid, _base_url()),
                    **({"approval_requests": contents.approval_resource(one, tx.now_us)} if has_approvals else {}),
                }
                for one in found[:size]
            ]
            before = contents.anchor_before(tx, found[0].place, size) if found else None

        def url(number: int, anchor: int | None) -> str:
            after = f"&PageToken={anchor}" if anchor else ""
            return f"{_base_url()}{path}?PageSize={size}&Page={number}{after}"

        meta: JsonObject = {
            "first_page_url": url(0, None),
            "key": "contents",
            "next_page_url": url(page + 1, found[size - 1].place) if len(found) > size else None,
            "page": page,
            "page_size": size,
            "previous_page_url": url(page - 1, before) if page else None,
            "url": url(page, int(token) if token else None),
        }
        return answer({"contents": list(shown), "meta": meta})


def _base_url() -> str:
    return request.host_url.rstrip("/") + PREFIX


def _body() -> JsonObject:
    if request.mimetype != "application/json":
        raise TwilioError(415, 20001, "Content-Type: expected application/json")
    try:
        body = parse_object(request.get_data())
        json.dumps(body).encode()
    except (NotAnObject, ValueError):
        raise TwilioError(400, 20001, "expected a JSON object as the body") from None
    return body


def _number(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise TwilioError(400, 20001, f"{name}: expected a whole number")
    return int(text)

"""The page as HTML: words for people in their language, a form per provider, never a value."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone

from flask import Response, render_template, request

from contracts.states import Rail
from payment_adapter.providers.base import Finding, Setting
from payment_adapter.settings_page.book import Holder, Standing
from payment_adapter.settings_page.texts.words import CATALOGUES, DEFAULT, NAMES, Words

TEMPLATES = "templates"

_PROVIDERS: Mapping[str, str] = {"mpesa": "M-Pesa", "ekwanza": "e-Kwanza"}
_RAILS: Mapping[Rail, str] = {
    Rail.MPESA_STK: "M-Pesa prompt on the customer’s phone",
    Rail.GPO: "Multicaixa Express prompt on the customer’s phone",
    Rail.EMIS_REF: "Multicaixa reference, paid at a cash machine or in a bank’s app",
    Rail.TICKET: "e-Kwanza ticket, paid by QR code or at an agent",
}
_ZONES: Mapping[str, timezone] = {"mpesa": timezone(timedelta(hours=3)), "ekwanza": timezone(timedelta(hours=1))}
"""Of Nairobi and Luanda, neither of which has summer time: in which the shop's clock goes, as far as is known here."""
LANGUAGE = "lang"
"""In the query of an address: which language was chosen. Without it, the one that the browser asks for."""
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `has_value`: something is stored for it, which nobody sees."""

    setting: Setting
    has_value: bool
    is_needed: bool
    problem: str


@dataclass(frozen=True, slots=True)
class RailLine:
    """Whether customers can pay in this way; the labels of what it lacks."""

    name: str
    missing: list[str]


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of what was just asked. `is_good` None: neither."""

    text: str
    is_good: bool | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One provider's part of the page."""

    provider: str
    title: str
    stored_at: str | None
    can_be_opened: bool
    rails: list[RailLine]
    fields: list[Field]
    """What is needed before what can be left empty."""
    notice: Notice | None
    findings: list[tuple[str, Finding]]


def section(
    holder: Holder,
    standing: Standing,
    rails: Sequence[Rail],
    *,
    notice: Notice | None = None,
    problems: Mapping[str, str] | None = None,
    findings: Sequence[Finding] = (),
) -> Section:
    """`rails` are those that the vendor could use; `problems` say what is wrong, by setting."""
    labels = {setting.name: setting.label for setting in holder.settings}
    has = set(standing.stored.fields) if standing.stored is not None and standing.has_settings else set[str]()
    wanted = set(rails)
    fields = [
        Field(
            setting,
            has_value=setting.name in has,
            is_needed=bool(setting.rails & wanted),
            problem=(problems or {}).get(setting.name, ""),
        )
        for setting in holder.settings
    ]
    return Section(
        provider=holder.name,
        title=_PROVIDERS.get(holder.name, holder.name),
        stored_at=_stored_at(holder.name, standing),
        can_be_opened=standing.can_be_opened,
        rails=[
            RailLine(_RAILS[rail], [labels.get(name, name) for name in names])
            for rail, names in standing.missing.items()
            if rail in wanted
        ],
        fields=sorted(fields, key=lambda field: not field.is_needed),
        notice=notice,
        findings=[(labels.get(each.setting, each.setting), each) for each in findings],
    )


def chosen_language() -> str | None:
    """The one that the current request's address names; None where it names none that there is."""
    chosen = request.args.get(LANGUAGE, "")
    return chosen if chosen in CATALOGUES else None


def forms(vendor_name: str, lasts: timedelta, token: str, sections: Sequence[Section], status: int = 200) -> Response:
    """The page with the forms; it `lasts` so much longer."""
    minutes = -(-int(lasts.total_seconds()) // 60)
    return _page("settings.html", status, vendor_name=vendor_name, minutes=minutes, token=token, sections=sections)


def door(vendor_name: str) -> Response:
    """Before a ticket is used: whoever only previews an address uses nothing up."""
    return _page("settings_door.html", 200, vendor_name=vendor_name)


def refusal(status: int, title: str, text: str) -> Response:
    return _page("settings_refusal.html", status, title=title, text=text)


def _page(template: str, status: int, **values: object) -> Response:
    say = Words(chosen_language() or request.accept_languages.best_match(list(CATALOGUES)) or DEFAULT)
    html = render_template(template, say=say, languages=NAMES, **values)
    style = _STYLE.search(html)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
    }
    return Response(html, status, headers=headers, mimetype="text/html")


def _stored_at(provider: str, standing: Standing) -> str | None:
    """`20.11.2026 15:00`, which all languages of the page read the same."""
    if standing.stored is None or not standing.has_settings:
        return None
    return standing.stored.stored_at.astimezone(_ZONES.get(provider, UTC)).strftime("%d.%m.%Y %H:%M")

"""The page as HTML: words for people, a form per provider, never a value."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response, render_template

from contracts.states import Rail
from payment_adapter.providers.base import Finding, Setting
from payment_adapter.settings_page.book import Holder, Standing

TEMPLATES = "templates"

_PROVIDERS: Mapping[str, str] = {"mpesa": "M-Pesa", "ekwanza": "e-Kwanza"}
_RAILS: Mapping[Rail, str] = {
    Rail.MPESA_STK: "M-Pesa prompt on the customer’s phone",
    Rail.GPO: "Multicaixa Express prompt on the customer’s phone",
    Rail.EMIS_REF: "Multicaixa reference, paid at a cash machine or in a bank’s app",
    Rail.TICKET: "e-Kwanza ticket, paid by QR code or at an agent",
}
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `has_value`: something is stored for it, which nobody sees."""

    setting: Setting
    has_value: bool
    is_needed: bool
    problem: str

    @property
    def is_long(self) -> bool:
        """Text of several lines is pasted here."""
        return not self.setting.is_secret and "certificate" in self.setting.name


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
    stored_at: datetime | None
    can_be_opened: bool
    rails: list[RailLine]
    fields: list[Field]
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
        stored_at=standing.stored.stored_at if standing.stored is not None and standing.has_settings else None,
        can_be_opened=standing.can_be_opened,
        rails=[
            RailLine(_RAILS[rail], [labels.get(name, name) for name in names])
            for rail, names in standing.missing.items()
            if rail in wanted
        ],
        fields=fields,
        notice=notice,
        findings=[(labels.get(each.setting, each.setting), each) for each in findings],
    )


def forms(
    vendor_name: str, expires_at: datetime, token: str, sections: Sequence[Section], status: int = 200
) -> Response:
    """The page with the forms."""
    return _page(
        "settings.html", status, vendor_name=vendor_name, expires_at=expires_at, token=token, sections=sections
    )


def door(vendor_name: str) -> Response:
    """Before a ticket is used: whoever only previews an address uses nothing up."""
    return _page("settings_door.html", 200, vendor_name=vendor_name)


def refusal(status: int, title: str, text: str) -> Response:
    return _page("settings_refusal.html", status, title=title, text=text)


def _page(template: str, status: int, **values: object) -> Response:
    html = render_template(template, **values)
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

"""Opening, changing, suspending and listing shops, and switching what they may do. The API and the command line both
stand on this. Every `tx` is of the platform database; `by` says who asks, for the record of changes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Row, RowMapping, and_, false, or_, select, true, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import ErrorCode, FieldError
from contracts.ids import VendorId
from contracts.states import Capability
from kit.db import Tx, insert_new
from kit.paging import Place, paged
from kit.problems import Problem
from router.databases import IsolationLevel
from router.vendors.models import vendor_capabilities, vendor_limits, vendors
from router.vendors.recording import record_change
from router.vendors.rows import limits_in
from router.vendors.rules import CAPABILITY_NOTES, RateLimits, Switcher, VendorStatus
from router.vendors.wire import (
    CapabilityList,
    CapabilityView,
    LimitsChange,
    LimitsView,
    NewVendor,
    VendorChange,
    VendorDetail,
    VendorPage,
    VendorQuery,
)
from router.vendors.words import words_from

_WORDS_TRIED = 200


def open_vendor(
    tx: Tx, vendor_id: VendorId, wanted: NewVendor, now: datetime, *, by: str, target: Mapping[str, Any] | None
) -> VendorDetail:
    """Open a shop under this id. `target` is its own database, checked; None: it lives in the shared one.

    Raises Problem 409 shop_exists for an id or a word that is taken."""
    if tx.execute(select(vendors.c.id).where(vendors.c.id == vendor_id)).first() is not None:
        raise _id_taken(vendor_id)
    word = wanted.word or _free_word(tx, wanted.name)
    _check_word(tx, word, vendor_id)
    row = {
        "id": vendor_id,
        "name": wanted.name,
        "word": word,
        "isolation_level": IsolationLevel.SHARED_DB if target is None else IsolationLevel.DEDICATED_DB,
        "db_target": target,
        "currency": wanted.currency,
        "locale": wanted.locale,
        "timezone": wanted.timezone,
        "billing_anchor_day": wanted.billing_anchor_day,
        "created_at": now,
    }
    try:
        if not insert_new(tx, vendors, row, conflict=["word"]):
            raise _word_taken(word)
    except IntegrityError as error:
        raise _id_taken(vendor_id) from error
    record_change(tx, vendor_id, "shop", None, wanted.name, now, by=by)
    for capability in dict.fromkeys(wanted.capabilities):
        set_capability(tx, vendor_id, capability, enabled=True, now=now, by=by)
    return show_vendor(tx, vendor_id)


def change_vendor(tx: Tx, vendor_id: VendorId, change: VendorChange, now: datetime, *, by: str) -> VendorDetail:
    """Raises Problem 404 shop_unknown, 409 shop_exists for a word that is another shop's."""
    present = _locked(tx, vendor_id)
    changed = {name: value for name, value in change.values().items() if present[name] != value}
    if "word" in changed:
        _check_word(tx, changed["word"], vendor_id)
    if changed:
        try:
            tx.execute(update(vendors).where(vendors.c.id == vendor_id).values(changed))
        except IntegrityError as error:
            raise _word_taken(changed.get("word", present["id"])) from error
    for name, value in changed.items():
        record_change(tx, vendor_id, name, _text(present[name]), str(value), now, by=by)
    return show_vendor(tx, vendor_id)


def set_status(tx: Tx, vendor_id: VendorId, status: VendorStatus, now: datetime, *, by: str) -> VendorDetail:
    """Suspend or resume. A shop that is already there stays. Raises Problem 404 shop_unknown."""
    before = _locked(tx, vendor_id)["status"]
    if before != status:
        tx.execute(update(vendors).where(vendors.c.id == vendor_id).values(status=status))
        record_change(tx, vendor_id, "status", before, status, now, by=by)
    return show_vendor(tx, vendor_id)


def set_capability(
    tx: Tx, vendor_id: VendorId, capability: Capability, *, enabled: bool, now: datetime, by: str
) -> None:
    """Switch it on or off; the record says so only where that changed something."""
    row = {"vendor_id": vendor_id, "capability": capability, "enabled": enabled}
    if insert_new(tx, vendor_capabilities, row, conflict=["vendor_id", "capability"]):
        has_changed = enabled
    else:
        is_other = and_(
            vendor_capabilities.c.vendor_id == vendor_id,
            vendor_capabilities.c.capability == capability,
            vendor_capabilities.c.enabled.is_(false() if enabled else true()),
        )
        has_changed = tx.execute(update(vendor_capabilities).where(is_other).values(enabled=enabled)).rowcount == 1
    if has_changed:
        words = {True: "on", False: "off"}
        record_change(tx, vendor_id, f"capability {capability}", words[not enabled], words[enabled], now, by=by)


def set_limits(tx: Tx, vendor_id: VendorId, change: LimitsChange, now: datetime, *, by: str) -> LimitsView:
    """This shop's own limits, or (null) those of every shop. Raises Problem 404 shop_unknown."""
    _locked(tx, vendor_id)
    insert_new(tx, vendor_limits, {"vendor_id": vendor_id}, conflict=["vendor_id"])
    is_its = vendor_limits.c.vendor_id == vendor_id
    present = tx.execute(select(vendor_limits).where(is_its)).mappings().one()
    wanted = {name: getattr(change, name) for name in change.model_fields_set}
    changed = {name: value for name, value in wanted.items() if present[name] != value}
    if changed:
        tx.execute(update(vendor_limits).where(is_its).values(changed))
    for name, value in changed.items():
        record_change(tx, vendor_id, name, _text(present[name]), _text(value), now, by=by)
    return show_vendor(tx, vendor_id).limits


def show_vendor(tx: Tx, vendor_id: VendorId) -> VendorDetail:
    """Raises Problem 404 shop_unknown."""
    row = tx.execute(select(vendors).where(vendors.c.id == vendor_id)).one_or_none()
    if row is None:
        raise _unknown()
    return _details(tx, [row])[0]


def list_vendors(tx: Tx, wanted: VendorQuery) -> VendorPage:
    """Shops in the order of their ids, which is that of their opening where the platform made them up."""
    statement = select(vendors).order_by(vendors.c.id).limit(wanted.limit + 1)
    if wanted.cursor is not None:
        statement = statement.where(vendors.c.id > wanted.cursor.id)
    if wanted.status is not None:
        statement = statement.where(vendors.c.status == wanted.status)
    if wanted.isolation is not None:
        statement = statement.where(vendors.c.isolation_level == wanted.isolation)
    if wanted.word:
        begins = wanted.word.casefold()
        is_id = and_(vendors.c.word.is_(None), vendors.c.id.startswith(begins, autoescape=True))
        statement = statement.where(or_(vendors.c.word.startswith(begins, autoescape=True), is_id))
    page, next_cursor = paged(tx.execute(statement).all(), wanted.limit, lambda row: Place(0, row.id))
    return VendorPage(vendors=_details(tx, page), next_cursor=next_cursor)


def capabilities_of(tx: Tx, vendor_id: VendorId) -> CapabilityList:
    """Every capability there is, on or off for this shop."""
    enabled = set(
        tx.execute(
            select(vendor_capabilities.c.capability).where(
                vendor_capabilities.c.vendor_id == vendor_id, vendor_capabilities.c.enabled.is_(true())
            )
        ).scalars()
    )
    return CapabilityList(
        capabilities=[
            CapabilityView(
                capability=capability,
                enabled=capability in enabled,
                meaning=note.meaning,
                switched_by=note.switched_by,
            )
            for capability, note in CAPABILITY_NOTES.items()
        ]
    )


def known_capability(name: str) -> Capability:
    """Raises Problem 404 capability_unknown, with the list of those that are."""
    try:
        return Capability(name)
    except ValueError:
        every = [capability.value for capability in Capability]
        detail = f"there is no capability of this name; there are {', '.join(every)}"
        raise Problem(404, ErrorCode.CAPABILITY_UNKNOWN, detail, capabilities=every) from None


def check_shop_may_switch(capability: Capability) -> None:
    """Raises Problem 403 forbidden for what only an operator decides."""
    if CAPABILITY_NOTES[capability].switched_by is Switcher.OPERATOR:
        raise Problem(403, ErrorCode.FORBIDDEN, f"{capability} is switched by an operator of the platform: ask them")


def _locked(tx: Tx, vendor_id: VendorId) -> RowMapping:
    row = tx.execute(select(vendors).where(vendors.c.id == vendor_id).with_for_update()).mappings().one_or_none()
    if row is None:
        raise _unknown()
    return row


def _check_word(tx: Tx, word: str, vendor_id: VendorId) -> None:
    if word in _taken(tx, [word], except_for=vendor_id):
        raise _word_taken(word)


def _taken(tx: Tx, words: list[str], *, except_for: VendorId | None = None) -> set[str]:
    """Which of these words a shop answers to. One without a word answers to its id."""
    answers = or_(vendors.c.word.in_(words), and_(vendors.c.word.is_(None), vendors.c.id.in_(words)))
    found = select(vendors.c.id, vendors.c.word).where(answers, vendors.c.id != (except_for or ""))
    return {row.word or row.id for row in tx.execute(found)}


def _free_word(tx: Tx, name: str) -> str:
    """The shortest word from this name that is free. Raises Problem 409 where a great many are taken."""
    candidates = list(islice(words_from(name), _WORDS_TRIED))
    taken = _taken(tx, candidates)
    for word in candidates:
        if word not in taken:
            return word
    raise Problem(409, ErrorCode.SHOP_EXISTS, "no word from this name is free: send one as `word`", taken="word")


def _details(tx: Tx, rows: Sequence[Row[Any]]) -> list[VendorDetail]:
    ids = [row.id for row in rows]
    enabled: dict[str, list[str]] = {}
    switched_on = select(vendor_capabilities).where(
        vendor_capabilities.c.vendor_id.in_(ids), vendor_capabilities.c.enabled.is_(true())
    )
    for row in tx.execute(switched_on):
        enabled.setdefault(row.vendor_id, []).append(row.capability)
    with_own = tx.execute(select(vendor_limits).where(vendor_limits.c.vendor_id.in_(ids)))
    limits = {row.vendor_id: limits_in(row) for row in with_own}
    return [_detail(row, enabled.get(row.id, []), limits.get(row.id, RateLimits())) for row in rows]


def _detail(row: Row[Any], capabilities: list[str], limits: RateLimits) -> VendorDetail:
    return VendorDetail(
        id=row.id,
        name=row.name,
        word=row.word or row.id,
        status=VendorStatus(row.status),
        isolation_level=IsolationLevel(row.isolation_level),
        currency=row.currency,
        locale=row.locale,
        timezone=row.timezone,
        billing_anchor_day=row.billing_anchor_day,
        paybill=row.paybill or None,
        till=row.till or None,
        capabilities=sorted(capabilities),
        limits=LimitsView(**asdict(limits)),
        created_at=row.created_at,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _unknown() -> Problem:
    return Problem(404, ErrorCode.SHOP_UNKNOWN, "there is no shop with this id")


def _id_taken(vendor_id: str) -> Problem:
    detail = f"there is a shop with the id {vendor_id} already; leave the id out and one is made up"
    return Problem(409, ErrorCode.SHOP_EXISTS, detail, errors=[FieldError(field="id", problem="taken")], taken="id")


def _word_taken(word: str) -> Problem:
    detail = f"another shop answers to {word}; choose another word, or leave it out and one is made from the name"
    errors = [FieldError(field="word", problem="taken")]
    return Problem(409, ErrorCode.SHOP_EXISTS, detail, errors=errors, taken="word")

"""What the payment adapter tells of each shop's rails: kept as it comes, the newest set of settings counting.

Every `tx` is of the platform database."""

from sqlalchemy import and_, or_, select, update

from contracts.payment_api import RailsNews
from contracts.states import RAIL_CAPABILITY, Rail
from kit.db import Tx, insert_new
from router.vendors.models import vendor_rails
from router.vendors.rules import CAPABILITY_NOTES, Vendor, fitting_rails, rails_of
from router.vendors.wire import RailList, RailView


def apply_news(tx: Tx, news: RailsNews) -> bool:
    """Keep what is told of each rail. News of an older set, or older news of the same one, changes nothing; returns
    whether it told anything new. The shop need not be known: it may be opened later."""
    told = [(rail, True, list[str]()) for rail in news.ready]
    told += [(rail, False, missing) for rail, missing in news.missing.items() if rail not in news.ready]
    is_new = [_keep(tx, news, rail, is_ready=is_ready, missing=missing) for rail, is_ready, missing in told]
    return any(is_new)


def rails_told(tx: Tx, vendor: Vendor) -> RailList:
    """Every rail that charges in the shop's currency: whether it is offered, and what it lacks."""
    rows = {row.rail: row for row in tx.execute(select(vendor_rails).where(vendor_rails.c.vendor_id == vendor.id))}
    offered = rails_of(vendor)
    views: list[RailView] = []
    for rail in fitting_rails(vendor.currency):
        row = rows.get(rail)
        views.append(
            RailView(
                rail=rail,
                meaning=CAPABILITY_NOTES[RAIL_CAPABILITY[rail]].meaning,
                capability=RAIL_CAPABILITY[rail],
                is_enabled=RAIL_CAPABILITY[rail] in vendor.capabilities,
                is_ready=row is not None and row.is_ready,
                is_offered=rail in offered,
                missing=None if row is None else row.missing,
            )
        )
    return RailList(rails=views)


def _keep(tx: Tx, news: RailsNews, rail: Rail, *, is_ready: bool, missing: list[str]) -> bool:
    values = {
        "provider": news.provider,
        "version": news.version,
        "is_ready": is_ready,
        "missing": missing,
        "announced_at": news.occurred_at,
    }
    row = {"vendor_id": news.vendor_id, "rail": rail, **values}
    if insert_new(tx, vendor_rails, row, conflict=["vendor_id", "rail"]):
        return True
    is_newer = or_(
        vendor_rails.c.version < news.version,
        and_(vendor_rails.c.version == news.version, vendor_rails.c.announced_at < news.occurred_at),
    )
    which = and_(vendor_rails.c.vendor_id == news.vendor_id, vendor_rails.c.rail == rail)
    return tx.execute(update(vendor_rails).where(which, is_newer).values(values)).rowcount == 1

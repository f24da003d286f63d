"""A shop's own database when the shop is opened: whether this installation may follow its `db_target`, and whether the
database lets us in. Its tables are made by `dukani migrate`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from contracts.errors import ErrorCode, FieldError
from contracts.ids import VendorId
from kit.problems import Problem
from kit.settings import Settings
from router.dedicated import Tenants
from router.targets import Access, DbTarget, TargetError, check_target, parse_target

_CONNECTIONS = 2

_MEANINGS = {
    "28P01": "it refuses the user or the password",
    "28000": "it refuses the user",
    "3D000": "there is no database of this name",
}


def checked_target(
    settings: Settings, vendor_id: VendorId, document: Mapping[str, Any] | str, *, via_api: bool
) -> Mapping[str, Any]:
    """The target as it is written down, after it was tried. Connects, so no transaction may be open.

    Raises Problem 422 that names the field, or says why the database could not be used."""
    try:
        target = parse_target(document)
        check_target(target, settings, vendor_id=vendor_id, via_api=via_api)
    except TargetError as error:
        errors = [FieldError(field=f"db_target.{each.field}", problem=each.problem) for each in error.errors]
        detail = "db_target can't be used as it is; see errors"
        raise Problem(422, ErrorCode.INVALID_REQUEST, detail, errors=errors) from error
    _try(settings, vendor_id, target)
    return target.stored()


def _try(settings: Settings, vendor_id: VendorId, target: DbTarget) -> None:
    # Of its own, so that a try that fails is not held against a shop that is served.
    tenants = Tenants(Access.of(settings), ceiling=_CONNECTIONS)
    try:
        with tenants.database(vendor_id, target, is_visit=True).read() as tx:
            tx.execute(text("SELECT 1"))
    except (Problem, DBAPIError) as error:
        cause = error.__cause__ if isinstance(error, Problem) else error
        state = getattr(getattr(cause, "orig", None), "sqlstate", None)
        why = _MEANINGS.get(state or "", "it can't be reached, or does not answer in time")
        problem = FieldError(field="db_target", problem=why)
        detail = f"the shop was not opened: its database was tried, and {why}"
        raise Problem(422, ErrorCode.INVALID_REQUEST, detail, errors=[problem]) from error
    finally:
        tenants.close()

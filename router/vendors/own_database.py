"""A shop's own database when the shop is opened: whether this installation may follow its `db_target`, and whether the
database lets us in. Its tables are made by `dukani migrate`."""

from collections.abc import Mapping
from typing import Any

from contracts.errors import ErrorCode, FieldError
from contracts.ids import VendorId
from kit.problems import Problem
from kit.settings import Settings
from router.inspection import inspect_target
from router.targets import Access, DbTarget, TargetError, check_target, parse_target


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
    report = inspect_target(target, Access.of(settings), vendor_id=vendor_id)
    if not report.is_let_in:
        why = " ".join(report.what_to_do)
        problem = FieldError(field="db_target", problem=why)
        detail = f"the shop was not opened: its database was tried. {why}"
        raise Problem(422, ErrorCode.INVALID_REQUEST, detail, errors=[problem])

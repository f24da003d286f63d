"""The databases of a move, from the settings: the shared one as the role that owns its tables, a vendor's own by its
target, prepared as any dedicated database is."""

from dataclasses import dataclass
from typing import Any

import router.app  # every room's tables: what is moved is what they name
from contracts.ids import VendorId
from dukani.migrate import fit_of, newest
from dukani.migrate_worker import carry_out
from dukani.migration_error import MigrationError
from dukani.migrations_plan import dedicated_job
from dukani.revisions import Fit
from kit.db import Database
from kit.settings import Settings
from router.databases import IsolationLevel
from router.moving.service import Ends, MoveRefused
from router.targets import Access, DbTarget, TargetError, TargetType, check_target, parse_target
from router.vendors.homes import Home, dedicated_homes

assert router.app


def destination(settings: Settings, vendor_id: VendorId, document: str) -> Home:
    """Where the vendor is to live, from the JSON of a db_target. Raises MoveRefused."""
    try:
        target = parse_target(document)
        check_target(target, settings, vendor_id=vendor_id, via_api=False)
    except TargetError as error:
        raise MoveRefused(str(error)) from error
    return Home(IsolationLevel.DEDICATED_DB, target.stored())


@dataclass(frozen=True, slots=True)
class _Doors:
    settings: Settings
    access: Access
    platform: Database

    def open(self, vendor_id: VendorId, home: Home) -> Database:
        return Database(self._url(vendor_id, home), pool_size=1, overflow=0)

    def prepare(self, vendor_id: VendorId, home: Home) -> None:
        """Make or complete the tables of a vendor's own database; the shared one must be up to date already."""
        shared = self.settings.migration_urls["ops"]
        if fit_of("ops", shared) is not Fit.CURRENT:
            raise MoveRefused(f"the shared ops database is not at revision {newest('ops')}: run dukani migrate first")
        target = _parsed(home)
        self._check_nobody_else_lives_there(vendor_id, target)
        if target.type is TargetType.SQLITE:
            # Opening one that is missing is an error everywhere else: it would be a new and empty shop.
            path = (self.settings.data_dir / target.database).resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        try:
            outcome = carry_out(dedicated_job(self.access, vendor_id, home).order())
        except MigrationError as error:
            raise MoveRefused(str(error)) from error
        if outcome.error is not None:
            raise MoveRefused(f"the target could not be prepared: {outcome.error}")

    def _url(self, vendor_id: VendorId, home: Home) -> str:
        if home.is_shared:
            return self.settings.migration_urls["ops"]
        try:
            return self.access.url(_parsed(home), vendor_id).render_as_string(hide_password=False)
        except TargetError as error:
            raise MoveRefused(str(error)) from error

    def _check_nobody_else_lives_there(self, vendor_id: VendorId, target: DbTarget) -> None:
        with self.platform.read() as tx:
            homes = dedicated_homes(tx)
        for other, home in homes:
            if other != vendor_id and _place(home.target) == _place(target.stored()):
                raise MoveRefused(f"{other} lives in that database: a dedicated one is for one vendor")


def ends_of(settings: Settings) -> Ends:
    """Close its `platform` when done."""
    platform = Database(settings.migration_urls["platform"], pool_size=2)
    doors = _Doors(settings, Access.of(settings), platform)
    return Ends(platform, doors.open, doors.prepare, settings.clock())


def _parsed(home: Home) -> DbTarget:
    try:
        return parse_target(home.target)
    except TargetError as error:
        raise MoveRefused(str(error)) from error


def _place(target: Any) -> tuple[str, str, int, str] | None:
    try:
        parsed = parse_target(target)
    except TargetError:
        return None
    return (parsed.type, parsed.host.casefold(), parsed.port, parsed.database)

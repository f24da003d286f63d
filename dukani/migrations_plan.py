"""Which databases there are to migrate, and under whose name: the four, and those of vendors with one of their own."""

from collections.abc import Callable, Iterable, Sequence

from contracts.ids import VendorId
from dukani.migrate import grantee
from dukani.migrate_worker import Order
from dukani.migration_error import MigrationError
from dukani.migration_records import open_records
from dukani.migrations_run import PARALLEL, Job, Run, Watcher
from kit.db import Database
from kit.settings import Settings
from router.targets import Access, TargetError, parse_target
from router.vendors.homes import Home, dedicated_homes


def migrate_lineages(settings: Settings, lineages: Iterable[str], watcher: Watcher) -> Run:
    """Migrate these of the four, one after the other. What was done is recorded where the platform database can."""
    run = Run(open_records(settings), watcher)
    for lineage in lineages:
        outcome = run.do(_job(settings, lineage))
        if run.records is None:
            # Until the platform database is migrated nobody can keep records, not even of that very migration.
            run.records = open_records(settings)
            if run.records is not None:
                run.records.end(run.records.begin(lineage), outcome)
    return run


def migrate_dedicated(
    run: Run,
    jobs: Sequence[Job],
    *,
    parallel: int = PARALLEL,
    despite_canary: bool = False,
    say: Callable[[str], None],
) -> int:
    """Migrate these databases of vendors. Returns how many were left alone because the canary failed."""
    canary, rest = run.canary(jobs)
    if canary is None or not rest:
        return 0
    if canary.error is not None and not despite_canary:
        return len(rest)
    say(f"{canary.name} went first; now the other {len(rest)}, up to {parallel} at a time.")
    run.all_of(rest, parallel)
    return 0


def dedicated_jobs(settings: Settings) -> list[Job]:
    """Every registered dedicated database. Raises DBAPIError for a platform database that can't be used."""
    platform = Database(settings.platform_database_url, pool_size=1)
    try:
        with platform.read() as tx:
            homes = dedicated_homes(tx)
    finally:
        platform.close()
    access = Access.of(settings)
    return [dedicated_job(access, vendor_id, home) for vendor_id, home in homes]


def dedicated_job(access: Access, vendor_id: VendorId, home: Home) -> Job:
    """One vendor's own database, as the ops lineage makes it."""

    def order() -> Order:
        try:
            url = access.url(parse_target(home.target), vendor_id)
        except TargetError as error:
            raise MigrationError(f"{vendor_id}: {error}") from error
        rendered = url.render_as_string(hide_password=False)
        return Order(name, "ops", rendered, None, f"the db_target of {vendor_id}", is_dedicated=True)

    name = f"tenant:{vendor_id}"
    return Job(name, order)


def _job(settings: Settings, lineage: str) -> Job:
    url = settings.migration_urls[lineage]
    granted_to = grantee(settings, lineage)
    setting = f"{lineage.upper()}_DATABASE_URL" if granted_to is None else f"{lineage.upper()}_MIGRATION_URL"
    return Job(lineage, lambda: Order(lineage, lineage, url, granted_to, setting))

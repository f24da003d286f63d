"""`dukani migrate`: brings every database, or the ones that are named, up to date, and shows what was done to each."""

import click

from dukani.prepare import LINEAGES, CannotStart, make_data_dir, migrate_all
from kit.settings import Settings, load_settings, tenant_database_url

TENANT = "tenant"


@click.command()
@click.option(
    "--env",
    "environments",
    type=click.Choice((*LINEAGES, TENANT)),
    multiple=True,
    help="Only this database; may be given several times. `tenant` is one vendor's own, at DATABASE_URL.",
)
@click.option("--all", "is_all", is_flag=True, help="The four, and the own database of every vendor that has one.")
@click.option(
    "--parallel", type=click.IntRange(1, 32), default=4, show_default=True, help="With --all: how many at once."
)
@click.option("--keep-going", is_flag=True, help="With --all: go on though the first vendor's database failed.")
@click.option("--grant-to", metavar="ROLE", help="With --env tenant: the role that the shop will connect as.")
@click.option("--status", "is_status", is_flag=True, help="Show how far each database is, and change nothing.")
def migrate(
    environments: tuple[str, ...], is_all: bool, parallel: int, keep_going: bool, grant_to: str | None, is_status: bool
) -> None:
    """Create or bring up to date the tables of each database; without an option, of the four.

    One that fails is left as it was and harms no other; the same command again goes on where this one stopped."""
    if is_all and environments:
        raise click.UsageError("--all names every database: leave --env out")
    if grant_to and TENANT not in environments:
        raise click.UsageError("--grant-to goes with --env tenant; the four grant to the role of their ordinary URL")
    if is_status:
        _show_status(load_settings())
        return
    if TENANT in environments:
        _migrate_tenant(grant_to)
    lineages = [lineage for lineage in LINEAGES if lineage in environments]
    if is_all:
        _migrate_everything(parallel, keep_going)
    elif lineages or not environments:
        settings = load_settings()
        make_data_dir(settings)
        migrate_all(settings, lineages or LINEAGES, click.echo)


def _migrate_tenant(grant_to: str | None) -> None:
    """Needs no setting but DATABASE_URL."""
    from dukani.migrate import bring_up_to_date
    from dukani.migration_error import MigrationError

    url = tenant_database_url()
    try:
        migrated = bring_up_to_date("ops", url, grant_to=grant_to, is_dedicated=True, setting="DATABASE_URL")
    except MigrationError as error:
        raise CannotStart(str(error)) from error
    for step in migrated.steps:
        click.echo(f"{TENANT}: {step.revision} {step.title}")
    if not migrated.steps:
        click.echo(f"{TENANT}: up to date")


def _migrate_everything(parallel: int, keep_going: bool) -> None:
    from dukani.migrations_plan import dedicated_jobs, migrate_dedicated, migrate_lineages
    from dukani.migrations_shown import Progress, Steps

    settings = load_settings()
    make_data_dir(settings)
    run = migrate_lineages(settings, LINEAGES, Steps(click.echo))
    try:
        if any(outcome.name == "platform" for outcome in run.failed):
            raise CannotStart(f"{run.failed[0].error}\nIt says which databases vendors have: none of those was tried.")
        jobs = dedicated_jobs(settings)
        if not jobs:
            click.echo("No vendor has a database of its own.")
        run.watcher = Progress(len(jobs))
        untouched = migrate_dedicated(run, jobs, parallel=parallel, despite_canary=keep_going, say=click.echo)
    except KeyboardInterrupt:
        done = len(run.outcomes)
        raise CannotStart(f"\nStopped after {done} databases. The same command again goes on from there.") from None
    finally:
        run.close()
    problems = sorted(f"{outcome.name}: {outcome.error}" for outcome in run.failed)
    if untouched:
        problems.append(
            f"{run.outcomes[-1].name} went first and failed, so the other {untouched} were not touched. "
            "Mend what it says above and run this again, or run it with --keep-going."
        )
    elif problems:
        problems.append(f"{len(run.failed)} failed and are as they were; the others are up to date. Mend, run again.")
    if problems:
        raise CannotStart("\n".join(problems))


def _show_status(settings: Settings) -> None:
    from sqlalchemy.exc import DBAPIError

    from dukani.migrate import newest
    from dukani.migration_records import latest
    from dukani.migrations_plan import dedicated_jobs
    from dukani.migrations_shown import took, way
    from kit.db import Database

    make_data_dir(settings)
    platform = Database(settings.platform_database_url, pool_size=1)
    try:
        records = {record.database: record for record in latest(settings, platform)}
        names = [*LINEAGES, *(job.name for job in dedicated_jobs(settings))]
    except DBAPIError as error:
        raise CannotStart("The platform database holds no records yet: run dukani migrate.") from error
    finally:
        platform.close()
    width = max(len(name) for name in (*names, *records))
    for name in dict.fromkeys((*names, *records)):
        record = records.get(name)
        if record is None:
            click.echo(f"{name:<{width}}  never migrated from here")
            continue
        wanted = newest(name if name in LINEAGES else "ops")
        told = [f"{record.status:<11}", way(record.before, record.after)]
        told += [record.started_at.isoformat(" ", "seconds")]
        told += [took(record.duration_ms)] if record.duration_ms is not None else []
        told += [f"behind: {wanted} is the newest"] if record.after not in (wanted, None) else []
        told += [record.error] if record.error else []
        click.echo(f"{name:<{width}}  {'  '.join(told)}")

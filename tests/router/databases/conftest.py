"""Dedicated databases of invented vendors, as files or as servers that misbehave."""

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest

from contracts.ids import VendorId
from router.dedicated import DedicatedDatabase, Tenants
from router.targets import Access, DbTarget
from tests.support.tenants import OWN, Watch, settings_in, sqlite_target


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access.of(settings_in(tmp_path), {})


@pytest.fixture
def tenants(access: Access, watch: Watch) -> Generator[Tenants]:
    with closing(Tenants(access, ceiling=60, monotonic=watch)) as tenants:
        yield tenants


@pytest.fixture
def file_of(tmp_path: Path, sqlite_templates: Callable[[str], Path]) -> Callable[[str], DbTarget]:
    """A migrated file of that vendor's own."""
    return lambda vendor_id: sqlite_target(tmp_path, sqlite_templates, vendor_id)


@pytest.fixture
def own(tenants: Tenants, file_of: Callable[[str], DbTarget]) -> DedicatedDatabase:
    return tenants.database(VendorId(OWN), file_of(OWN))

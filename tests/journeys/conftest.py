"""A running shop and the phones of its customers."""

from collections.abc import Generator

import pytest

from dukani.processes import Process
from tests.journeys.books import Books
from tests.support.phone import Phone
from tests.support.processes import Shop


@pytest.fixture
def phone(shop: Shop) -> Generator[Phone]:
    phone = Phone(shop.url(Process.SIMULATORS))
    yield phone
    phone.close()


@pytest.fixture
def books(shop: Shop) -> Generator[Books]:
    books = Books(shop.settings)
    yield books
    books.close()

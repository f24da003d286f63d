"""Thousands of requests from the document itself: none is answered by a failure, and every answer is as described."""

from collections.abc import Generator
from pathlib import Path

import pytest

from contracts.errors import ErrorCode
from kit.clock import FixedClock
from router.edge import NoLimits
from router.operations import Operation
from router.reference.refusals import refusals
from tests.support.campaign import Campaign, Disguise, Persona
from tests.support.counter import Counter, make_counter
from tests.support.databases import NewDatabase
from tests.support.one_of_everything import IDS
from tests.support.vendor_api import vendor_api


@pytest.fixture
def shop(
    new_database: NewDatabase, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names_are_known: None
) -> Generator[Counter]:
    """A shop with one of everything, which may be asked as often as anybody likes."""

    def no_limits(_redis_url: str | None) -> NoLimits:
        return NoLimits()

    monkeypatch.setattr("router.app.RateLimiter", no_limits)
    yield from make_counter(new_database, clock, tmp_path)


def known_things(shop: Counter) -> dict[str, str]:
    shop.put("milk", on_hand=1_000_000)
    other = shop.open_shop("vendor-baraka", "Baraka Kitchen")
    api = vendor_api(shop)
    ids = {name: make(shop, api) for name, make in IDS.items()}
    code = api.get(f"/api/v1/orders/{ids['order_id']}").body["code"]
    return {**ids, "item_id": "milk", "vendor_id": other, "capability": "commerce.links", "code": code, "word": "mama"}


EXAMPLES = {Persona.BOT: 20, Persona.VENDOR: 12, Persona.OPERATOR: 10, Persona.NOBODY: 3}
"""Requests of each of two kinds, by the document and against it, for each operation that is for this persona."""


def run(shop: Counter, persona: Persona, examples: int, *, seed: int = 0) -> Campaign:
    known = known_things(shop)
    token = vendor_api(shop).token if persona is Persona.VENDOR else ""
    campaign = Campaign.of(Disguise(shop, persona, token), known, examples, seed=seed)
    campaign.run()
    return campaign


@pytest.mark.parametrize("persona", Persona)
def test_every_answer_is_as_the_document_says(shop: Counter, persona: Persona) -> None:
    # What PostgreSQL refuses (such as NUL in a text) SQLite takes: there it is enough to see that it works at all.
    campaign = run(shop, persona, EXAMPLES[persona] if shop.db.is_postgres else EXAMPLES[persona] // 3)
    assert campaign.failures == []
    asked = campaign.statuses.total()
    assert asked > (200 if persona is Persona.NOBODY else 250)
    assert campaign.statuses[500] == 0
    if persona is not Persona.NOBODY:
        assert campaign.statuses[200] > asked / 20, campaign.statuses


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("persona", [Persona.BOT, Persona.VENDOR, Persona.OPERATOR])
def test_every_answer_of_a_long_campaign_is_as_the_document_says(shop: Counter, persona: Persona, seed: int) -> None:
    campaign = run(shop, persona, 100, seed=seed + 1)
    assert campaign.failures == []
    assert campaign.statuses[500] == 0


def test_a_campaign_notices_what_the_document_does_not_say(shop: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_422(operation: Operation) -> dict[int, list[ErrorCode]]:
        return {status: codes for status, codes in refusals(operation).items() if status != 422}

    monkeypatch.setattr("router.reference.document.refusals", without_422)
    campaign = Campaign.of(Disguise(shop, Persona.VENDOR, vendor_api(shop).token), {}, 10)
    campaign.schema = campaign.schema.include(operation_id="vendor.orders.create")
    campaign.run()
    assert len(campaign.failures) > 0
    assert "Undocumented status code" in campaign.failures[0]

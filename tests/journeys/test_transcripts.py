"""What the bot says, whole conversations of it, in three languages (tests/transcripts): as they stand, and with one
order, one charge and one receipt also where messages come twice, in another order, or news of the money late."""

from collections.abc import Generator
from pathlib import Path

import pytest

from dukani.processes import Process
from dukani.transcript_people import People
from dukani.transcript_player import Phones
from dukani.transcripts import read
from dukani.up import make_contents
from simulators.transcript import Transcript, write
from tests.support.canaries import OURS, check_logs, own_keys
from tests.support.processes import Shop
from tests.support.transcripts import Disorder, Ledger, Street, files, is_purchase, swaps


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Generator[Street]:
    """One shop for all of them, with buttons and lists; each chat is with somebody who never talked to it."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.prepare()
    ledger = Ledger(shop.settings)
    ledger.stock_up()
    try:
        shop.start()
        make_contents(shop.settings)
        phones, people = Phones(shop.url(Process.SIMULATORS)), People(shop.url(Process.ROUTER))
        yield Street(phones, people, ledger)
        phones.close()
        people.close()
    finally:
        ledger.close()
        shop.stop_all()
    check_logs({process: shop.log(process) for process in OURS}, own_keys(shop.settings))


def is_swappable(chat: Transcript) -> bool:
    return is_purchase(chat) and bool(swaps(chat))


def test_the_shop_says_what_the_transcripts_say(street: Street) -> None:
    wrong = street.run_all(Disorder.NONE, lambda chat: True)
    assert not wrong, "\n".join(wrong)


def test_a_message_that_comes_twice_changes_no_word(street: Street) -> None:
    wrong = street.run_all(Disorder.TWICE, lambda chat: True)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("disorder", [Disorder.SWAPPED, Disorder.BOTH])
def test_wishes_that_change_places_end_in_the_same_receipt(street: Street, disorder: Disorder) -> None:
    wrong = street.run_all(disorder, is_swappable)
    assert not wrong, "\n".join(wrong)


def test_news_of_the_money_that_is_late_changes_no_word(street: Street) -> None:
    wrong = street.run_all(Disorder.LATE, is_purchase)
    assert not wrong, "\n".join(wrong)


def test_every_language_has_a_purchase_whose_wishes_change_places() -> None:
    chats = [read(file.read_text(encoding="utf-8")) for file in files()]
    assert {chat.language for chat in chats if is_swappable(chat)} == {"en", "sw", "pt"}


@pytest.mark.parametrize("file", files(), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_transcript_is_written_as_the_recorder_writes_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert write(read(text)) == text
    assert read(text).language == file.parent.name

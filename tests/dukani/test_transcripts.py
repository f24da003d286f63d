"""Transcripts as text: what differs each time is put aside, everything else is compared word for word."""

from dataclasses import replace
from typing import Any

import pytest

from dukani.transcripts import BadTranscript, Placeholders, differences, read, told_by
from simulators.transcript import Transcript, write

WHO = "Achieng, 254708374149"


def chat(*entries: dict[str, Any], who: str = WHO) -> Transcript:
    return Transcript("Mama Njeri", "en", who, entries)


def test_what_differs_each_time_is_told_by_placeholders_and_the_rest_as_it_is() -> None:
    said = chat(
        {"customer": "PAY K7M2XP"},
        {"customer": "PAY K7M4XP"},
        {
            "shop": "Order *K7M4XP*, not *Q9T3WY*: KES 123,456 until 22 Nov, 11:05 PM.\nWe ask 0708 374 149.",
            "buttons": ["K7M4XP"],
        },
        {"shop": "Paid: *QJH3T6Y7LP*, 05/12, 09:30, *THIBITISHA*. https://pay.example/r/abc?x=1"},
        {"shop": "Referência: *123 456 789*"},
        {"phone": "Multicaixa Express asks for AOA 5 to X, reference WY3T6JKQM3WCDR6: PIN entered"},
    )
    assert told_by(said).chat == [
        {"customer": "PAY K7M2XP"},  # there is no 2 in a code
        {"customer": "PAY {code}"},
        {
            "shop": "Order *{code}*, not *{code 2}*: KES 123,456 until {time}.\nWe ask {number}.",
            "buttons": ["{code}"],
        },
        {"shop": "Paid: *{receipt}*, {time}, *THIBITISHA*. {link}"},
        {"shop": "Referência: *{reference}*"},
        {"phone": "Multicaixa Express asks for AOA 5 to X, reference {payment}: PIN entered"},
    ]


def test_a_customer_types_what_the_placeholders_stand_for() -> None:
    known = Placeholders("254708374149")
    known.put("*K7M4XP* and *Q9T3WY*")
    assert known.fill("PAY {code 2} from {number}, {smile}") == "PAY Q9T3WY from 254708374149, {smile}"
    with pytest.raises(BadTranscript, match=r"\{receipt\} is typed before the shop has told it"):
        known.fill("{receipt}")


def test_a_word_that_differs_is_shown_with_its_line() -> None:
    before = chat({"customer": "PAY"}, {"shop": "Check your phone\nnow"})
    after = replace(chat({"customer": "PAY"}, {"shop": "Look at your phone\nnow"}), who="Baraka, 254700000001")
    assert differences(before, replace(before, who="Baraka, 254700000001")) == []
    lines = differences(before, after)
    assert [line for line in lines if line[0] in "+-"][2:] == ["-      Check your phone", "+      Look at your phone"]


def test_the_same_code_has_to_come_back() -> None:
    expected = chat({"shop": "Order {code}"}, {"shop": "Order {code} is paid"})
    assert differences(expected, told_by(chat({"shop": "Order K7M4XP"}, {"shop": "Order K7M4XP is paid"}))) == []
    assert differences(expected, told_by(chat({"shop": "Order K7M4XP"}, {"shop": "Order Q9T3WY is paid"})))


def test_what_was_written_is_read_as_it_was() -> None:
    one = chat(
        {"customer": "2"},
        {"wait": "2 h"},
        {"shop": "Yes\n\nno", "list": ["1 kg", "on"], "picture": True},
        {"shop": "a", "undelivered": 63016},
    )
    assert read(write(one)) == replace(one, chat=list(one.chat))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no YAML"),
        ("- 1", "expected shop, language, who and chat"),
        ("shop: a\nlanguage: en\nchat: []", "who: expected a text"),
        ("shop: a\nlanguage: en\nwho: b\nchat: 1", "a list called chat"),
        ("shop: a\nlanguage: en\nwho: b\nchat: []\nmore: 1", "nothing else"),
        ("shop: a\nlanguage: en\nwho: b\nchat:\n  - seller: x", "entry 1 of the chat: expected one of customer"),
        ("shop: a\nlanguage: en\nwho: b\nchat:\n  - customer: yes", "entry 1 of the chat: customer: expected a text"),
    ],
)
def test_a_file_that_is_no_transcript_says_where_and_what_would_be_right(text: str, words: str) -> None:
    with pytest.raises(BadTranscript, match=words):
        read(text)

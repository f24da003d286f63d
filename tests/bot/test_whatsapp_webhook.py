"""What Twilio posts is either a message that counts once, or refused without a trace."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from bot.inbound import twilio
from bot.inbound.forms import said
from kit.clock import FixedClock
from tests.support.bot import ACHIENG, BARAKA, HIDDEN, PUBLIC_URL, SHOP, TOKEN, BotUnderTest, sid


def test_a_message_is_stored_and_answered_with_empty_twiml(bot: BotUnderTest) -> None:
    form = bot.form("hello")
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + twilio.PATH, form)
    answer = bot.client.post(twilio.PATH, data=form, headers={"X-Twilio-Signature": signature})
    assert (answer.status_code, answer.mimetype) == (200, "text/xml")
    assert answer.text.endswith("<Response/>")
    assert [row["item_id"] for row in bot.rows("SELECT item_id FROM inbox")] == [sid(1)]


def test_the_raw_form_is_kept(bot: BotUnderTest) -> None:
    bot.hears("ndizi & mayai", ReferralBody="An ad")
    (row,) = bot.rows("SELECT content FROM inbox")
    assert row["content"] == urlencode(bot.form("ndizi & mayai", number=1, ReferralBody="An ad"))


def test_a_parameter_changed_on_the_way_is_refused(bot: BotUnderTest) -> None:
    form = bot.form("ADD 1")
    assert bot.post(twilio.PATH, {**form, "Body": "ADD 9"}, signed_as=form) == 403
    assert bot.rows("SELECT * FROM inbox") == []


def test_a_parameter_added_on_the_way_is_refused(bot: BotUnderTest) -> None:
    form = bot.form("hello")
    assert bot.post(twilio.PATH, {**form, "ButtonText": "PAY"}, signed_as=form) == 403


def test_a_second_value_for_a_signed_parameter_is_refused(bot: BotUnderTest) -> None:
    form = bot.form("ADD 1")
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + twilio.PATH, form)
    assert bot.post_raw(twilio.PATH, (urlencode(form) + "&Body=ADD+9").encode(), signature) == 403
    assert bot.rows("SELECT * FROM inbox") == []


@pytest.mark.parametrize(
    "url",
    [
        PUBLIC_URL.replace("https", "http") + twilio.PATH,
        PUBLIC_URL + twilio.PATH + "/",
        "https://other.example.com" + twilio.PATH,
        PUBLIC_URL + twilio.PATH + "?x=1",
    ],
)
def test_a_signature_over_another_address_is_refused(bot: BotUnderTest, url: str) -> None:
    assert bot.post(twilio.PATH, bot.form("hello"), url=url) == 403


def test_the_configured_address_counts_whatever_the_host_header_says(bot: BotUnderTest) -> None:
    form = bot.form("hello")
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + twilio.PATH, form)
    headers = {"X-Twilio-Signature": signature, "Host": "10.0.0.7:3020", "X-Forwarded-Host": "evil.example.com"}
    assert bot.client.post(twilio.PATH, data=form, headers=headers).status_code == 200


def test_an_address_may_be_signed_with_its_port_as_twilios_library_has_it(bot: BotUnderTest) -> None:
    with_port = PUBLIC_URL.replace(".com", ".com:443") + twilio.PATH
    assert bot.post(twilio.PATH, bot.form("hello"), url=with_port) == 200
    assert bot.post(twilio.PATH, bot.form("hello"), url=with_port.replace("443", "444")) == 403


def test_the_signature_covers_the_query(bot: BotUnderTest) -> None:
    path = twilio.PATH + "?shop=mama"
    assert bot.post(path, bot.form("hello"), url=PUBLIC_URL + path) == 200
    assert bot.post(path, bot.form("hello"), url=PUBLIC_URL + twilio.PATH) == 403


def test_an_unsigned_message_is_refused(bot: BotUnderTest) -> None:
    assert bot.post_raw(twilio.PATH, urlencode(bot.form("hello")).encode(), None) == 403
    assert bot.post_raw(twilio.PATH, urlencode(bot.form("hello")).encode(), "") == 403
    assert bot.post_raw(twilio.PATH, urlencode(bot.form("hello")).encode(), "bm90IGl0") == 403


def test_blank_parameters_are_part_of_what_is_signed(bot: BotUnderTest) -> None:
    form = bot.form("", Label="")
    assert bot.post(twilio.PATH, form) == 200
    without_blanks = {name: value for name, value in form.items() if value}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + twilio.PATH, form)
    assert bot.post_raw(twilio.PATH, urlencode(without_blanks).encode(), signature) == 403


def test_a_replay_a_day_later_changes_nothing(bot: BotUnderTest, clock: FixedClock) -> None:
    form = bot.form("hello")
    assert bot.post(twilio.PATH, form) == 200
    bot.work()
    before = bot.rows("SELECT * FROM conversations"), bot.rows("SELECT * FROM inbox"), bot.outgoing()
    clock.advance(timedelta(days=1, hours=1))
    assert bot.post(twilio.PATH, form) == 200
    bot.work()
    assert (bot.rows("SELECT * FROM conversations"), bot.rows("SELECT * FROM inbox"), bot.outgoing()) == before
    assert bot.messenger.bodies() == ["you said hello"]


def test_json_is_refused_even_with_the_signature_of_an_empty_form(bot: BotUnderTest) -> None:
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + twilio.PATH, {})
    assert bot.post_raw(twilio.PATH, b'{"Body":"PAY"}', signature, "application/json") == 415
    assert bot.post_raw(twilio.PATH, b"Body=PAY", signature, "multipart/form-data; boundary=x") == 415
    assert bot.rows("SELECT * FROM inbox") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"MessageSid": ""},
        {"MessageSid": "SM123"},
        {"MessageSid": "SM" + "g" * 32},
        {"MessageSid": sid(1) + "\n"},
        {"From": ""},
        {"From": "+254708374149"},
        {"From": "whatsapp:"},
        {"From": "whatsapp:KE." + "x" * 140},
        {"From": "whatsapp:+254 708"},
        {"To": ""},
    ],
)
def test_missing_or_malformed_fields_are_refused(bot: BotUnderTest, changes: dict[str, str]) -> None:
    assert bot.post(twilio.PATH, {**bot.form("hello"), **changes}) == 400
    assert bot.rows("SELECT * FROM conversations") == []


def test_a_form_without_sender_is_refused(bot: BotUnderTest) -> None:
    form = {name: value for name, value in bot.form("hello").items() if name != "From"}
    assert bot.post(twilio.PATH, form) == 400


def test_another_account_is_refused(bot: BotUnderTest) -> None:
    assert bot.post(twilio.PATH, {**bot.form("hello"), "AccountSid": "AC" + "e" * 32}) == 403


def test_an_oversized_form_is_refused(bot: BotUnderTest) -> None:
    assert bot.post(twilio.PATH, bot.form("x" * 70_000)) == 413
    assert bot.rows("SELECT * FROM inbox") == []


@pytest.mark.parametrize(
    "body", [b"Body=%ff%fe", b"\xff\xfe=1", b"no equals sign", b"Body=a\x00b", b"a=1&" * 201 + b"a=1"]
)
def test_an_unreadable_form_is_refused(bot: BotUnderTest, body: bytes) -> None:
    assert bot.post_raw(twilio.PATH, body, "c2lnbmF0dXJl") == 400


def test_an_empty_body_is_refused_as_unsigned(bot: BotUnderTest) -> None:
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + twilio.PATH, {})
    assert bot.post_raw(twilio.PATH, b"", signature) == 403


def test_get_is_not_offered(bot: BotUnderTest) -> None:
    assert bot.client.get(twilio.PATH).status_code == 405


def test_a_customer_without_a_number_is_a_customer(bot: BotUnderTest) -> None:
    bot.hears("hello", HIDDEN)
    bot.work()
    assert bot.messenger.bodies(HIDDEN) == ["you said hello"]


def test_the_longest_address_that_twilio_gives_is_taken(bot: BotUnderTest) -> None:
    bot.hears("hello", "whatsapp:KE." + "x" * 128)
    assert len(bot.rows("SELECT * FROM conversations")) == 1


def test_one_customer_at_two_shop_numbers_has_two_conversations(bot: BotUnderTest) -> None:
    bot.hears("hello")
    bot.hears("hello", To="whatsapp:+254700000009")
    rows = bot.rows("SELECT shop_number, address FROM conversations ORDER BY shop_number")
    assert rows == [
        {"shop_number": SHOP, "address": ACHIENG},
        {"shop_number": "whatsapp:+254700000009", "address": ACHIENG},
    ]


def test_the_name_that_a_customer_shows_follows_the_newest_message(bot: BotUnderTest) -> None:
    bot.hears("hello", BARAKA, ProfileName="Baraka\x07\n")
    assert bot.rows("SELECT profile_name FROM conversations") == [{"profile_name": "Baraka"}]
    bot.hears("hello", BARAKA, ProfileName="B. Otieno")
    assert bot.rows("SELECT profile_name FROM conversations") == [{"profile_name": "B. Otieno"}]


class TestWhatWasSaid:
    def test_a_number_that_shows_is_known(self, bot: BotUnderTest) -> None:
        assert said(sid(1), urlencode(bot.form("hello"))).sender_msisdn == "254708374149"

    def test_a_hidden_number_is_not_made_up(self, bot: BotUnderTest) -> None:
        assert said(sid(1), urlencode(bot.form("hello", HIDDEN))).sender_msisdn is None

    @pytest.mark.parametrize(
        ("fields", "media"),
        [
            ({"MediaContentType0": "image/jpeg"}, ("image",)),
            ({"MediaContentType0": "audio/ogg"}, ("audio",)),
            ({"MediaContentType0": "video/mp4"}, ("video",)),
            ({"MediaContentType0": "application/pdf"}, ("document",)),
            ({"MediaContentType0": "text/vcard"}, ("contact",)),
            ({"MediaContentType0": "image/jpeg", "MediaContentType1": "image/png"}, ("image", "image")),
            ({"Latitude": "-1.28", "Longitude": "36.8"}, ("location",)),
            ({}, ()),
        ],
    )
    def test_kinds_of_media_are_named(self, bot: BotUnderTest, fields: dict[str, str], media: tuple[str, ...]) -> None:
        assert said(sid(1), urlencode({**bot.form(""), **fields})).media == media

    def test_a_tapped_button_counts_as_its_text(self, bot: BotUnderTest) -> None:
        assert said(sid(1), urlencode(bot.form("", ButtonText="PAY", ButtonPayload="x"))).text == "PAY"

    def test_control_characters_become_spaces_and_lines_stay(self, bot: BotUnderTest) -> None:
        assert said(sid(1), urlencode(bot.form("a\x00b\x1b[2J\nc"))).text == "a b [2J\nc"

"""A picture goes with its text if it can; the text goes in any case."""

import base64
import struct
import zlib
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image

from bot.conversation.model import Event, Said, State, Step
from bot.inbound import delivery_status
from bot.ports.messenger import NotTaken, Refused, Unsure
from bot.replies.pictures import MAX_BYTES, MAX_CAPTION, Format, as_sent
from bot.replies.reply import Picture, Reply
from bot.sending import SETTLE
from kit.clock import FixedClock
from kit.db import Database
from tests.support.bot import ACCOUNT, PUBLIC_URL, BotUnderTest

TEXT = "pay with EKZ4711"


def png(side: int = 8, more: bytes = b"") -> bytes:
    """A black square, with something in it that no reader minds."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\x00" * (side + 1) for _ in range(side)))
    chunks = (chunk(b"IHDR", header), chunk(b"tEXt", more), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def jpeg(side: int = 8) -> bytes:
    """A grey square, as a camera would keep it."""
    kept = BytesIO()
    Image.new("RGB", (side, side), (120, 120, 120)).save(kept, "JPEG", quality=60)
    return kept.getvalue()


def of(data: bytes) -> Picture:
    return Picture(base64.b64encode(data).decode())


def with_picture(picture: Picture) -> "type[BotUnderTest]":
    """A bot that answers everything with that text and that picture."""

    class Picturing(BotUnderTest):
        def __init__(self, db: Database, clock: FixedClock) -> None:
            super().__init__(db, clock, step=step)

    def step(state: State, event: Event, now: datetime) -> Step:
        del now
        assert isinstance(event, Said)
        return Step(state, reply=Reply(TEXT, picture=picture))

    return Picturing


@pytest.fixture
def picturing(any_bot: BotUnderTest) -> BotUnderTest:
    """On both databases."""
    return with_picture(of(png()))(any_bot.db, any_bot.clock)


def fetched(bot: BotUnderTest, url: str | None) -> tuple[int, bytes]:
    assert url is not None
    assert url.startswith(PUBLIC_URL + "/")
    answer = bot.client.get(url.removeprefix(PUBLIC_URL))
    return answer.status_code, answer.data


def test_the_picture_that_goes_with_a_text_can_be_fetched_by_its_address_alone(picturing: BotUnderTest) -> None:
    picturing.hears("PAY")
    picturing.work()
    (posted,) = picturing.messenger.taken
    assert posted.body == TEXT
    assert posted.media_url is not None
    assert fetched(picturing, posted.media_url) == (200, png())
    answer = picturing.client.head(posted.media_url.removeprefix(PUBLIC_URL))
    assert answer.content_type == "image/png"
    assert answer.content_length == len(png())
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_a_photograph_goes_as_what_its_bytes_are(any_bot: BotUnderTest) -> None:
    picturing = with_picture(of(jpeg() + bytes(16)))(any_bot.db, any_bot.clock)  # cameras pad
    picturing.hears("INFO 1")
    picturing.work()
    (posted,) = picturing.messenger.taken
    assert posted.media_url is not None
    assert posted.media_url.endswith(".jpg")
    answer = picturing.client.get(posted.media_url.removeprefix(PUBLIC_URL))
    assert (answer.status_code, answer.content_type, answer.data) == (200, "image/jpeg", jpeg() + bytes(16))
    assert picturing.client.get(posted.media_url.removeprefix(PUBLIC_URL).replace(".jpg", ".png")).status_code == 404


def test_every_picture_has_an_address_of_its_own_that_nobody_can_guess(picturing: BotUnderTest) -> None:
    for _ in range(3):
        picturing.hears("PAY")
    picturing.work()
    urls = {posted.media_url for posted in picturing.messenger.taken}
    assert len(urls) == 3
    assert all(url is not None and len(url.removesuffix(".png").rsplit("/", 1)[1]) == 43 for url in urls)


@pytest.mark.parametrize("token", ["x", "A" * 43, "..%2F..", "A" * 44, "ä" * 43, "%00" * 43])
def test_an_address_that_was_never_given_out_shows_nothing(bot: BotUnderTest, token: str) -> None:
    assert bot.client.get(f"/media/{token}.png").status_code == 404


def test_a_picture_is_gone_when_its_message_may_no_longer_be_sent(picturing: BotUnderTest) -> None:
    picturing.hears("PAY")
    picturing.work()
    (posted,) = picturing.messenger.taken
    picturing.clock.advance(timedelta(hours=23, minutes=59))
    assert fetched(picturing, posted.media_url)[0] == 200
    picturing.clock.advance(timedelta(minutes=1))
    assert fetched(picturing, posted.media_url)[0] == 404
    picturing.hears("PAY")
    picturing.work()
    assert len(picturing.rows("SELECT token FROM media")) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg onload=alert(1)>",
        b"\xff\xd8\xff\xe0 a photograph that was cut off",
        b"RIFF\x10\x00\x00\x00WEBPVP8 ",
        b"GIF89a" + bytes(20),
        png()[:-1],
        png(side=5000),
        png()[:16] + b"\x00" * 8 + png()[24:],
        png(more=b"x" * MAX_BYTES),
    ],
)
def test_what_is_no_picture_to_send_is_left_out_and_the_text_goes_alone(bot: BotUnderTest, data: bytes) -> None:
    assert as_sent(of(data), TEXT) is None
    picturing = with_picture(of(data))(bot.db, bot.clock)
    picturing.hears("PAY")
    picturing.work()
    (posted,) = picturing.messenger.taken
    assert (posted.body, posted.media_url) == (TEXT, None)
    assert picturing.rows("SELECT token FROM media") == []


@pytest.mark.parametrize("text", ["not base64!", "iVBO*Rw0", "é"])
def test_what_is_not_even_base64_is_no_picture(text: str) -> None:
    assert as_sent(Picture(text), TEXT) is None


def test_a_text_that_is_too_long_to_stand_below_a_picture_goes_alone() -> None:
    assert as_sent(of(png()), "x" * MAX_CAPTION) == (Format.PNG, png())
    assert as_sent(of(png()), "x" * (MAX_CAPTION + 1)) is None
    assert as_sent(of(png()), "🛒" * (MAX_CAPTION // 2 + 1)) is None


# --- the picture did not arrive --------------------------------------------------------------------------------------


def test_a_picture_that_twilio_refuses_is_followed_by_its_text_alone(picturing: BotUnderTest) -> None:
    picturing.messenger.next.append((Refused("answered 400", 21620), False))
    picturing.hears("PAY")
    picturing.work()
    (posted,) = picturing.messenger.taken
    assert (posted.body, posted.media_url) == (TEXT, None)
    assert picturing.outgoing() == [(TEXT, "failed"), (TEXT, "sent")]


def test_a_text_that_twilio_refuses_alone_is_not_sent_for_ever(picturing: BotUnderTest) -> None:
    picturing.messenger.next.extend([(Refused("answered 400", 21620), False)] * 2)
    picturing.hears("PAY")
    picturing.work()
    assert picturing.messenger.taken == []
    assert picturing.outgoing() == [(TEXT, "failed"), (TEXT, "failed")]


def report(bot: BotUnderTest, sid: str, status: str, code: int) -> None:
    form = {"AccountSid": ACCOUNT, "MessageSid": sid, "MessageStatus": status, "ErrorCode": str(code)}
    assert bot.post(delivery_status.PATH, form) == 200


def test_a_picture_that_could_not_be_fetched_is_followed_by_its_text_alone_once(picturing: BotUnderTest) -> None:
    picturing.hears("PAY")
    picturing.work()
    (posted,) = picturing.messenger.taken
    for _ in range(2):
        report(picturing, posted.sid, "undelivered", 63019)
        picturing.work()
    first, second = picturing.messenger.taken
    assert (second.body, second.media_url) == (TEXT, None)
    assert first.sid != second.sid
    report(picturing, second.sid, "failed", 63019)
    picturing.work()
    assert len(picturing.messenger.taken) == 2


def test_a_failure_that_is_reported_before_our_commit_is_mended_as_well(picturing: BotUnderTest) -> None:
    picturing.messenger.next.append((NotTaken("not yet"), False))
    report(picturing, f"SM{1:032x}", "failed", 63019)
    picturing.hears("PAY")
    picturing.work()
    picturing.clock.advance(timedelta(seconds=1))
    picturing.work()
    assert [posted.media_url is None for posted in picturing.messenger.taken] == [False, True]


def test_an_uncertain_message_keeps_its_picture_when_it_is_sent_again(picturing: BotUnderTest) -> None:
    picturing.messenger.next.append((Unsure("cut off"), False))
    picturing.hears("PAY")
    picturing.work()
    picturing.clock.advance(SETTLE)
    picturing.work()
    (posted,) = picturing.messenger.taken
    assert posted.media_url is not None
    assert fetched(picturing, posted.media_url)[0] == 200


def test_a_text_without_a_picture_that_failed_is_not_sent_again(any_bot: BotUnderTest) -> None:
    any_bot.messenger.next.append((Refused("answered 400", 63016), False))
    any_bot.hears("hello")
    any_bot.work()
    assert any_bot.messenger.taken == []

"""A phone's photograph may be handed in as it is: it is kept small, upright, and says nothing of where it was taken."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dukani.drawings import drawing
from router.catalog.pictures import MAX_BYTES, MAX_GIVEN_BYTES, PictureRefused, picture_in, says_more
from router.catalog.shrinking import KEPT_SIDE, kept_from

RED, BLUE = (200, 30, 30), (30, 30, 200)
LYING = 6
"""Orientation of EXIF: the camera was held upright, so what is read first is the right side."""


def photograph(width: int, height: int, *, orientation: int | None = None) -> bytes:
    """Red on its left half as it is stored, blue on its right; with where it was taken, if it says how it was held."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    made = BytesIO()
    if orientation is None:
        image.save(made, "JPEG", quality=90)
        return made.getvalue()
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "at home"
    exif.get_ifd(0x8825)[1] = "S"
    image.save(made, "JPEG", quality=90, exif=exif)
    return made.getvalue()


def noise(side: int) -> bytes:
    made = BytesIO()
    Image.effect_noise((side, side), 100).convert("RGB").save(made, "PNG")
    return made.getvalue()


def colour(content: bytes, x: float, y: float) -> str:
    """Of that part of it, roughly."""
    with Image.open(BytesIO(content)) as image:
        shown = image.convert("RGB")
        pixel = shown.getpixel((int(x * shown.width), int(y * shown.height)))
    assert isinstance(pixel, tuple)
    red, green, blue = pixel
    return "white" if min(pixel) > 200 else "red" if red > max(green, blue) else "blue"


def test_a_phones_photograph_becomes_small_and_upright_and_forgets_where_it_was_taken() -> None:
    given_in = photograph(2400, 1600, orientation=LYING)
    assert says_more(given_in)
    kept = kept_from(given_in)
    assert (kept.media_type, kept.width, kept.height) == ("image/jpeg", 683, KEPT_SIDE)
    assert len(kept.content) < MAX_BYTES
    assert b"Exif" not in kept.content
    assert b"at home" not in kept.content
    assert (colour(kept.content, 0.5, 0.1), colour(kept.content, 0.5, 0.9)) == ("red", "blue")


def test_a_small_photograph_that_says_where_it_was_taken_is_made_anew() -> None:
    kept = kept_from(photograph(80, 60, orientation=LYING))
    assert (kept.width, kept.height) == (60, 80)
    assert b"Exif" not in kept.content


@pytest.mark.parametrize("content", [drawing("milk"), photograph(80, 60), photograph(2048, 10)])
def test_what_is_fit_already_stays_as_it_is(content: bytes) -> None:
    assert kept_from(content).content == content


def test_a_large_drawing_stands_on_white() -> None:
    made = BytesIO()
    image = Image.new("RGBA", (2200, 1100), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 1100, 1100))
    image.save(made, "PNG")
    kept = kept_from(made.getvalue())
    assert (kept.media_type, kept.width, kept.height) == ("image/jpeg", KEPT_SIDE, KEPT_SIDE // 2)
    assert (colour(kept.content, 0.1, 0.5), colour(kept.content, 0.9, 0.5)) == ("red", "white")


def test_what_is_hard_to_make_small_is_kept_with_less_of_it() -> None:
    content = noise(500)
    assert len(content) > MAX_BYTES
    assert len(kept_from(content).content) <= MAX_BYTES


def with_sides(width: int, height: int) -> bytes:
    """A JPEG that says that it is so large, and has nothing else."""
    frame = b"\xff\xc0\x00\x0b\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00?\x00\x00\xff\xd9"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xd8" + bytes(MAX_GIVEN_BYTES), "8,000,002 bytes are more than 8,000,000"),
        (with_sides(6000, 5000), "6000 by 5000 pixels are more than 25 megapixels"),
        (with_sides(3000, 3000), "can't be read"),
        (with_sides(0, 300), "nothing to see"),
        (photograph(300, 200)[:-2], "cut off or damaged"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "neither a PNG nor a JPEG"),
    ],
)
def test_what_can_not_be_kept_is_refused_with_the_limit_that_it_breaks(content: bytes, why: str) -> None:
    with pytest.raises(PictureRefused, match=why):
        kept_from(content)


@settings(max_examples=50)
@given(st.binary(max_size=80))
def test_any_bytes_that_claim_to_be_a_large_photograph_are_kept_or_refused(rest: bytes) -> None:
    begun = with_sides(3000, 2000)[:-2]
    try:
        kept = kept_from(begun + rest + b"\xff\xd9")
    except PictureRefused:
        return
    assert picture_in(kept.content) == kept

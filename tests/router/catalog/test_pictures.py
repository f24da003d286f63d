"""Pictures are what their bytes say: a PNG or a JPEG of a size that can be shown."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dukani.drawings import DRAWINGS, drawing
from router.catalog.pictures import MAX_BYTES, PictureRefused, picture_in
from router.reference.examples import DOT
from tests.support.counter import Counter
from tests.support.vendor_api import vendor_api

JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x0b\x08\x00\x20\x00\x30\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00?\x00\x00\xff\xd9"
)


def test_a_png_and_a_jpeg_say_how_large_they_are() -> None:
    png, jpeg = picture_in(base64.b64decode(DOT)), picture_in(JPEG)
    assert (png.media_type, png.width, png.height) == ("image/png", 1, 1)
    assert (jpeg.media_type, jpeg.width, jpeg.height) == ("image/jpeg", 48, 32)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(40),
        b"<svg/>",
        base64.b64decode(DOT)[:-4],
        JPEG[:-2],
        JPEG.replace(b"\xff\xc0", b"\xff\xc4"),
        b"\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n" + bytes(MAX_BYTES),
        drawing("milk").replace(b"\x00\x00\x00\xf0\x00\x00\x00\xf0", b"\x00\x00\x7f\xff\x00\x00\x00\xf0"),
    ],
)
def test_what_can_not_be_shown_is_refused(content: bytes) -> None:
    with pytest.raises(PictureRefused):
        picture_in(content)


@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"]),
    st.sampled_from([b"", b"\xff\xd9"]),
)
def test_any_bytes_are_a_picture_or_refused(content: bytes, begin: bytes, end: bytes) -> None:
    try:
        picture_in(begin + content + end)
    except PictureRefused:
        return


def test_the_drawings_of_the_invented_shops_are_small() -> None:
    assert all(picture_in(drawing(name)).width == 240 for name in DRAWINGS)
    assert sum(len(drawing(name)) for name in DRAWINGS) < 20_000


def test_an_item_is_shown_with_its_picture_and_its_category(counter: Counter) -> None:
    api = vendor_api(counter)
    counter.put("bread", on_hand=None)
    item = {"sku": "CHEESE", "name": "Cheese", "price_minor": 52000, "category": "Dairy", "stock": 4}
    kept = api.post("/api/v1/items", {**item, "keywords": ["jibini", "queijo"]}).body
    assert kept["outcome"] == "added"
    assert api.post("/api/v1/items", {**item, "keywords": ["jibini", "queijo"]}).body["outcome"] == "unchanged"
    path = f"/api/v1/items/{kept['item_id']}/picture"
    large = base64.b64encode(drawing("milk") + b"").decode()
    assert api.post(path, {"content_base64": large}).body["width"] == 240
    card = counter.get(f"/v1/catalog/items/{kept['item_id']}").body
    assert (card["category"], card["available"], card["has_picture"]) == ("Dairy", 4, True)
    assert base64.b64decode(card["picture"]["content_base64"]) == drawing("milk")
    listed = counter.get("/v1/catalog/categories").body
    assert [(each["name"], each["count"]) for each in listed["categories"]] == [("Dairy", 1)]
    assert listed["others"] == 1
    in_dairy = counter.get("/v1/catalog/items", category=card["category_id"]).body
    assert ([each["name"] for each in in_dairy["items"]], in_dairy["total"]) == (["Cheese"], 1)
    assert counter.get("/v1/catalog/items", category="none").body["items"] == []
    assert [each["name"] for each in counter.get("/v1/catalog/items", query="queijo").body["items"]] == ["Cheese"]
    for what in ("maziwa ü", "A?=="):
        assert api.post(path, {"content_base64": what}).code == "picture_invalid"
    nothing = api.post(path, {"content_base64": "AAAA"})
    assert (nothing.status, nothing.code) == (422, "picture_invalid")
    half_full = base64.b64encode(base64.b64decode(DOT)[:8] + bytes(480_000)).decode()
    assert api.post(path, {"content_base64": half_full}).code == "picture_invalid"  # read, though larger than others
    assert api.post(path, {"content_base64": "A" * 10_700_000}).code == "body_too_large"
    assert counter.get("/v1/catalog/items/none").code == "item_unknown"

"""What a shop hands in, made fit to be kept and sent: a phone's photograph becomes small, upright, and says nothing any
more of where and when it was taken. What is fit already stays as it is, byte for byte."""

import struct
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

from router.catalog.pictures import MAX_GIVEN_BYTES, MAX_PIXELS, Picture, PictureRefused, picture_in, says_more, seen_in

if TYPE_CHECKING:
    from PIL.Image import Image

KEPT_SIDE = 1024
"""Pixels of the longer side of what was made smaller: as sharp as a phone shows it, and cheap to receive."""

_QUALITIES = (82, 70, 55)
_WHITE = (255, 255, 255)

# What Pillow raises for bytes that only begin like a picture (pillow.readthedocs.io, Image.open; plugins raise more).
_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)

_one_at_a_time = Lock()
"""A large photograph takes some ten megabytes while it is read."""


def kept_from(content: bytes) -> Picture:
    """Raises PictureRefused."""
    given = seen_in(content, MAX_GIVEN_BYTES)
    if given.width * given.height > MAX_PIXELS:
        most = f"{MAX_PIXELS // 1_000_000} megapixels"
        raise PictureRefused(f"{given.width} by {given.height} pixels are more than {most}: make it smaller")
    try:
        kept = picture_in(content)
    except PictureRefused:
        return _smaller(given)  # too large to be kept, and nothing else: it was seen already
    return kept if max(kept.width, kept.height) <= 2 * KEPT_SIDE and not says_more(content) else _smaller(given)


def _smaller(given: Picture) -> Picture:
    with _one_at_a_time:
        # Its library takes longer to load than a router to start, and most requests bring no picture.
        from PIL import Image, ImageOps  # noqa: PLC0415

        try:
            with Image.open(BytesIO(given.content), formats=("PNG", "JPEG")) as read:
                read.draft("RGB", (KEPT_SIDE, KEPT_SIDE))  # a JPEG is read at a fraction of its size
                upright = ImageOps.exif_transpose(read)
                upright.thumbnail((KEPT_SIDE, KEPT_SIDE))
                flat = _on_white(upright)
        except (*_UNREADABLE, Image.DecompressionBombError) as error:
            raise PictureRefused(f"it can't be read ({type(error).__name__})") from error
        for quality in _QUALITIES:
            made = BytesIO()
            flat.save(made, "JPEG", quality=quality, optimize=True)
            try:
                return picture_in(made.getvalue())
            except PictureRefused:
                continue
    raise PictureRefused("it can't be made small enough")


def _on_white(image: "Image") -> "Image":
    """Without transparency, in colours that every phone shows."""
    from PIL import Image  # noqa: PLC0415

    if not image.has_transparency_data:
        return image.convert("RGB")
    shown = image.convert("RGBA")
    flat = Image.new("RGB", shown.size, _WHITE)
    flat.paste(shown, mask=shown.getchannel("A"))
    return flat

"""A picture as it may be sent, from one as it came. What is no picture is left out: the text says everything.

What it is said to be counts for nothing: its bytes begin and end as those of a PNG or a JPEG do, or it is none."""

import base64
import binascii
from enum import StrEnum

from bot.replies.reply import Picture

MAX_BYTES = 1024 * 1024
"""WhatsApp takes pictures of up to 5 MB (twilio.com/docs/whatsapp/guidance-whatsapp-media-messages); a code to scan
has a few kB, what a shop shows has at most 500 kB, and whoever gets it pays for the data."""

MAX_CAPTION = 1024
"""Characters of the text below a picture (developers.facebook.com, image messages): a longer text goes without."""


class Format(StrEnum):
    """What WhatsApp shows as a picture; a WebP is a sticker there."""

    PNG = "png"
    JPEG = "jpg"


_MAX_SIDE = 4096
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = b"\x00\x00\x00\rIHDR"  # every PNG begins with 13 bytes about itself
_END = b"IEND\xaeB\x60\x82"
_JPEG_BEGIN, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_PADDING = 64  # bytes that cameras leave behind the end


def as_sent(picture: Picture, caption: str) -> tuple[Format, bytes] | None:
    """What it is, and its bytes; None if it is no whole picture, is too large, or the text is too long to stand below
    one."""
    if len(caption.encode("utf-16-le")) // 2 > MAX_CAPTION or len(picture.content_base64) > 4 * MAX_BYTES // 3 + 4:
        return None
    try:
        data = base64.b64decode(picture.content_base64, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) > MAX_BYTES:
        return None
    if data.startswith(_SIGNATURE + _HEADER) and data.endswith(_END):
        sides = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
        return (Format.PNG, data) if all(1 <= side <= _MAX_SIDE for side in sides) else None
    if data.startswith(_JPEG_BEGIN) and _JPEG_END in data[-_PADDING:]:
        return Format.JPEG, data
    return None

"""A picture as it may be sent, from one as it came. What is no picture is left out: the text says everything."""

import base64
import binascii

from bot.replies.reply import Picture

MAX_BYTES = 1024 * 1024
"""WhatsApp takes pictures of up to 5 MB (twilio.com/docs/whatsapp/guidance-whatsapp-media-messages); a code to scan
has a few kB, and whoever gets it pays for the data."""

MAX_CAPTION = 1024
"""Characters of the text below a picture (developers.facebook.com, image messages): a longer text goes without."""

_MAX_SIDE = 4096
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = b"\x00\x00\x00\rIHDR"  # every PNG begins with 13 bytes about itself
_END = b"IEND\xaeB\x60\x82"


def png_of(picture: Picture, caption: str) -> bytes | None:
    """Its bytes; None if it is no whole PNG, is too large, or the text is too long to stand below one."""
    if len(caption.encode("utf-16-le")) // 2 > MAX_CAPTION or len(picture.png_base64) > 4 * MAX_BYTES // 3 + 4:
        return None
    try:
        data = base64.b64decode(picture.png_base64, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) > MAX_BYTES or not data.startswith(_SIGNATURE + _HEADER) or not data.endswith(_END):
        return None
    sides = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    return data if all(1 <= side <= _MAX_SIDE for side in sides) else None

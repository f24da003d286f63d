"""What a picture's bytes say of it: a PNG or a JPEG, and how large. Nothing is believed but the bytes. Pure."""

from dataclasses import dataclass

MAX_BYTES = 500_000
MAX_SIDE = 4_000
"""Pixels. This much is kept, and sent."""
MAX_GIVEN_BYTES = 8_000_000
MAX_PIXELS = 25_000_000
"""This much may be handed in: a phone's photograph as it is."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
_JPEG = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""The frames that WhatsApp shows: baseline, extended and progressive."""
_NOTES = frozenset({0xE1, 0xED, 0xFE})
"""Segments of EXIF and XMP, of IPTC, and of free text."""


class PictureRefused(ValueError):
    """Not a picture that can be shown; the text says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    media_type: str
    width: int
    height: int
    content: bytes


def picture_in(content: bytes) -> Picture:
    """One that may be kept as it is. Raises PictureRefused."""
    picture = seen_in(content, MAX_BYTES)
    if max(picture.width, picture.height) > MAX_SIDE:
        raise PictureRefused(f"{picture.width} by {picture.height} pixels: up to {MAX_SIDE:,} a side are possible")
    return picture


def seen_in(content: bytes, most_bytes: int) -> Picture:
    """Of any sides. Raises PictureRefused."""
    if len(content) > most_bytes:
        raise PictureRefused(f"{len(content):,} bytes are more than {most_bytes:,}: make it smaller")
    if content.startswith(_PNG):
        media_type, (width, height) = "image/png", _png_sides(content)
    elif content.startswith(_JPEG):
        media_type, (width, height) = "image/jpeg", _jpeg_sides(content)
    else:
        raise PictureRefused("neither a PNG nor a JPEG")
    if not (width and height):
        raise PictureRefused(f"{width} by {height} pixels: there is nothing to see")
    return Picture(media_type, width, height, content)


def says_more(content: bytes) -> bool:
    """Whether a JPEG holds more than the picture: how the camera was held, where it was taken, by whom."""
    at = 2
    while content.startswith(_JPEG) and at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        if content[at + 1] in _NOTES:
            return True
        at += 1 if content[at + 1] == 0xFF else 2 + int.from_bytes(content[at + 2 : at + 4])
    return False


def _png_sides(content: bytes) -> tuple[int, int]:
    if len(content) < 33 or content[12:16] != b"IHDR" or not content.endswith(_PNG_END):
        raise PictureRefused("a PNG that is cut off or damaged")
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _jpeg_sides(content: bytes) -> tuple[int, int]:
    damaged = PictureRefused("a JPEG that is cut off or damaged")
    if _JPEG_END not in content[-64:]:  # cameras pad
        raise damaged
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            raise damaged
        marker = content[at + 1]
        if marker == 0xFF:  # a filling byte
            at += 1
            continue
        if marker in _FRAMES:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        if marker == 0xDA:
            break  # the image itself began without a frame
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    raise damaged

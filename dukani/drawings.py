"""Simple drawings for the shelves of the invented shops: a few round and square shapes, as small PNGs.

Drawn by this file, so that nobody's photograph is needed."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

SIDE = 240
"""Pixels."""

_COLOURS: Mapping[str, tuple[int, int, int]] = {
    "paper": (250, 246, 238),
    "red": (214, 64, 51),
    "green": (76, 138, 62),
    "leaf": (124, 176, 82),
    "yellow": (240, 196, 66),
    "orange": (226, 137, 52),
    "brown": (139, 94, 60),
    "dark": (74, 60, 54),
    "purple": (139, 62, 110),
    "white": (255, 255, 255),
    "grey": (158, 163, 166),
    "blue": (70, 122, 176),
    "cream": (238, 217, 178),
}
_NAMES = list(_COLOURS)


@dataclass(frozen=True, slots=True)
class Round:
    """An ellipse; the picture is 100 by 100."""

    x: int
    y: int
    across: int
    down: int
    colour: str


@dataclass(frozen=True, slots=True)
class Square:
    """A rectangle, from its upper left corner."""

    x: int
    y: int
    across: int
    down: int
    colour: str


Shape = Round | Square

_PLATE = (Round(50, 56, 78, 56, "white"), Round(50, 56, 60, 40, "cream"))
_PACKET = (Square(28, 20, 44, 64, "cream"), Square(28, 20, 44, 8, "brown"))

DRAWINGS: Mapping[str, tuple[Shape, ...]] = {
    "greens": (Square(46, 50, 8, 38, "leaf"), Round(36, 42, 36, 46, "green"), Round(64, 42, 36, 46, "green")),
    "tomato": (Round(50, 56, 62, 56, "red"), Round(50, 30, 30, 10, "green"), Square(48, 20, 4, 12, "green")),
    "onion": (Round(50, 58, 56, 54, "purple"), Round(50, 58, 28, 54, "red"), Square(47, 18, 6, 18, "leaf")),
    "potato": (Round(42, 52, 54, 42, "brown"), Round(64, 62, 44, 36, "orange")),
    "avocado": (Round(50, 56, 54, 68, "green"), Round(50, 58, 40, 54, "yellow"), Round(50, 66, 22, 24, "brown")),
    "banana": (Round(50, 46, 74, 62, "yellow"), Round(50, 30, 76, 56, "paper")),
    "packet": (*_PACKET, Round(50, 54, 26, 26, "yellow")),
    "beans": (*_PACKET, Round(44, 50, 12, 18, "red"), Round(56, 58, 12, 18, "red")),
    "milk": (Square(32, 30, 36, 56, "white"), Square(32, 18, 36, 12, "blue"), Round(50, 58, 18, 18, "blue")),
    "eggs": (Square(16, 58, 68, 20, "grey"), *(Round(x, 54, 20, 28, "brown") for x in (28, 50, 72))),
    "bread": (Square(20, 44, 60, 36, "orange"), Round(50, 44, 60, 28, "orange"), Square(20, 74, 60, 6, "brown")),
    "plate": (*_PLATE, Round(44, 54, 26, 20, "orange"), Round(60, 60, 18, 14, "green")),
    "flat": (Round(50, 54, 68, 48, "cream"), Round(40, 50, 12, 8, "orange"), Round(60, 60, 14, 8, "orange")),
    "fish": (Round(46, 54, 58, 32, "grey"), Square(72, 44, 14, 20, "grey"), Round(28, 50, 6, 6, "dark")),
    "mug": (Round(72, 54, 26, 32, "blue"), Square(28, 32, 44, 48, "blue"), Round(50, 32, 44, 12, "brown")),
    "glass": (Square(34, 26, 32, 58, "white"), Square(34, 40, 32, 44, "orange")),
    "nails": (
        *(Square(x, 24, 4, 58, "grey") for x in (30, 48, 66)),
        *(Square(x, 22, 12, 4, "dark") for x in (26, 44, 62)),
    ),
    "hammer": (Square(46, 34, 8, 54, "brown"), Square(28, 20, 44, 16, "dark")),
    "bulb": (Round(50, 42, 48, 48, "yellow"), Square(42, 64, 16, 20, "grey")),
    "socket": (Square(18, 30, 64, 42, "white"), *(Round(x, 51, 18, 18, "dark") for x in (36, 64))),
    "roll": (Round(50, 52, 60, 60, "dark"), Round(50, 52, 28, 28, "paper")),
    "tin": (Square(26, 30, 48, 52, "grey"), Round(50, 30, 48, 14, "white"), Square(26, 48, 48, 18, "blue")),
    "brush": (Square(44, 16, 12, 36, "brown"), Square(32, 50, 36, 12, "grey"), Square(32, 62, 36, 22, "cream")),
    "padlock": (Round(50, 38, 40, 44, "grey"), Round(50, 38, 24, 28, "paper"), Square(28, 42, 44, 40, "yellow")),
    "bottle": (Square(44, 14, 12, 20, "dark"), Square(34, 32, 32, 54, "orange"), Square(34, 50, 32, 18, "cream")),
    "sack": (Round(50, 58, 56, 56, "cream"), Square(38, 22, 24, 14, "cream"), Round(50, 58, 22, 22, "brown")),
}


@cache
def drawing(name: str) -> bytes:
    """The drawing of that name, as PNG."""
    rows = [bytearray(bytes([0]) * SIDE) for _ in range(SIDE)]
    for shape in DRAWINGS[name]:
        _put(rows, shape)
    return _png(rows)


def _put(rows: list[bytearray], shape: Shape) -> None:
    colour = bytes([_NAMES.index(shape.colour)])
    for y in range(SIDE):
        begin, end = _span(shape, y)
        if begin < end:
            rows[y][begin:end] = colour * (end - begin)


def _span(shape: Shape, y: int) -> tuple[int, int]:
    """From which pixel to which the shape covers this row."""
    across, down = shape.across * SIDE // 100, shape.down * SIDE // 100
    x, middle = shape.x * SIDE // 100, shape.y * SIDE // 100
    if isinstance(shape, Square):
        return (x, min(SIDE, x + across)) if middle <= y < middle + down else (0, 0)
    high = 1 - ((y - middle) / (down / 2)) ** 2
    half = int(across / 2 * high**0.5) if high > 0 else 0
    return max(0, x - half), min(SIDE, x + half)


def _png(rows: list[bytearray]) -> bytes:
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 3, 0, 0, 0)
    palette = b"".join(bytes(_COLOURS[name]) for name in _NAMES)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

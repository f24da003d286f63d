"""An answer that never arrives: the request was taken, and then the line goes dead."""

import time
from collections.abc import Iterator

from flask import Response

_PROMISED_BYTES = 512


def cut_answer(after_s: int) -> Response:
    """Promises a body and ends without a byte of it, after `after_s` of real time: the client gets no usable answer,
    and no way to know whether its request was carried out."""
    response = Response(_nothing(after_s), 200, content_type="application/json")
    response.headers["Content-Length"] = str(_PROMISED_BYTES)
    return response


def _nothing(after_s: int) -> Iterator[bytes]:
    time.sleep(after_s)
    yield b""

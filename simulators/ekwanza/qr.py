"""A ticket's picture to scan."""

import base64
import io

import segno


def png_base64(text: str) -> str:
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(picture, kind="png", scale=6, border=4)
    return base64.b64encode(picture.getvalue()).decode()

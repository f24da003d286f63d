"""What a customer's phone sends for a picture and for a voice note: drawn and silent, made for this."""

from collections.abc import Mapping
from pathlib import Path

from simulators.twilio.messages import Media

_FOLDER = Path(__file__).parent

SAMPLES: Mapping[Media | None, tuple[str, bytes]] = {
    Media.IMAGE: ("image/jpeg", (_FOLDER / "picture.jpg").read_bytes()),
    Media.AUDIO: ("audio/ogg", (_FOLDER / "voice.ogg").read_bytes()),
}

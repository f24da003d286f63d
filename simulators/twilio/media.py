"""Files that messages carry: what the shop's messages name is fetched as Twilio fetches it, and kept for the page.

twilio.com/docs/whatsapp/guidance-whatsapp-media-messages: the Content-Type header must be that of the file; images
JPEG, PNG and WEBP up to 5 MB, everything up to 16 MB; audio OGG, AMR, 3GP, AAC, MPEG; PDF, Word, Excel, PowerPoint;
MP4. A document gets neither name nor caption. What can't be fetched ends the message as undelivered with 63019, what
WhatsApp doesn't take with 63021."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from simulators import faults
from simulators.courier import Courier, Delivery, Outcome
from simulators.fault_names import Fault
from simulators.jobs import Job, JobKind, Jobs
from simulators.store import Store, Transaction
from simulators.twilio import messages
from simulators.twilio.failures import BAD_CONTENT, LOST_MEDIA, Failure
from simulators.twilio.messages import Media, Status

MOST_IMAGE_BYTES = 5 * 1024 * 1024
MOST_FILE_BYTES = 16 * 1024 * 1024

_CONNECT_S = 5.0
_READ_S = 15.0

_KINDS = {
    "image/jpeg": Media.IMAGE,
    "image/png": Media.IMAGE,
    "image/webp": Media.IMAGE,
    "audio/ogg": Media.AUDIO,
    "audio/amr": Media.AUDIO,
    "audio/3gpp": Media.AUDIO,
    "audio/aac": Media.AUDIO,
    "audio/mpeg": Media.AUDIO,
    "video/mp4": Media.VIDEO,
    "application/pdf": Media.DOCUMENT,
    "application/msword": Media.DOCUMENT,
    "application/vnd.ms-excel": Media.DOCUMENT,
    "application/vnd.ms-powerpoint": Media.DOCUMENT,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": Media.DOCUMENT,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Media.DOCUMENT,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": Media.DOCUMENT,
}
_BEGINS = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "application/pdf": b"%PDF-",
    "audio/ogg": b"OggS",
}


@dataclass(frozen=True, slots=True)
class File:
    message: str
    place: int
    sid: str
    url: str
    content_type: str | None
    """None until it is here."""
    size: int
    error: str | None
    """Why it will never be here."""


def plan(tx: Transaction, jobs: Jobs, message: str, urls: Sequence[str]) -> None:
    """Fetch these files before that message is sent on."""
    for place, url in enumerate(urls):
        tx.run(
            "INSERT INTO media (message, place, sid, url) VALUES (?, ?, ?, ?)",
            message,
            place,
            messages.new_sid("ME"),
            url,
        )
        jobs.add(tx, JobKind.MEDIA, f"status:{message}", {"sid": message, "place": str(place)})


def keep(tx: Transaction, message: str, content_type: str, content: bytes) -> None:
    """What a customer's phone sends with a message."""
    tx.run(
        "INSERT INTO media (message, place, sid, url, content_type, file) VALUES (?, 0, ?, '', ?, ?)",
        message,
        media_sid(message),
        content_type,
        content,
    )


def media_sid(message: str) -> str:
    """Of the one file of a customer's message."""
    return "ME" + message[2:]


def of_message(tx: Transaction, message: str) -> list[File]:
    rows = tx.rows(
        "SELECT message, place, sid, url, content_type, length(file) AS size, error FROM media WHERE message = ?"
        " ORDER BY place",
        message,
    )
    return [
        File(
            str(row["message"]),
            int(row["place"]),
            str(row["sid"]),
            str(row["url"]),
            cast(str | None, row["content_type"]),
            int(row["size"] or 0),
            cast(str | None, row["error"]),
        )
        for row in rows
    ]


def content_of(tx: Transaction, message: str, *, sid: str | None = None, place: int = 0) -> tuple[str, bytes] | None:
    """Type and bytes, by the file's own id or its place; None while it is not here."""
    row = tx.row(
        "SELECT content_type, file FROM media WHERE message = ? AND (sid = ? OR (? IS NULL AND place = ?))"
        " AND file IS NOT NULL",
        message,
        sid,
        sid,
        place,
    )
    return (str(row["content_type"]), cast(bytes, row["file"])) if row else None


class Fetcher:
    """Fetches what the shop's messages carry, one file a job."""

    def __init__(self, store: Store, jobs: Jobs, courier: Courier) -> None:
        self._store = store
        self._jobs = jobs
        self._courier = courier

    def fetch(self, job: Job) -> None:
        sid, place = job.payload["sid"], int(job.payload["place"])
        with self._store.transaction() as tx:
            file = next((one for one in of_message(tx, sid) if one.place == place), None)
            is_lost = file is not None and faults.takes(tx, Fault.MEDIA_LOST)
        if file is None:
            with self._store.transaction() as tx:
                self._jobs.finish(tx, job)
            return
        outcome = None
        if not is_lost:
            outcome = self._get(file.url)
            if outcome.delivery is Delivery.UNREACHABLE:  # perhaps only a kept connection that had died
                outcome = self._get(file.url)
        failure = _failure(outcome)
        with self._store.transaction() as tx:
            if failure is None and outcome is not None:
                content_type = outcome.content_type.split(";")[0].strip().lower()
                tx.run(
                    "UPDATE media SET content_type = ?, file = ? WHERE sid = ?", content_type, outcome.body, file.sid
                )
                messages.carries(tx, sid, _KINDS[content_type])
            elif failure is not None:
                tx.run("UPDATE media SET error = ? WHERE sid = ?", failure.why or failure.text, file.sid)
                self._jobs.drop_others(tx, job)
                messages.plan_status(tx, self._jobs, sid, Status.FAILED, failure=failure)
            self._jobs.finish(tx, job)

    def _get(self, url: str) -> Outcome:
        return self._courier.get(url, MOST_FILE_BYTES, connect_s=_CONNECT_S, read_s=_READ_S)


def _failure(outcome: Outcome | None) -> Failure | None:
    if outcome is None:
        return LOST_MEDIA
    if not outcome.is_accepted or not outcome.body:
        why = f"the file’s address answered: {outcome.describe()}" if not outcome.is_accepted else "the file is empty"
        return LOST_MEDIA.because(why)
    content_type = outcome.content_type.split(";")[0].strip().lower()
    kind = _KINDS.get(content_type)
    if kind is None:
        return BAD_CONTENT.because(f"WhatsApp takes no files of type {content_type[:60] or 'unknown'}")
    if not outcome.body.startswith(_BEGINS.get(content_type, b"")):
        return BAD_CONTENT.because(f"the file is not the {content_type} that its Content-Type says")
    most = MOST_IMAGE_BYTES if kind is Media.IMAGE else MOST_FILE_BYTES
    if len(outcome.body) > most:
        return BAD_CONTENT.because(f"the file is larger than {most // 1024 // 1024} MB")
    return None

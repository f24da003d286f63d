"""Prompts, references and tickets whose time is over."""

from simulators.ekwanza import book, charges
from simulators.jobs import Job, Jobs
from simulators.store import Store


class Expiry:
    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs

    def expire(self, job: Job) -> None:
        with self._store.transaction() as tx:
            charges.expire(tx, self._jobs, book.get(tx, job.payload["charge"]))
            self._jobs.finish(tx, job)

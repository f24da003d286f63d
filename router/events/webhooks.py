"""Vendors' webhooks put together: the memory of endpoints, the signatures, the courier, and the routes."""

from collections.abc import Callable
from functools import partial

from flask import Blueprint
from sqlalchemy import Engine

from kit.background import Loop
from kit.clock import Clock
from kit.outside import Outside
from kit.signing import KeyRing
from kit.wakes import Wakes, topic_of
from router.databases import Databases, OpsDatabase
from router.edge import Edge
from router.events.attempts import Sender
from router.events.endpoints import EndpointBook
from router.events.fanout import Audience, tell_endpoints
from router.events.routes import webhook_routes
from router.events.sending import Courier
from router.events.signing import Signatures


class Webhooks:
    """Opens nothing and sends nothing until `loop` is started."""

    def __init__(self, databases: Databases, masters: KeyRing, outside: Outside, clock: Clock, wakes: Wakes) -> None:
        """What is announced in the shared ops database is delivered from now on; see `follow` for the others."""
        self._outside = outside
        self._signatures = Signatures(masters)
        self._book = EndpointBook(databases.platform)
        sender = Sender(outside, self._signatures, clock)
        self._courier = Courier(databases.shared, databases.platform, self._book, sender, clock)
        engine = databases.shared_ops.engine
        topic = topic_of(engine, "webhooks")
        wakes.register(topic, self.loop)
        self.follow(engine, partial(wakes.wake, topic))

    @property
    def loop(self) -> Loop:
        return self._courier.loop

    def follow(self, engine: Engine, wake: Callable[[], None]) -> None:
        """Deliver what is announced in this ops database, too. `wake` is called after a commit that has something for
        an endpoint; whoever hears it lets `visit` look."""
        tell_endpoints(engine, Audience(self._book, wake))

    def visit(self, database: OpsDatabase) -> bool:
        """Look for what is due in a dedicated database. For `router.rounds`."""
        return self._courier.visit(database)

    def routes(self, edge: Edge) -> Blueprint:
        return webhook_routes(edge, self._book, self._signatures, self._outside)

    def close(self) -> None:
        self._courier.close()

"""The simulators as a running service in this process, behind a real socket."""

import threading

from werkzeug.serving import make_server

from kit.clock import Clock
from kit.settings import Settings
from simulators.app import create_service
from tests.support.phone import Phone


class Simulators:
    """A running service. `restart` ends it and starts another on the same data."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock: Clock = settings.clock()
        self.base_url = f"http://127.0.0.1:{settings.simulators_port}"
        self.phone = Phone(self.base_url)
        self.start()

    def start(self) -> None:
        self._service = create_service(
            self.settings, self.clock, greetings=[("SHOP mama", "Mama Njeri")], businesses={"600001": "Mama Njeri"}
        )
        self._server = make_server("127.0.0.1", self.settings.simulators_port, self._service.app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._service.start()
        self._thread.start()

    def stop(self) -> None:
        self.phone.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._service.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

"""A service that listens on a free port, in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import uvicorn
from prometheus_client.parser import text_string_to_metric_families

from itemsearch.service.app import build_app
from itemsearch.service.current import open_warm
from itemsearch.service.limits import ServiceLimits
from itemsearch.service.protocol import TimedProtocol
from itemsearch.service.service import Service
from itemsearch.web.access import Address
from itemsearch.web.listen import listen, url_of


@dataclass(frozen=True)
class Running:
    """A service that runs, and a client of it."""

    service: Service
    url: str
    client: httpx2.Client

    def post(self, path: str, body: Any) -> Any:
        response = self.client.post(path, json=body)
        assert response.status_code == 200, response.text
        return response.json()

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        families = text_string_to_metric_families(self.client.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(each.value for each in samples if labels.items() <= each.labels.items())


@contextmanager
def listening(app: Callable[..., Any], address: Address) -> Iterator[str]:
    """Serves an application by uvicorn, as `itemsearch serve` does; yields its address."""
    with listen(address) as socket:
        config = uvicorn.Config(
            app, http=TimedProtocol, ws="none", log_level="critical", timeout_graceful_shutdown=10
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, args=([socket],))
        thread.start()
        try:
            yield url_of(socket, replace(address, host="127.0.0.1"))
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def served(
    index: Path, limits: ServiceLimits | None = None, address: Address | None = None, model: str = ""
) -> Iterator[Running]:
    """Serves an index."""
    address = address or Address(port=0)
    app = build_app(open_warm(index, model), address, limits or ServiceLimits())
    headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
    with listening(app, address) as url, httpx2.Client(base_url=url, headers=headers, timeout=60) as client:
        yield Running(app.state.service, url, client)

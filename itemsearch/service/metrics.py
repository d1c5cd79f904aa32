"""What the service counts, in Prometheus' text format."""

from __future__ import annotations

import os
from time import perf_counter

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from itemsearch.matching.engine import Engine

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which the worker processes count together; read when `prometheus_client` is imported."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)
CANDIDATES = (0, 10, 30, 100, 120, 300, 1000, 3000)
QUERIES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the page
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "itemsearch_requests", "Requests that were answered.", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "itemsearch_request_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.candidates = Histogram(
            "itemsearch_candidates",
            "Listings that were compared with a query.",
            buckets=CANDIDATES,
            registry=registry,
        )
        self.batches = Histogram(
            "itemsearch_batch_queries",
            "Queries that were answered together.",
            ["kind"],
            buckets=QUERIES,
            registry=registry,
        )
        self.failures = Counter(
            "itemsearch_open_failures", "New versions that could not be opened.", registry=registry
        )
        self.version = self._gauge("itemsearch_index_version", "The version of the index that is open.")
        self.rows = self._gauge("itemsearch_index_rows", "The listings of that version.")

    def _gauge(self, name: str, description: str) -> Gauge:
        return Gauge(name, description, registry=self.registry, multiprocess_mode="mostrecent")

    def opened(self, engine: Engine) -> None:
        """Tells which version is open."""
        self.version.set(engine.summary.version)
        self.rows.set(engine.summary.rows)

    def page(self) -> bytes:
        """The counts, of all worker processes."""
        registry = self.registry
        if SHARED_FOLDER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class CountRequests:
    """Counts each request by its route, not by its path, which is the client's to choose."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        status, start = 0, perf_counter()

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            if status:  # a client that left without an answer has no status
                self.metrics.requests.labels(route, str(status)).inc()
                self.metrics.seconds.labels(route).observe(perf_counter() - start)

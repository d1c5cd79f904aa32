"""Runs the service until SIGTERM or Ctrl-C."""

from __future__ import annotations

import logging
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.supervisors import Multiprocess

from itemsearch.service.current import open_warm
from itemsearch.service.limits import ServiceLimits
from itemsearch.service.protocol import TimedProtocol
from itemsearch.web.access import Address
from itemsearch.web.listen import listen, url_of

if TYPE_CHECKING:
    from fastapi import FastAPI

    from itemsearch.matching.engine import Engine

HEALTHCHECK_SECONDS = 60
"""So long a worker process may take to load its libraries before it counts as dead."""


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """What is served, and how. workers: processes, each of which opens the index and loads the model."""

    index: Path
    address: Address
    workers: int = 1
    model: str = ""
    device: str = "auto"
    limits: ServiceLimits = field(default_factory=ServiceLimits)


def serve(config: ServiceConfig, ready: Callable[[Engine, str], None]) -> None:
    """Serves an index; on SIGTERM and Ctrl-C it listens no more, answers what was asked, and returns.

    `ready` is called with the open index and the address of the service. The index is opened and the model
    loaded before anything listens.

    Raises:
        UsageError: other machines have access without a token.
        AddressError: the port is in use, or the host is not one of this machine.
        IndexFolderError: there is no index, or it is damaged.
        ModelMismatchError: the model is not the one that made the index.
    """
    config.address.check()
    engine = open_warm(config.index, config.model, config.device)
    with listen(config.address) as listening:
        ready(engine, url_of(listening, config.address))
        if config.workers == 1:
            # uvicorn raises the signal again once it has drained; that is no failure here.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, _noted)
            uvicorn.Server(_settings(config, partial(_app_of, config, engine))).run([listening])
            return
        del engine
        with tempfile.TemporaryDirectory(prefix="itemsearch-metrics-") as shared:
            # Before `prometheus_client` is imported, which happens in the worker processes alone.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
            Multiprocess(_settings(config, partial(_app_of, config)), [listening]).run()


def _settings(config: ServiceConfig, app: Callable[[], FastAPI]) -> uvicorn.Config:
    limits = config.limits
    return uvicorn.Config(
        app,
        factory=True,
        http=TimedProtocol,
        ws="none",
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        # Behind a proxy the guards see the proxy's own headers: what a client says of itself is not trusted.
        proxy_headers=False,
        workers=config.workers,
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=int(limits.body_seconds + limits.seconds) + 1,
        timeout_worker_healthcheck=HEALTHCHECK_SECONDS,
    )


def _app_of(config: ServiceConfig, engine: Engine | None = None) -> FastAPI:
    from itemsearch.service.app import build_app  # it imports `prometheus_client`

    engine = engine or open_warm(config.index, config.model, config.device)
    return build_app(engine, config.address, config.limits)


def _noted(number: int, frame: object) -> None:
    """The drained service ends as a program that is done."""

"""Keeps the current version of an index open."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from itemsearch.errors import ItemSearchError
from itemsearch.indexes.errors import VectorIndexError
from itemsearch.indexes.storage.versions import read_pointer
from itemsearch.matching.engine import Engine

SECONDS_BETWEEN_LOOKS = 1.0

logger = logging.getLogger("uvicorn.error")


class CurrentEngine:
    """The engine of the version that CURRENT names.

    Whoever answers a request takes `engine` once: a version that is replaced stays open until its last
    request is answered, since nothing closes it. changed: called with each engine that is opened. failed:
    called when one cannot be opened; the one before then stays.
    """

    def __init__(self, engine: Engine, changed: Callable[[Engine], None], failed: Callable[[], None]) -> None:
        self.engine = engine
        self.changed = changed
        self.failed = failed
        self._opened: tuple[int, str] | None = None
        self._told = ""
        self._end = Event()
        self._thread = Thread(target=self._watch, name="versions", daemon=True)

    def start(self) -> None:
        self.changed(self.engine)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def look(self) -> None:
        """Opens the current version unless it is open."""
        try:
            pointer = read_pointer(self.engine.folder)
            # The hash of the manifest tells a version from one of its number in a folder that was built anew.
            named = pointer.current, pointer.manifests[pointer.current]
            if named == self._opened:
                return
            first = self._opened is None and pointer.current == self.engine.summary.version
            if not first:
                engine = self.engine.reopened()
                warm_up(engine)
                self.engine = engine
                self.changed(engine)
                logger.warning("version %d of %s is open", engine.summary.version, engine.folder)
            self._opened = named
            self._told = ""
        except (ItemSearchError, VectorIndexError, OSError) as error:
            if str(error) != self._told:  # once, not at every look
                logger.error("version %d stays open: %s", self.engine.summary.version, error)
                self.failed()
            self._told = str(error)

    def _watch(self) -> None:
        while not self._end.wait(SECONDS_BETWEEN_LOOKS):
            self.look()


def open_warm(folder: Path, model: str = "", device: str = "auto") -> Engine:
    """Opens the current version of an index folder, with its model.

    Raises:
        IndexFolderError: there is no index, or it is damaged.
        ModelMismatchError: the model is not the one that made the index.
    """
    engine = Engine.open(folder, model, device)
    warm_up(engine)
    return engine


def warm_up(engine: Engine) -> None:
    """Loads what the first request would otherwise wait for."""
    if engine.summary.model is not None:
        engine.search(title="warm up", k=1)
    engine.search_rows([0], k=1)

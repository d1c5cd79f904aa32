"""Fetches pictures into a folder: asks many addresses at a time and accounts for each of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from ssl import SSLContext

from itemsearch.fetch.account import Account
from itemsearch.fetch.client import Answer, PictureClient
from itemsearch.fetch.failures import as_failure
from itemsearch.fetch.picture import picture_format
from itemsearch.fetch.schedule import Job, Schedule
from itemsearch.fetch.state import FAILURES, FetchState, content_hash
from itemsearch.fetch.types import FetchConfig, FetchReport, Known, NoPictureError, Outcome, Result
from itemsearch.fetched import without_credentials
from itemsearch.indexes.durable import replace_file
from itemsearch.indexes.progress import Progress
from itemsearch.spreadsheet import as_csv

SAVED_TOGETHER = 512
"""Outcomes recorded at a time: at most as many are lost by a kill."""

SAVED_SECONDS = 1.0
"""Older outcomes are recorded even where they are fewer."""

MAX_WAIT_SECONDS = 300.0
"""A server that asks to be left alone for longer is left alone until the next run. A guess."""


def fetch_pictures(
    addresses: Sequence[str],
    folder: Path,
    config: FetchConfig,
    progress: Progress,
    trusted: SSLContext | None = None,
) -> FetchReport:
    """Downloads what is new or changed at `addresses` into `folder`, and records what became of each.

    A run that was stopped is resumed. An address that fails in a way that may pass (timeouts, 429, 5xx) keeps
    the picture of an earlier run. `failures.csv` in the folder lists what failed.

    Args:
        addresses: different ones; memory grows with their number.
        trusted: the certificates that are trusted; None for the system's.

    Raises:
        FetchError: the folder holds other files, another process writes to it, its state is damaged, or the
            disk is full.
    """
    started = time.perf_counter()
    with FetchState.open(folder) as state:
        account = Account(len(addresses), progress)
        left = [
            address
            for address in addresses
            if not account.resume(state.resumed(without_credentials(address)))
        ]
        try:
            asyncio.run(_Run(state, config, account).ask_all(left, trusted))
        except ExceptionGroup as group:  # of the tasks, which the first that failed ended
            raise _first(group) from group
        replace_file(folder / FAILURES, as_csv(account.failures()))
        state.finish()
    return account.report(time.perf_counter() - started)


class _Run:
    """The workers of a run, and the outcomes that they have brought and that are not recorded yet."""

    def __init__(self, state: FetchState, config: FetchConfig, account: Account) -> None:
        self._state = state
        self._config = config
        self._account = account
        self._unsaved: list[Outcome] = []
        self._saved = time.monotonic()

    async def ask_all(self, addresses: Sequence[str], trusted: SSLContext | None) -> None:
        schedule = Schedule(addresses, self._config.per_host, self._config.rate)
        try:
            async with (
                PictureClient(self._config, schedule, trusted) as client,
                asyncio.TaskGroup() as workers,  # an exception of one ends them all
            ):
                for _ in range(min(self._config.parallel, len(addresses))):
                    workers.create_task(self._work(client, schedule))
        finally:  # what is done is recorded at an interrupt too
            self._save()

    async def _work(self, client: PictureClient, schedule: Schedule) -> None:
        while (job := await schedule.take()) is not None:
            known = self._state.known(without_credentials(job.address))
            try:
                outcome = await self._outcome(client, schedule, job, known)
            except NoPictureError as failure:
                if self._may_retry(job, failure) and not schedule.given_up(job):
                    schedule.retry(job, failure.wait)
                    continue
                outcome = _failed(job.address, known, failure)
            self._add(outcome)
            schedule.done(job)

    async def _outcome(
        self, client: PictureClient, schedule: Schedule, job: Job, known: Known | None
    ) -> Outcome:
        """
        Raises:
            NoPictureError: there is no picture this time.
        """
        if schedule.given_up(job):
            message = f"{job.host} does not answer, so that it was not asked any more"
            raise NoPictureError("host does not answer", message, passing=True, answered=False)
        try:
            await client.check_robots(job.address)
            await schedule.settle(job)
            answer = await self._ask(client, job, known)
        except Exception as error:  # whatever a server sends must not end the run
            failure = as_failure(error, self._config.max_seconds)
            schedule.answered(job, failure.answered)
            raise failure from error
        schedule.answered(job, True)
        return self._kept(job.address, known, answer)

    async def _ask(self, client: PictureClient, job: Job, known: Known | None) -> Answer:
        """
        Raises:
            TimeoutError: the address has had its time.
            Exception: as `PictureClient.ask`.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._config.max_seconds - job.spent):
                return await client.ask(job.address, known)
        finally:
            job.spent += time.monotonic() - started

    def _may_retry(self, job: Job, failure: NoPictureError) -> bool:
        return (
            failure.passing
            and job.tries < self._config.retries
            and job.spent < self._config.max_seconds
            and (failure.wait or 0.0) <= MAX_WAIT_SECONDS
        )

    def _kept(self, address: str, known: Known | None, answer: Answer) -> Outcome:
        """Keeps the picture of an answer.

        Raises:
            NoPictureError: it is none.
        """
        if answer.body is None:
            assert known is not None, "no address is asked whether it changed that was not kept"
            picture = replace(
                known,
                etag=answer.etag or known.etag,
                last_modified=answer.last_modified or known.last_modified,
            )
            return _ok(address, Result.UNCHANGED, answer, picture)
        name = content_hash(answer.body)
        if known is not None and known.content_hash == name:
            picture = replace(known, etag=answer.etag, last_modified=answer.last_modified)
            return _ok(address, Result.UNCHANGED, answer, picture)
        try:
            format = picture_format(answer.body, self._config.max_pixels, answer.whole)
        except NoPictureError as failure:
            failure.status = answer.status
            raise
        picture = Known(answer.etag, answer.last_modified, name, format, len(answer.body))
        self._state.write_picture(answer.body, picture)
        return _ok(address, Result.DOWNLOADED, answer, picture)

    def _add(self, outcome: Outcome) -> None:
        """Accounts for an outcome, and records those that have gathered."""
        self._account.add(outcome)
        self._unsaved.append(outcome)
        if len(self._unsaved) >= SAVED_TOGETHER or time.monotonic() - self._saved >= SAVED_SECONDS:
            self._save()

    def _save(self) -> None:
        # In the event loop: on a thread, SQLite would wait for the interpreter's lock at each row.
        self._state.save(self._unsaved)
        self._unsaved.clear()
        self._saved = time.monotonic()


def _ok(address: str, result: Result, answer: Answer, picture: Known) -> Outcome:
    shown = without_credentials(address)
    return Outcome(shown, result, answer.status, answer.final_address, picture, "", "", time.time())


def _failed(address: str, known: Known | None, failure: NoPictureError) -> Outcome:
    kept = known if failure.passing else None
    shown = without_credentials(address)
    error = " ".join(str(failure).split())
    return Outcome(shown, Result.FAILED, failure.status, "", kept, failure.reason, error, time.time())


def _first(group: ExceptionGroup[Exception]) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error

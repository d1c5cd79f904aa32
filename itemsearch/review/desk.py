"""The open session with its pages, which a newer one can replace while requests are answered."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Self

from itemsearch.review.log_pages import LogPages
from itemsearch.review.pages import Pages
from itemsearch.review.session import ReviewSession


@dataclass(frozen=True, slots=True)
class View:
    """A session and its pages. A request is answered from one view alone."""

    session: ReviewSession
    pages: Pages
    log: LogPages

    @classmethod
    def of(cls, session: ReviewSession, user: str, link: str) -> Self:
        """The pages of a session; user and link as in `Pages`."""
        pages = Pages(session, user, link)
        return cls(session, pages, LogPages(pages))


class Desk:
    """Holds the view. user, link: as in `Pages`."""

    def __init__(self, session: ReviewSession, user: str = "", link: str = "") -> None:
        self.user = user
        self.link = link
        self.view = View.of(session, user, link)
        self._renewing = Lock()

    def renew(self) -> None:
        """Opens what is newer than the view, if anything is; the view stays where that fails.

        Raises:
            ItemSearchError: as `ReviewSession.open`.
        """
        with self._renewing:
            if self.view.session.watch.newer():
                self.view = View.of(self.view.session.reopened(), self.user, self.link)

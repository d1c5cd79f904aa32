"""Every page, as people with a screen reader, a keyboard or low vision meet it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from support.axe import findings, in_colours
from support.browsers import click, needs_chromium, served
from support.exports import MINIATURES

from itemsearch.benchmarks.reports.page import (
    CaseListing,
    Report,
    ReportTable,
    Section,
    write_report,
)
from itemsearch.catalog import CatalogConfig, check_catalog
from itemsearch.catalog.check_page import write_check_page
from itemsearch.decisions.events import Action
from itemsearch.duplicates.run_folder import read_tables
from itemsearch.review.decision_request import DecisionRequest
from itemsearch.review.report import write_groups_report
from itemsearch.review.session import ReviewSession

pytestmark = needs_chromium
PAGES = (
    "/",
    "/?did=1&state=any",
    "/?sample=automatic",
    "/?sample=review",
    "/accept?tier=%3Dreview",
    "/group?id=big",
    "/group?id=small&drawn=1",
    "/merge?group=big&other=small",
    "/pairs?kind=weakest",
    "/pairs?kind=variants",
    "/search",
    "/search?id=00000",
    "/accept?only=page",
    "/?assigned=%3D&text=mug",
    "/decisions",
    "/decisions?by=%3DAnn",
    "/steps",
    "/decisions?by=me&kind=keep",
    "/steps",
    "/print",
    "/no-such-page",
    "/group?id=no-such-group",
)


@pytest.fixture(params=["light", "dark"])
def browser(browser: webdriver.Chrome, request: pytest.FixtureRequest) -> Iterator[webdriver.Chrome]:
    in_colours(browser, request.param)
    yield browser
    in_colours(browser, "light")


@pytest.fixture
def decided(found: Path) -> Path:
    """A group that was told apart, and one whose keeper was chosen."""
    session = ReviewSession.open(found)
    ids = ["00000", "00001", "00002"]
    session.decide(DecisionRequest(Action.SPLIT, "big", ids, 0, ids, ["00002"], who="Ann"))
    session.keep("00011", DecisionRequest(Action.KEEP, "small", ["00010", "00011"], 9, [], who="Bo"))
    session.remark(Action.NOTE, "small", ["00010", "00011"], "which size?", "")
    session.remark(Action.ASSIGN, "sure", ["00020", "00021"], "Bo", "")
    return found


def assert_nothing(found: list[str]) -> None:
    assert not found, "\n".join(found)


def test_axe_finds_nothing_on_the_pages_of_the_application(browser: webdriver.Chrome, decided: Path) -> None:
    found = []
    with served(browser, decided) as address:
        for page in PAGES:
            browser.get(f"{address}{page}")
            found += [f"{page}: {each}" for each in findings(browser)]
        browser.get_log("browser")  # where Chromium notes pages that are missing on purpose
    assert_nothing(found)


def test_groups_listings_and_buttons_have_names(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/?order=worth")
        card = browser.find_element(By.ID, "card-1")
        assert card.accessible_name.startswith("Group big, to review: 3 listings, ")
        names = [button.accessible_name for button in card.find_elements(By.TAG_NAME, "button")]
        assert {"Keep this: 00001", "One product: group big", "All different: group big"} <= set(names)
        browser.get(f"{address}/group?id=big")
        names = [button.accessible_name for button in browser.find_elements(By.TAG_NAME, "button")]
        assert any(name.startswith("Not this one: 00002, ") for name in names)
        assert "One product: 00000, 00001, 00002" in names
        figures = browser.find_elements(By.TAG_NAME, "figure")
        assert all(
            id in figure.accessible_name for id, figure in zip(("00000", "00001"), figures, strict=False)
        )


def test_what_was_done_is_said_and_the_keyboard_goes_on(browser: webdriver.Chrome, found: Path) -> None:
    def said() -> str:
        live = "return document.querySelector('body > .unseen[role=status]')?.textContent"
        return str(WebDriverWait(browser, 5).until(lambda page: page.execute_script(live)))

    def focus() -> str:
        return str(browser.execute_script("return document.activeElement.id"))

    with served(browser, found) as address:
        browser.get(f"{address}/?order=worth")
        click(browser, "#card-1 button[value=confirm]")
        assert said().startswith("Confirmed: one product (00000, 00001, 00002)")
        assert focus() == "card-1"  # the next group has come here
        click(browser, "#card-2 button[value=reject]")
        assert said().startswith("Rejected: not the same product")
        assert focus() == "card-1"  # of the last group there was nothing left
        browser.get(f"{address}/group?id=big")
        click(browser, "button[name=id][value='00002']")
        assert said().startswith("Rejected: not the same product")
        assert focus() == "main"


def test_axe_finds_nothing_where_somebody_was_here_before(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/?order=worth")
        ids = ["00000", "00001", "00002"]
        ReviewSession.open(found).decide(DecisionRequest(Action.REJECT, "big", ids, 0, ids, who="Bo"))
        click(browser, "#card-1 button[value=confirm]")
        assert "Bo" in browser.find_element(By.TAG_NAME, "main").text
        assert_nothing(findings(browser))
        browser.get_log("browser")  # where Chromium notes the status of the page, 409


def test_axe_finds_nothing_on_the_report(browser: webdriver.Chrome, found: Path) -> None:
    tables = read_tables(found, ReviewSession.open(found).engine.listings)
    write_groups_report(found / "report.html", tables, ["3 groups."])
    browser.get((found / "report.html").as_uri())
    assert_nothing(findings(browser))


def test_axe_finds_nothing_on_the_page_of_a_check(browser: webdriver.Chrome, tmp_path: Path) -> None:
    catalog = MINIATURES["Google Merchant feed"](tmp_path)
    summary = check_catalog(CatalogConfig(str(catalog)))
    write_check_page(tmp_path / "page.html", summary, "", ["1 picture is missing"])
    browser.get((tmp_path / "page.html").as_uri())
    assert_nothing(findings(browser))


def test_axe_finds_nothing_on_the_report_of_a_benchmark(browser: webdriver.Chrome, tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "curve.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    table = ReportTable(["method", "recall@1"], [["ours", ".9"]])
    case = [CaseListing("query", "A mug", "000001", None), CaseListing("found", "A cup", "000002", None)]
    section = Section("Search", "What was measured.", {"recall": "found"}, [table], ["curve"], [case], "full")
    machine = {"processor": "a processor", "cores": 2, "memory": 2**33, "gpu": ""}
    described = {"command": "itemsearch benchmark", "model": None, "options": {}, "machine": machine}
    write_report(tmp_path, {**described, "versions": {}, "made": "today"}, {}, Report("R", "S.", [section]))
    browser.get((tmp_path / "report.html").as_uri())
    assert_nothing(findings(browser))

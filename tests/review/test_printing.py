"""Groups on paper, as Chromium prints them."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from support.axe import in_colours
from support.browsers import needs_chromium, served
from support.run_folders import a_group, a_pair, tables, write_run_folder

from itemsearch.columns import take_rows
from itemsearch.duplicates.run_folder import DuplicateTables
from itemsearch.review.report import write_groups_report
from itemsearch.search.engine import Engine

pytestmark = needs_chromium
A4 = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": False}


def sheets(browser: webdriver.Chrome) -> int:
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", A4)["data"])
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def visible_on_paper(browser: webdriver.Chrome, selector: str) -> int:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        elements = browser.find_elements(By.CSS_SELECTOR, selector)
        return sum(element.is_displayed() for element in elements)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.fixture
def many(index: Path, tmp_path: Path) -> DuplicateTables:
    """120 groups of two, of which every second is automatic."""
    listings = take_rows(Engine.open(index).listings, np.arange(240) % 60)
    ids = [f"{n:05d}" for n in range(240)]
    listings = listings.set_column(0, "id", [ids])
    groups = [
        a_group(f"g{n}", ids[2 * n : 2 * n + 2], "review" if n % 2 else "automatic") for n in range(120)
    ]
    pairs = [a_pair(*ids[2 * n : 2 * n + 2]) for n in range(120)]
    return DuplicateTables(listings, *tables(pairs, groups))


def test_each_group_of_the_report_is_on_a_sheet_of_its_own(
    browser: webdriver.Chrome, many: DuplicateTables, tmp_path: Path
) -> None:
    write_groups_report(tmp_path / "report.html", many, ["120 groups."])
    browser.get((tmp_path / "report.html").as_uri())
    assert sheets(browser) == 1 + 100  # the facts first
    browser.execute_script("document.querySelector('[name=tier]').value = '=review'")
    browser.execute_script("document.querySelector('form').dispatchEvent(new Event('change'))")
    assert sheets(browser) == 1 + 60
    for selector in (".filters", "button", "#weakest", "#variants"):
        assert visible_on_paper(browser, selector) == 0
    assert visible_on_paper(browser, ".keep-badge") > 0


def test_all_groups_of_the_report_are_printed_where_they_are_asked_for(
    browser: webdriver.Chrome, many: DuplicateTables, tmp_path: Path
) -> None:
    write_groups_report(tmp_path / "report.html", many, ["120 groups."])
    browser.get((tmp_path / "report.html").as_uri())
    script = (
        "const [which, done] = arguments;"
        "print = () => { dispatchEvent(new Event('beforeprint'));"
        "done(document.querySelectorAll('.unprinted').length); };"
        "document.querySelector(`[data-print=${which}]`).click()"
    )
    assert browser.execute_async_script(script, "first") == 20
    assert browser.execute_async_script(script, "all") == 0


def test_pages_of_the_application_are_printed_without_what_is_for_clicks(
    browser: webdriver.Chrome, own_index: Path, tmp_path: Path
) -> None:
    ids = [f"{n:05d}" for n in range(60)]
    groups = [
        a_group("crowd", ids[:50]),
        a_group("five", ids[50:55]),
        a_group("two", ids[55:57], "automatic"),
    ]
    pairs = [a_pair(group[0]["id"], row["id"]) for group in groups for row in group[1:]]
    found = write_run_folder(tmp_path / "found", own_index, pairs, groups)
    with served(browser, found) as address:
        browser.get(f"{address}/?order=worth")
        assert sheets(browser) == 3
        assert visible_on_paper(browser, "button, summary, input, .filters, .together") == 0
        browser.get(f"{address}/print?order=worth")
        assert sheets(browser) == 3  # the crowd of fifty has one too
        for selector in ("nav", "form", "button", "h1", ".filters"):
            assert visible_on_paper(browser, selector) == 0
        assert visible_on_paper(browser, ".keep-badge") == 3
        browser.get(f"{address}/print?tier=%3Dautomatic")
        assert sheets(browser) == 1
        browser.get(f"{address}/group?id=crowd")
        assert sheets(browser) == 1


def test_marks_are_seen_on_black_and_white_paper_in_a_dark_browser_too(
    browser: webdriver.Chrome, found: Path
) -> None:
    with served(browser, found) as address:
        in_colours(browser, "dark")
        browser.get(f"{address}/print")
        dark = {"name": "prefers-color-scheme", "value": "dark"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": [dark]})
        mark = browser.find_element(By.TAG_NAME, "mark")
        keeper = browser.find_element(By.CSS_SELECTOR, ".keeper .picture")
        assert mark.value_of_css_property("text-decoration-line") == "underline"
        assert mark.value_of_css_property("color") == "rgba(0, 0, 0, 1)"
        assert keeper.value_of_css_property("border-top-color") == "rgba(0, 0, 0, 1)"
        background = browser.find_element(By.TAG_NAME, "html").value_of_css_property("background-color")
        assert background == "rgba(255, 255, 255, 1)"
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_a_page_to_print_has_a_hundred_groups_unless_all_are_asked_for(
    browser: webdriver.Chrome, index: Path, tmp_path: Path
) -> None:
    ids = [f"{n:05d}" for n in range(60)]
    groups = [a_group(f"g{n}", [ids[n % 60], ids[(n + 1 + n // 60) % 60]]) for n in range(110)]
    pairs = [a_pair(*sorted(row["id"] for row in group)) for group in groups]
    found = write_run_folder(tmp_path / "found", index, pairs, groups)
    with served(browser, found) as address:
        browser.get(f"{address}/print")
        assert "These are the first of 110" in browser.find_element(By.TAG_NAME, "main").text
        assert len(browser.find_elements(By.CSS_SELECTOR, ".card")) == 100
        browser.find_element(By.LINK_TEXT, "all 110").click()
        assert sheets(browser) == 110

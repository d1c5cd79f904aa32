"""The report and the application in a real browser; skipped where Chromium or its driver is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from support.browsers import PHONE, click, needs_chromium, served, wait_for_the_next
from support.catalogs import draw_picture
from support.run_folders import a_group, a_pair, tables

from itemsearch.columns import take_rows
from itemsearch.duplicates.run_folder import DuplicateTables, read_tables
from itemsearch.review.report import write_groups_report
from itemsearch.review.session import ReviewSession
from itemsearch.search.engine import Engine

pytestmark = needs_chromium


def visible(browser: webdriver.Chrome) -> list[str]:
    script = "return [...document.querySelectorAll('.card:not([hidden])')].map(card => card.id)"
    return list(browser.execute_script(script))


def focused(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return document.activeElement.id"))


def press(browser: webdriver.Chrome, keys: str) -> None:
    browser.switch_to.active_element.send_keys(keys)


def choose(browser: webdriver.Chrome, name: str, value: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"select[name={name}] option[value='{value}']").click()


def text(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


@pytest.fixture
def report(found: Path, own_index: Path) -> str:
    run_tables = read_tables(found, Engine.open(own_index).ranker.listings)
    write_groups_report(found / "report.html", run_tables, ["3 groups."])
    return (found / "report.html").as_uri()


def test_the_report_is_filtered_and_walked_by_keyboard(browser: webdriver.Chrome, report: str) -> None:
    browser.get(report)
    groups = ["card-g1", "card-g2", "card-g3"]
    assert visible(browser)[:3] == groups
    assert browser.find_element(By.TAG_NAME, "output").text == "3 of 3 groups"
    for key, place in (("j", 0), ("j", 1), (Keys.ARROW_DOWN, 2), ("k", 1), (Keys.ARROW_UP, 0)):
        press(browser, key)
        assert focused(browser) == groups[place]
    outline = browser.switch_to.active_element.value_of_css_property("outline-style")
    assert outline == "solid"
    press(browser, "?")
    assert "next group" in browser.find_element(By.ID, "help").text
    press(browser, Keys.ESCAPE)
    assert not browser.find_element(By.ID, "help").is_displayed()
    choose(browser, "tier", "=automatic")
    assert [id for id in visible(browser) if id in groups] == ["card-g3"]
    assert browser.find_element(By.TAG_NAME, "output").text == "1 of 3 groups"
    choose(browser, "order", "worth")
    browser.find_element(By.CSS_SELECTOR, "button[type=reset]").click()
    WebDriverWait(browser, 5).until(lambda _: len(visible(browser)) > 3)
    choose(browser, "category", "=lamp")
    assert browser.find_element(By.TAG_NAME, "output").text.endswith(" of 3 groups")
    loaded = "return [...document.images].filter(i => i.complete && i.naturalWidth > 0).length"
    assert browser.execute_script(loaded) > 0


@pytest.mark.parametrize(
    "page",
    ["/", "/?sample=automatic", "/group?id=big", "/search?id=00000", "/pairs?kind=variants", "/decisions"],
)
def test_a_phone_needs_no_sideways_scrolling(browser: webdriver.Chrome, found: Path, page: str) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    with served(browser, found) as address:
        browser.get(f"{address}{page}")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_the_report_on_a_phone(browser: webdriver.Chrome, report: str) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    browser.get(report)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_a_report_of_thousands_of_groups_stays_quick(
    browser: webdriver.Chrome, index: Path, tmp_path: Path
) -> None:
    count = 3000
    listings = take_rows(Engine.open(index).listings, np.arange(2 * count) % 60)
    ids = [f"{n:05d}" for n in range(2 * count)]
    listings = listings.set_column(0, "id", [ids])
    groups = [a_group(f"g{n}", ids[2 * n : 2 * n + 2], ("review", "automatic")[n % 2]) for n in range(count)]
    pairs = [a_pair(*ids[2 * n : 2 * n + 2]) for n in range(count)]
    path = tmp_path / "report.html"
    assert write_groups_report(path, DuplicateTables(listings, *tables(pairs, groups)), []) == count
    browser.get(path.as_uri())
    # A page this long may still be read when the driver takes it for loaded.
    WebDriverWait(browser, 30).until(
        lambda page: page.execute_script("return document.readyState") == "complete"
    )
    assert len(visible(browser)) > count
    timed = (
        "const from = performance.now(); document.querySelector('[name=tier]').value = '=review';"
        "document.querySelector('form').dispatchEvent(new Event('change'));"
        "document.body.offsetHeight; return performance.now() - from"
    )
    assert browser.execute_script(timed) < 1000
    assert browser.find_element(By.TAG_NAME, "output").text == "1,500 of 3,000 groups"


def test_a_person_confirms_rejects_splits_and_undoes(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/group?id=big")
        browser.find_element(By.CSS_SELECTOR, "input[name=ticked][value='00002']").click()
        click(browser, "button[value=split]")
        assert "Split (00000, 00001, 00002)" in text(browser)
        assert "decided to be different" in text(browser)
        click(browser, ".done button")
        assert "Taken back" in text(browser)
        assert "decided to be different" not in text(browser)
        browser.get(address)
        press(browser, "j")
        click_by_key(browser, "c")
        assert "1 decided, 2 left" in text(browser)
        click_by_key(browser, "u")
        assert "0 decided, 3 left" in text(browser)
        click(browser, "button[value=confirm]")
        click(browser, "button[value=reject]")
        assert "2 decided, 1 left" in text(browser)
    with served(browser, found) as address:  # another server finds them, and so does a reload
        browser.get(f"{address}/decisions")
        browser.refresh()
        made = [row.text for row in browser.find_elements(By.CSS_SELECTOR, ".event")]
        assert ["Rejected" in made[0], "Confirmed" in made[1], "Taken back" in made[2]] == [True] * 3
        assert "Confirmed: one product (undone)" in made[3]
        assert "Split (undone)" in made[5]
        assert "2 decided, 1 left" in text(browser)


def test_a_keeper_is_chosen_by_key_and_by_click(browser: webdriver.Chrome, found: Path) -> None:
    def kept() -> str:
        return browser.find_element(By.CSS_SELECTOR, ".card figure.keeper .id").text.split()[0]

    with served(browser, found) as address:
        browser.get(f"{address}/?order=worth")
        press(browser, "j")
        assert (focused(browser), kept()) == ("card-1", "00000")
        press(browser, "2")
        assert "00001" in browser.switch_to.active_element.text
        click_by_key(browser, "k")
        assert "To be kept: 00001" in text(browser)
        assert (focused(browser), kept()) == ("card-1", "00001")
        press(browser, "2")
        press(browser, "k")  # it is kept already
        click_by_key(browser, "u")
        assert (focused(browser), kept()) == ("card-1", "00000")
        click_by_key(browser, "o")
        browser.find_element(By.CSS_SELECTOR, "input[name=ticked][value='00000']").click()
        click(browser, "button[value=split]")
        assert kept() in ("00001", "00002")
        other = browser.find_element(By.CSS_SELECTOR, "button.keep").get_attribute("value")
        click(browser, "button.keep")
        assert kept() == other
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        browser.get(f"{address}/?order=worth")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_a_person_is_asked_for_a_name_once(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(address)
        browser.find_element(By.NAME, "name").send_keys("Ann Lee\n")
        WebDriverWait(browser, 10).until(lambda page: "Ann Lee" in text(page))
        assert browser.find_elements(By.CSS_SELECTOR, "input[name=name]:not([type=hidden])") == []
        press(browser, "j")
        click_by_key(browser, "c")
        browser.get(f"{address}/decisions")
        assert "Ann Lee" in browser.find_element(By.CLASS_NAME, "events").text
        browser.delete_all_cookies()


def test_a_tier_is_accepted_in_one_step_and_taken_back(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/?tier=%3Dreview")
        browser.find_element(By.PARTIAL_LINK_TEXT, "Accept these").click()
        assert "Accept 2 groups, 5 listings?" in text(browser)
        click(browser, "main button.good")
        assert "Accepted: each group is one product" in text(browser)
        assert "2 decided, 1 left" in text(browser)
        click_by_key(browser, "u")
        assert "0 decided, 3 left" in text(browser)


def test_a_missed_pair_is_joined_from_search(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/search?id=00010")
        browser.find_elements(By.CSS_SELECTOR, "input[name=part]:not(:checked)")[3].click()
        click(browser, "button[value=confirm]")
        assert "Confirmed: one product" in text(browser)
        assert text(browser).count("decided: the same product") == 1
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        browser.get(f"{address}/search?id=00010")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_a_sample_is_checked_by_keyboard(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(address)
        browser.find_element(By.LINK_TEXT, "Sample").click()
        assert "1 random automatic groups" in text(browser)
        browser.find_element(By.LINK_TEXT, "20 groups to review").click()
        assert "Group 1 of 2" in text(browser)
        click_by_key(browser, "c")
        assert "Of 1 checked groups to review, 1 is right: 100% (21% to 100%)" in text(browser)
        assert "Group 2 of 2" in text(browser)
        click_by_key(browser, "u")
        assert "Group 1 of 2" in text(browser)
        click_by_key(browser, "x")
        click_by_key(browser, "o")
        assert "To the next group of the sample" in text(browser)
        click(browser, "button[value=confirm]")
        browser.find_element(By.PARTIAL_LINK_TEXT, "next group of the sample").click()
        assert "Of 2 checked groups to review, 1 is right: 50%" in text(browser)
        assert "All 2 are checked" in text(browser)


def test_the_report_is_put_in_another_order(browser: webdriver.Chrome, report: str) -> None:
    browser.get(report)
    by_worth = ["big", "small", "sure"]
    choose(browser, "order", "worth")
    headers = browser.find_elements(By.CSS_SELECTOR, ".cards:first-of-type .card header")
    assert [header.text.split("group ")[-1] for header in headers[:3]] == by_worth
    browser.execute_script("document.activeElement.blur()")
    press(browser, "j")
    assert "group big" in browser.switch_to.active_element.text


def click_by_key(browser: webdriver.Chrome, key: str) -> None:
    old = browser.find_element(By.TAG_NAME, "html")
    press(browser, key)
    wait_for_the_next(browser, old)


def test_a_picture_is_uploaded(browser: webdriver.Chrome, found: Path, tmp_path: Path) -> None:
    draw_picture(12).save(tmp_path / "mine.png")
    with served(browser, found) as address:
        browser.get(f"{address}/search")
        browser.find_element(By.NAME, "picture").send_keys(str(tmp_path / "mine.png"))
        click(browser, "main form[enctype] button")
        assert "Most similar to mine.png" in text(browser)
        assert text(browser).count("similar listings") == 24


def test_hostile_listings_run_no_script(browser: webdriver.Chrome, evil_found: Path) -> None:
    session = ReviewSession.open(evil_found)
    run_tables = read_tables(evil_found, session.engine.listings)
    write_groups_report(evil_found / "report.html", run_tables, [])
    with served(browser, evil_found) as address:
        pages = ["/", "/pairs?kind=variants", "/decisions", "/search?words=%3Cscript%3Ealert(1)%3C/script%3E"]
        for page in [(evil_found / "report.html").as_uri(), *(f"{address}{page}" for page in pages)]:
            browser.get(page)  # an open dialog would fail the next command
            assert "mug" in text(browser) or page.endswith("decisions")
            assert browser.find_elements(By.CSS_SELECTOR, "[onerror], [onload]") == []
            own = "script[src^='/assets/']" if page.startswith("http") else "body > script:last-child"
            scripts = len(browser.find_elements(By.TAG_NAME, "script"))
            assert scripts == len(browser.find_elements(By.CSS_SELECTOR, own)) > 0
        browser.get((evil_found / "report.html").as_uri())
        options = browser.find_elements(By.CSS_SELECTOR, "select[name=seller] option")
        assert "<script>alert(1)</script>" in [option.text for option in options]
        options[1].click()
        assert browser.find_element(By.TAG_NAME, "output").text.startswith("1 of 3")

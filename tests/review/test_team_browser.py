"""What several people do at once, in a real browser; skipped where Chromium or its driver is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from support.browsers import PHONE, click, needs_chromium, served, wait_for_the_next
from support.run_folders import a_group, a_pair, write_run_folder

from itemsearch.decisions.events import Action
from itemsearch.decisions.pair_labels import all_same
from itemsearch.review.session import ReviewSession

pytestmark = needs_chromium
BIG = ["00000", "00001", "00002"]


def text(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def focused(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return document.activeElement.id"))


def press(browser: webdriver.Chrome, keys: str) -> None:
    browser.switch_to.active_element.send_keys(keys)


def click_by_key(browser: webdriver.Chrome, key: str) -> None:
    old = browser.find_element(By.TAG_NAME, "html")
    press(browser, key)
    wait_for_the_next(browser, old)


def decide_elsewhere(found: Path, ids: list[str], who: str) -> int:
    """Another person decides, in another process as it were."""
    session = ReviewSession.open(found)
    labels = all_same(ids, session.current.content_hashes(ids))
    return session.decisions.record(Action.CONFIRM, "big", labels, 2**60, [], who=who)


def type_key(browser: webdriver.Chrome, key: str, code: str, **more: object) -> None:
    """A key as a layout of another language sends it: the driver knows that of an American keyboard alone."""
    browser.execute_script(
        "(document.activeElement ?? document.body).dispatchEvent("
        "new KeyboardEvent('keydown', {bubbles: true, cancelable: true, ...arguments[0]}))",
        {"key": key, "code": code, **more},
    )


def group_in_focus(browser: webdriver.Chrome) -> str:
    script = "return document.activeElement.querySelector('input[name=group]')?.value"
    return str(browser.execute_script(script))


def test_undo_takes_back_step_after_step_and_keys_go_on(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/?order=worth")
        press(browser, "j")
        order = []
        for _ in range(2):
            order.append(group_in_focus(browser))
            click_by_key(browser, "c")
        assert group_in_focus(browser) == "sure"
        assert "did=" not in browser.current_url
        for place, group in enumerate(reversed(order)):
            click_by_key(browser, "u")
            assert "Taken back: Confirmed" in text(browser)
            assert group_in_focus(browser) == group
            assert f"{1 - place} decided" in text(browser)
        assert browser.find_elements(By.CSS_SELECTOR, "form.undo") == []
        click_by_key(browser, "x")
        browser.find_element(By.LINK_TEXT, "Last steps").click()
        assert "Rejected: not the same product" in browser.find_element(By.CLASS_NAME, "events").text
        click(browser, ".event button")
        assert "None yet." in text(browser)


def test_keys_go_by_what_is_printed_on_them(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/?order=worth")
        for key, code, place in (
            ("j", "KeyC", "card-1"),  # Dvorak prints j where others have c
            ("J", "KeyJ", "card-2"),  # Caps Lock
            ("л", "KeyK", "card-1"),  # Russian
            ("ξ", "KeyJ", "card-2"),  # Greek
            ("è", "KeyJ", "card-2"),  # Latin: the letter that is printed there is no key
        ):
            type_key(browser, key, code)
            assert focused(browser) == place, key
        type_key(browser, "é", "Digit2")  # the key of 2 on a French keyboard
        assert "00011" in browser.switch_to.active_element.text
        type_key(browser, "&", "Digit7", shiftKey=True)
        type_key(browser, "j", "KeyJ", ctrlKey=True)
        assert "00011" in browser.switch_to.active_element.text
        field = browser.find_element(By.NAME, "text")
        field.send_keys("cxu")
        assert field.get_attribute("value") == "cxu"
        assert "0 decided, 3 left" in text(browser)


def test_a_key_that_is_held_down_decides_once(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/?order=worth")
        press(browser, "j")
        type_key(browser, "x", "KeyX", repeat=True)
        assert "0 decided" in text(browser)
        browser.execute_script(
            "const button = document.activeElement.querySelector('[data-key=x]');"
            "button.click(); button.click()"
        )
        WebDriverWait(browser, 10).until(lambda page: "1 decided" in text(page))
        assert len(ReviewSession.open(found).decisions.events()) == 1


def test_back_shows_the_present_and_asks_nothing(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/?order=worth")
        click(browser, "button[value=confirm]")
        browser.find_element(By.LINK_TEXT, "Decisions").click()
        browser.back()
        assert "1 decided, 2 left" in text(browser)
        browser.back()  # to the page of before the decision
        WebDriverWait(browser, 10).until(lambda page: "1 decided, 2 left" in text(page))
        assert browser.find_elements(By.CSS_SELECTOR, ".done") == []
        browser.refresh()
        assert "1 decided, 2 left" in text(browser)


def test_a_conflict_leads_on_and_back_with_nothing_lost(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/group?id=big")
        browser.find_element(By.CSS_SELECTOR, "input[name=ticked][value='00002']").click()
        decide_elsewhere(found, BIG, "Bob")
        click(browser, "button[value=split]")
        browser.get_log("browser")  # the status 409 stands there
        assert "Bob decided here after this page was made" in text(browser)
        assert "Bob" in browser.find_element(By.CLASS_NAME, "events").text
        loaded = "return [...document.querySelectorAll('.strip img')].every(i => i.naturalWidth > 0)"
        WebDriverWait(browser, 10).until(lambda page: page.execute_script(loaded))
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        browser.find_element(By.LINK_TEXT, "Back to where I was").click()
        tick = browser.find_element(By.CSS_SELECTOR, "input[name=ticked][value='00002']")
        assert tick.is_selected()
        assert "confirmed: one product" in text(browser)
        browser.back()
        browser.get_log("browser")
        browser.get(f"{address}/?order=worth&state=any")
        decide_elsewhere(found, BIG, "Bob")
        page = browser.find_element(By.CSS_SELECTOR, "#card-2 button[value=reject]")
        decide_elsewhere(found, ["00010", "00011"], "Cem")
        browser.execute_script("arguments[0].click()", page)
        WebDriverWait(browser, 10).until(lambda page: "Not saved yet" in text(page))
        browser.get_log("browser")
        click(browser, "#again button.good")
        assert "Rejected: not the same product" in text(browser)
        assert (focused(browser), "state=any" in browser.current_url) == ("card-2", True)


def test_a_newer_run_is_offered_while_a_page_is_open(
    browser: webdriver.Chrome, found: Path, own_index: Path
) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/?state=any")
        notice = browser.find_element(By.ID, "newer")
        assert not notice.is_displayed()
        write_run_folder(found, own_index, [a_pair("00010", "00011")], [a_group("small", ["00010", "00011"])])
        os.utime(found / "run.json", ns=(1, 10**18))
        browser.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
        WebDriverWait(browser, 10).until(lambda _: notice.is_displayed())
        assert "A newer run of duplicates is here." in notice.text
        click(browser, "#newer button")
        assert "1 of 1 groups" in text(browser)
        assert "state=any" in browser.current_url


def test_groups_are_noted_on_and_assigned(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, found) as address:
        browser.get(f"{address}/?order=worth")
        press(browser, "j")
        press(browser, "n")
        WebDriverWait(browser, 10).until(
            lambda page: page.switch_to.active_element.get_attribute("name") == "text"
        )
        click_by_key(browser, f"which size?{Keys.ENTER}")
        assert "Note: which size?" in text(browser)
        assert "which size?" in browser.find_element(By.CLASS_NAME, "notes").text
        assert focused(browser) == "card-1"
        browser.execute_script("scrollTo(0, 0)")
        summary = browser.find_element(By.XPATH, "//summary[contains(., 'Assign these 3')]")
        summary.click()
        browser.find_element(By.CSS_SELECTOR, ".together input[name=to]").send_keys("Bob")
        click(browser, ".together form button")
        assert text(browser).count("for Bob") == 3
        browser.find_element(By.XPATH, "//summary[.='More']").click()
        browser.find_element(By.CSS_SELECTOR, "select[name=assigned] option[value='=']").click()
        WebDriverWait(browser, 10).until(lambda page: "0 of 3 groups" in text(page))
        assert browser.find_element(
            By.NAME, "assigned"
        ).is_displayed()  # what narrows the page stays in sight


@pytest.mark.parametrize("page", ["/steps", "/accept?only=page", "/?assigned=me", "/decisions?by=me"])
def test_these_pages_fit_a_phone(browser: webdriver.Chrome, found: Path, page: str) -> None:
    decide_elsewhere(found, BIG, "")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    with served(browser, found) as address:
        browser.get(f"{address}{page}")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390

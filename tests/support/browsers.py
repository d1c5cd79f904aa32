"""A real browser, and the review application served for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from itemsearch.review.app import build_app
from itemsearch.review.session import ReviewSession
from itemsearch.web.access import Address

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver"
)
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


@pytest.fixture(scope="module")
def chromium() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """Nothing may be refused by the page's own policy, fail to load, or throw."""
    chromium.get_log("browser")
    yield chromium
    log = [entry for entry in chromium.get_log("browser") if entry["level"] != "INFO"]
    assert not log, log
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@contextmanager
def served(browser: webdriver.Chrome, folder: Path) -> Iterator[str]:
    config = uvicorn.Config(build_app(ReviewSession.open(folder), Address()), port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        browser.get("about:blank")  # or pictures below the fold would ask a server that is gone
        server.should_exit = True
        thread.join()


def wait_for_the_next(browser: webdriver.Chrome, page: WebElement) -> None:
    # Between two pages the driver may say of the old one that it belongs to none.
    WebDriverWait(browser, 10, ignored_exceptions=[WebDriverException]).until(staleness_of(page))


def click(browser: webdriver.Chrome, selector: str) -> None:
    """Clicks, and waits for the page that it leads to."""
    old = browser.find_element(By.TAG_NAME, "html")
    browser.find_element(By.CSS_SELECTOR, selector).click()
    wait_for_the_next(browser, old)

"""How listings look in a real browser: large pictures, crowds, long titles and Arabic ones, no groups."""

from __future__ import annotations

import csv
import json
import re
import shutil
import time
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from support.browsers import PHONE, needs_chromium, served
from support.run_folders import a_group, a_pair, write_run_folder

from itemsearch.catalog import CatalogConfig
from itemsearch.duplicates.run_folder import read_tables
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import Encoder
from itemsearch.review.outcome import NothingFound
from itemsearch.review.report import write_groups_report
from itemsearch.review.session import ReviewSession
from itemsearch.search.build import build_index_folder

pytestmark = needs_chromium
ARABIC = "قميص أحمر 500 مل — Nike (2024)"
LONG = (
    "Handmade ceramic mug with a wide handle for coffee, tea and soup, dishwasher safe, gift boxed, "
    "from the potters of the northern coast, {} ml"
)
CROWD = 60


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """A catalog with its pictures of 640 x 480 pixels, a store, an index, and a run with a crowd of 60."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "images").mkdir()
    titles = {0: ARABIC, 1: ARABIC.replace("500", "250"), 2: LONG.format(300), 3: LONG.format(500)}
    with (folder / "shop.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "image", "category", "price"])
        for number in range(4 + CROWD):
            picture = Image.new("RGB", (640, 480), "white")
            colour = (180 - number % 4, 30, 40) if number != 3 else (30, 60, 190)
            ImageDraw.Draw(picture).rectangle((160 + number, 90, 480, 390), fill=colour)
            picture.save(folder / "images" / f"{number}.png")
            title = titles.get(number, f"Red mug of the house, no {number}")
            writer.writerow([f"{number:03d}", title, f"images/{number}.png", "قمصان", f"{number}.50"])
    config = CatalogConfig(str(folder / "shop.csv"))
    embed_catalog(config, folder / "store", encoder, EmbedConfig(), lambda rows, rejected: None)
    build_index_folder(folder / "store", folder / "index")
    crowd = [f"{number:03d}" for number in range(4, 4 + CROWD)]
    pairs = [
        a_pair("000", "001", conflicts=["size: 500 مل / 250 مل"]),
        a_pair("002", "003", conflicts=["size: 300 ml / 500 ml"]),
        *(a_pair(crowd[0], other) for other in crowd[1:]),
    ]
    groups = [a_group("arabic", ["000", "001"]), a_group("long", ["002", "003"]), a_group("crowd", crowd)]
    write_run_folder(folder / "found", folder / "index", pairs, groups)
    return folder


@pytest.fixture
def found(shop: Path, tmp_path: Path) -> Path:
    """A copy, so that decisions on it are the test's own."""
    return Path(shutil.copytree(shop, tmp_path / "shop")) / "found"


def at_its_place(found: Path) -> Path:
    """The run, told that its index lies beside it."""
    run = json.loads((found / "run.json").read_text())
    (found / "run.json").write_text(json.dumps({**run, "index": "../index"}))
    return found


def press(browser: webdriver.Chrome, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def style(browser: webdriver.Chrome, name: str) -> float:
    script = f"return document.querySelector('#viewer').style.getPropertyValue('--{name}')"
    return float(browser.execute_script(script))


def find(browser: webdriver.Chrome, selector: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, selector)


def wait(browser: webdriver.Chrome, script: str) -> None:
    WebDriverWait(browser, 10).until(lambda page: page.execute_script(f"return {script}"))


def wait_for_notice(browser: webdriver.Chrome, words: str) -> None:
    # Between two pages the driver may say of the old one that it belongs to none.
    waiting = WebDriverWait(browser, 10, ignored_exceptions=[WebDriverException])
    waiting.until(lambda page: words in find(page, ".notice.done").text)


def test_two_pictures_are_looked_at_side_by_side(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, at_its_place(found)) as address:
        browser.get(f"{address}/group?id=long")
        find(browser, "figure:nth-of-type(2) a.picture").click()
        wait(
            browser,
            "[...document.querySelectorAll('.pane img:not(.over)')].every(i => i.naturalWidth === 640)",
        )
        assert find(browser, "#viewer-title").text == "Listing 2 beside listing 1, of 2"
        assert "500 ml" in find(browser, ".pane.second .name").text
        wait(browser, "document.querySelector('.colours').textContent.includes('clearly other colours')")
        assert find(browser, ".pane.first .swatches").get_attribute("aria-label").startswith("its colours")
        inside = browser.execute_script("return document.activeElement.closest('dialog')?.id")
        assert inside == "viewer"
        for _ in range(12):  # the focus stays within
            press(browser, Keys.TAB)
            at = browser.switch_to.active_element
            assert at.tag_name == "body" or at.find_elements(By.XPATH, "ancestor-or-self::*[@id='viewer']")
        press(browser, Keys.ESCAPE)
        assert not find(browser, "#viewer").is_displayed()
        wait(browser, "document.activeElement.getAttribute('aria-label') === 'look closer at 003'")


def test_both_pictures_zoom_and_move_together(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, at_its_place(found)) as address:
        browser.get(f"{address}/group?id=long")
        press(browser, "j", "1", "z")  # on a listing that the keyboard chose
        press(browser, "+")
        assert style(browser, "scale") == pytest.approx(1.5625)
        press(browser, Keys.ARROW_RIGHT)
        assert style(browser, "x") == pytest.approx(-0.1)
        panes = [find(browser, f".pane.{name} img") for name in ("first", "second")]
        moved = [re.findall(r"[-\d.]+", pane.value_of_css_property("transform")) for pane in panes]
        assert [float(number) for number in moved[0]] == pytest.approx(list(map(float, moved[1])), abs=0.1)
        press(browser, "0")
        assert (style(browser, "scale"), style(browser, "x")) == (1, 0)
        ActionChains(browser).scroll_from_origin(
            webdriver.common.actions.wheel_input.ScrollOrigin.from_element(
                find(browser, ".first .stage"), 100, 0
            ),
            0,
            -200,
        ).perform()
        assert style(browser, "scale") > 1
        x = style(browser, "x")
        assert x < 0, "what is under the pointer stays there"
        ActionChains(browser).drag_and_drop_by_offset(find(browser, ".second .stage"), 40, 0).perform()
        assert style(browser, "x") > x
        assert find(browser, "#viewer").is_displayed()


def test_two_fingers_zoom_both_pictures(browser: webdriver.Chrome, found: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    with served(browser, at_its_place(found)) as address:
        browser.get(f"{address}/group?id=long")
        find(browser, "a.picture").click()
        stage = find(browser, ".first .stage").rect
        middle = (stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2)

        def touch(kind: str, *across: int) -> None:
            points = [{"x": middle[0] + x, "y": middle[1], "id": i} for i, x in enumerate(across)]
            browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", -20, 20)
        for apart in (30, 40, 60):
            touch("touchMove", -apart, apart)
        touch("touchEnd")
        assert 2 < style(browser, "scale") < 4, "three times as far apart"
        browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_the_next_listing_blink_and_difference(browser: webdriver.Chrome, found: Path) -> None:
    over = "!document.querySelector('.over').hidden"
    with served(browser, at_its_place(found)) as address:
        browser.get(f"{address}/group?id=crowd")
        press(browser, "j", "1", Keys.ENTER)
        assert find(browser, "#viewer-title").text == f"Listing 2 beside listing 1, of {CROWD}"
        for key, listing in (
            ("n", 3),
            (Keys.ARROW_RIGHT, 4),
            ("p", 3),
            ("p", 2),
            ("p", CROWD),
            ("n", 2),
            ("7", 7),
        ):
            press(browser, key)
            assert find(browser, "#viewer-title").text.startswith(f"Listing {listing} beside")
        ActionChains(browser).key_down("b").perform()
        assert browser.execute_script(f"return {over}")
        ActionChains(browser).key_up("b").perform()
        assert not browser.execute_script(f"return {over}")
        press(browser, "d")
        blend = find(browser, ".over").value_of_css_property("mix-blend-mode")
        assert (blend, find(browser, ".pane.second").is_displayed()) == ("difference", False)
        press(browser, Keys.ESCAPE)
        wait(browser, "document.activeElement.getAttribute('aria-label') === 'look closer at 010'")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        find(browser, "figure:nth-of-type(2) a.picture").click()
        assert browser.execute_script("return document.querySelector('#viewer').scrollWidth") <= 390
        tops = [find(browser, f".{name} .stage").rect["y"] for name in ("first", "second")]
        assert tops[1] > tops[0] + 100, "one below the other on a phone"


def test_pictures_are_sharp_and_nothing_jumps_when_they_come(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, at_its_place(found)) as address:
        browser.get(f"{address}/group?id=long")
        wait(
            browser,
            "[...document.querySelectorAll('.members img')]"
            ".every(i => i.complete && i.currentSrc.includes('/384/'))",
        )
        script = (
            "const before = document.querySelector('.members').offsetHeight;"
            "for (const image of document.querySelectorAll('.members img'))"
            "  ['src', 'srcset'].forEach((name) => image.removeAttribute(name));"
            "return before - document.querySelector('.members').offsetHeight"
        )
        assert browser.execute_script(script) == 0
        shutil.rmtree(found.parent / "images")
        browser.get(f"{address}/group?id=arabic")
        find(browser, "a.picture").click()
        wait(browser, "!document.querySelector('.second .small').hidden")
        assert "Only the small picture is here" in find(browser, ".pane.second").text


def ticked(browser: webdriver.Chrome) -> list[int]:
    boxes = browser.find_elements(By.NAME, "ticked")
    return [place for place, box in enumerate(boxes) if box.is_selected()]


def test_a_crowd_is_one_grid_whose_listings_are_ticked_in_ranges(
    browser: webdriver.Chrome, found: Path
) -> None:
    with served(browser, at_its_place(found)) as address:
        browser.get(f"{address}/group?id=crowd")
        boxes = browser.find_elements(By.NAME, "ticked")
        assert find(browser, "output").text == f"0 of {CROWD} ticked"
        assert not find(browser, "button[value=split]").is_enabled()
        assert find(browser, ".crowd").size["height"] < 2200, "all of it in three screens or less"
        boxes[2].click()
        ActionChains(browser).key_down(Keys.SHIFT).click(boxes[6]).key_up(Keys.SHIFT).perform()
        assert ticked(browser) == [2, 3, 4, 5, 6]
        ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT).key_up(
            Keys.SHIFT
        ).perform()
        assert ticked(browser) == [2, 3, 4, 5, 6, 7, 8]
        press(browser, Keys.ARROW_DOWN, Keys.SPACE)
        below = ticked(browser)[-1]
        assert below > 9
        assert boxes[below].rect["x"] == boxes[8].rect["x"]
        find(browser, "[data-tick=all]").click()
        assert find(browser, "output").text == f"{CROWD} of {CROWD} ticked"
        find(browser, "[data-tick=none]").click()
        boxes[0].click()
        find(browser, "[data-tick=others]").click()
        assert ticked(browser) == list(range(1, CROWD))
        find(browser, "[data-tick=none]").click()
        boxes[1].click()
        boxes[3].click()
        find(browser, "button[value=split]").click()
        wait_for_notice(browser, "Split")
        parts = browser.find_elements(By.CSS_SELECTOR, "form:has(.members)")
        sizes = [len(part.find_elements(By.CSS_SELECTOR, "figure")) for part in parts]
        assert sizes == [CROWD - 2, 2]
        boxes = parts[0].find_elements(By.NAME, "ticked")
        for place in (0, 1, 2):
            boxes[place].click()
        button = find(browser, "[formaction='/confirm-ticked']")
        browser.execute_script("arguments[0].scrollIntoView({ block: 'center' })", button)
        button.click()
        wait_for_notice(browser, "Confirmed")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        browser.get(f"{address}/group?id=crowd")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_a_group_of_250_stays_quick(browser: webdriver.Chrome, index: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(index, tmp_path / "index"))
    ids = [f"{number:05d}" for number in range(60)]
    pairs = [a_pair(ids[0], other) for other in ids[1:]]
    found = write_run_folder(tmp_path / "found", own, pairs, [a_group("crowd", ids)])
    with served(browser, found) as address:
        started = time.perf_counter()
        browser.get(f"{address}/group?id=crowd")
        assert time.perf_counter() - started < 5
        # Of a page with four times the listings, by its own script.
        script = (
            "const members = document.querySelector('.members');"
            "for (let i = 0; i < 190; i++) members.append(members.children[i % 60].cloneNode(true));"
            "const from = performance.now(); document.querySelector('[data-tick=all]').click();"
            "document.body.offsetHeight; return performance.now() - from"
        )
        assert browser.execute_script(script) < 500


def test_a_long_title_folds_and_shows_the_words_that_it_hides(browser: webdriver.Chrome, found: Path) -> None:
    with served(browser, at_its_place(found)) as address:
        browser.get(f"{address}/group?id=long")
        title, summary = find(browser, "details.title .title-text"), find(browser, "details.title summary")
        folded = title.size["height"]
        assert folded < 80
        assert find(browser, ".late").text == "… 300"
        assert title.get_attribute("title") == LONG.format(300), "the whole title to whoever hovers"
        summary.send_keys(Keys.ENTER)
        wait(browser, "document.querySelector('details.title').open")
        assert title.size["height"] > folded
        assert not find(browser, ".late").is_displayed()
        summary.click()
        wait(browser, "!document.querySelector('details.title').open")


def test_titles_from_right_to_left_keep_what_stands_beside_them_in_order(
    browser: webdriver.Chrome, found: Path
) -> None:
    tables = read_tables(at_its_place(found), ReviewSession.open(found).engine.listings)
    write_groups_report(found / "report.html", tables, [])
    with served(browser, found) as address:
        for page in (f"{address}/group?id=arabic", (found / "report.html").as_uri()):
            browser.get(page)
            figure = next(
                each for each in browser.find_elements(By.TAG_NAME, "figure") if "Nike" in each.text
            )
            title = figure.find_element(By.CSS_SELECTOR, ".title-text")
            direction = "return getComputedStyle(arguments[0]).direction"
            assert browser.execute_script(direction, title) == "rtl"
            line = figure.find_element(By.CSS_SELECTOR, ".id")
            assert browser.execute_script(direction, line) == "ltr"
            id, category = line.find_elements(By.TAG_NAME, "bdi")[:2]
            assert id.rect["x"] < category.rect["x"], "the id comes first, whatever follows"
            values = browser.find_elements(By.CSS_SELECTOR, ".against bdi")
            shown = [each for each in values if "مل" in each.text][:2]
            shown.sort(key=lambda value: (value.rect["y"], value.rect["x"]))
            assert [each.text for each in shown] == ["500 مل", "250 مل"], "as the listings are"


def test_a_run_without_groups_says_what_happened_and_what_to_try(
    browser: webdriver.Chrome, shop: Path, tmp_path: Path
) -> None:
    found = write_run_folder(tmp_path / "found", shop / "index", [a_pair("000", "001", "variant")], [])
    run = json.loads((found / "run.json").read_text())
    counts = {"joined": 64, "compared": 900, "pairs": {"variant": 3}}
    join = {"join": {"filter": {"where": "", "other": "seller"}}}
    run |= {"report": counts, "settings": join}
    (found / "run.json").write_text(json.dumps(run))
    with served(browser, found) as address:
        browser.get(address)
        words = find(browser, ".nothing").text
        assert "64 listings were read, and 900 pairs of them compared." in words
        assert "from a probability of 0.25 on" in words
        assert '--other "seller"' in words
        assert "3 pairs are variants" in words
        assert "itemsearch check CATALOG" in words
    tables = read_tables(found, ReviewSession.open(found).engine.listings)
    write_groups_report(found / "report.html", tables, [], NothingFound.of_run(run))
    browser.get((found / "report.html").as_uri())
    assert "900 pairs of them compared" in find(browser, ".nothing").text

"""The story of docs/merchandiser.md, run for real: a night, a morning at the desk, and the next night.

    python -m itemsearch.benchmarks.experiments.desk_story --work RUN [--pictures docs/desk] [--products 1300]

Draws a catalog into RUN, finds its duplicates, and decides on them in Chromium as a person would: the
automatic groups in one step, then 30 of those to review one by one, by the labels of the drawn catalog.
Exports what to do, takes the listings down from the catalog, and runs the next night. Writes the pictures as
WebP, and prints what every step said. Needs Debian's chromium and chromium-driver.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from itemsearch.decisions.log import DecisionLog

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
QUALITY = 70
"""Of the WebP pictures: small, and letters stay sharp."""
CARD = "#card-1"


@dataclass(frozen=True, slots=True)
class Desk:
    """The open application. address: its own. pictures: where its pictures go, None for nowhere."""

    browser: webdriver.Chrome
    address: str
    pictures: Path | None

    def picture(self, name: str) -> None:
        """Writes what the window shows."""
        if self.pictures is None:
            return
        self.pictures.mkdir(parents=True, exist_ok=True)
        with Image.open(io.BytesIO(self.browser.get_screenshot_as_png())) as image:
            image.convert("RGB").save(self.pictures / f"{name}.webp", quality=QUALITY, method=6)

    def follow(self, selector: str) -> None:
        """Clicks what leads to the next page."""
        page = self.browser.find_element(By.TAG_NAME, "html")
        self.browser.find_element(By.CSS_SELECTOR, selector).click()
        WebDriverWait(self.browser, 30).until(staleness_of(page))

    def press(self, key: str) -> None:
        """Presses a key that leads to the next page."""
        page = self.browser.find_element(By.TAG_NAME, "html")
        self.browser.find_element(By.CSS_SELECTOR, CARD).send_keys(key)
        WebDriverWait(self.browser, 30).until(staleness_of(page))

    def open(self, path: str) -> None:
        self.browser.get(f"{self.address}{path}")


def tell(work: Path, products: int, reviewed: int, pictures: Path | None) -> dict[str, Any]:
    """Runs the story; returns the counts of its steps.

    Raises:
        subprocess.CalledProcessError: a command failed and has printed its error.
    """
    shop, out, folder = work / "shop", work / "dedupe", work / "dedupe" / "duplicates"
    for each in (shop, out):
        shutil.rmtree(each, ignore_errors=True)
    run("sample-catalog", shop, "--products", products)
    night = run("dedupe", shop / "catalog.csv", "--out", out)
    product_of = dict(rows(shop / "labels.csv", "id", "group"))
    with reviewing(folder) as address, chromium() as browser:
        desk = Desk(browser, address, pictures)
        accepted = accept_the_sure_ones(desk)
        decided = review_one_by_one(desk, reviewed, product_of)
        desk.open("/decisions")
        desk.picture("decisions")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        desk.open("/?state=decided&order=worth")
        desk.picture("phone")
    actions = work / "actions.csv"
    exported = run("export-actions", folder, "--out", actions, "--link", "https://shop.example/{id}")
    down = {id for id, action in rows(actions, "id", "action") if action != "keep"}
    take_down(shop / "catalog.csv", down)
    next_night = run("dedupe", shop / "catalog.csv", "--out", out)
    again = run("export-actions", folder, "--out", work / "again.csv")
    return {
        "the night": night["duplicates"]["groups"],
        "accepted in one step": accepted,
        "reviewed": decided,
        "exported": exported["actions"],
        "taken down, of which wrong": [len(down), len(wrong(actions, product_of))],
        "the next night": next_night["duplicates"]["groups"],
        "come back": come_back(out, down),
        "a second export": again["actions"],
    }


def accept_the_sure_ones(desk: Desk) -> str:
    """Accepts the automatic groups; returns what the page asked."""
    desk.open("/?tier=%3Dautomatic")
    desk.browser.find_element(By.PARTIAL_LINK_TEXT, "Accept these").click()
    desk.picture("accept")
    asked = desk.browser.find_element(By.TAG_NAME, "h1").text
    desk.follow("main button.good")
    return str(asked)


def review_one_by_one(desk: Desk, most: int, product_of: Mapping[str, str]) -> dict[str, int]:
    """Decides on up to so many groups, the first of the page again and again; returns how often each answer
    was given."""
    given = {"one product": 0, "all different": 0, "split": 0}
    for number in range(most):
        desk.open("/?tier=%3Dreview&order=worth")
        if not (ids := listings_of(desk)):
            break
        if number == 0:
            desk.picture("review")
        products = {product_of[id] for id in ids}
        if len(products) == 1:
            desk.press("c")
            given["one product"] += 1
        elif len(products) == len(ids):
            desk.press("x")
            given["all different"] += 1
        else:
            split(desk, ids, product_of)
            given["split"] += 1
    return given


def split(desk: Desk, ids: list[str], product_of: Mapping[str, str]) -> None:
    """Ticks the listings that are another product than the first, splits them off, and confirms the rest."""
    desk.press("o")
    for id in ids:
        if product_of[id] != product_of[ids[0]]:
            desk.browser.find_element(By.CSS_SELECTOR, f"input[name=ticked][value='{id}']").send_keys(
                Keys.SPACE
            )
    desk.picture("split")
    desk.follow("button[value=split]")
    if desk.browser.find_elements(By.CSS_SELECTOR, "button[value=confirm]"):
        desk.follow("button[value=confirm]")


def listings_of(desk: Desk) -> list[str]:
    """The ids on the first card, as its form names them; none where no group is left."""
    fields = desk.browser.find_elements(By.CSS_SELECTOR, f"{CARD} form[action='/decide'] input[name=part]")
    return [str(field.get_attribute("value")) for field in fields]


def take_down(catalog: Path, down: set[str]) -> None:
    """Takes listings out of a catalog, as the shop does."""
    with catalog.open(newline="", encoding="utf-8") as file:
        names, *kept = (row for row in csv.reader(file) if row[0] not in down)
    with catalog.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *kept])


def come_back(out: Path, down: set[str]) -> int:
    """How many groups of a run have a listing that was taken down, or two on which somebody decided."""
    groups: dict[str, set[str]] = defaultdict(set)
    for id, group in rows(out / "duplicates" / "groups.csv", "id", "group_id"):
        groups[group].add(id)
    decided = [{label.id_a, label.id_b} for label in DecisionLog.of_index(out / "index").labels()]
    return sum(bool(ids & down) or any(pair <= ids for pair in decided) for ids in groups.values())


def wrong(actions: Path, product_of: Mapping[str, str]) -> list[str]:
    """The listings that were taken down for another product than their own."""
    pairs = rows(actions, "id", "keeper_id")
    return [id for id, keeper in pairs if product_of[id] != product_of[keeper]]


def rows(path: Path, one: str, other: str) -> Iterator[tuple[str, str]]:
    """Two columns of a CSV file."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            yield row[one], row[other]


def run(*arguments: object) -> dict[str, Any]:
    """Runs a command of itemsearch; returns what it says as JSON, {} where it says nothing so."""
    command = [sys.executable, "-m", "itemsearch", *(str(each) for each in arguments)]
    if arguments[0] != "sample-catalog":
        command.append("--json")
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout) if "--json" in command else {}


@contextmanager
def reviewing(folder: Path) -> Iterator[str]:
    """Runs `itemsearch review`; yields its address."""
    command = [sys.executable, "-m", "itemsearch", "review", str(folder), "--port", "0", "--user", "Ann"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"http://[\w.]+:\d+", line)
        if found is None:
            raise SystemExit(f"the application did not start: {line}{process.stderr.read()}")
        yield found[0]
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """A browser without a window of its own, 1280 pixels wide."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,1000"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield browser
    finally:
        browser.quit()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.desk_story")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for the catalog and what is made of it"
    )
    parser.add_argument("--pictures", type=Path, help="folder for the pictures; default: none")
    parser.add_argument("--products", type=int, default=1300)
    parser.add_argument("--reviewed", type=int, default=30)
    arguments = parser.parse_args()
    story = tell(arguments.work, arguments.products, arguments.reviewed, arguments.pictures)
    print(json.dumps(story, indent=1))


if __name__ == "__main__":
    main()

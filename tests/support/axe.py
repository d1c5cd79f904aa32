"""Runs axe-core, which finds what keeps people with a screen reader or low vision from using a page."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from selenium import webdriver

# The wheel is there for the script alone: the file of axe-core's own package, with a line end more.
_AXE = files("axe_playwright_python").joinpath("axe.min.js")
_RUN = """
const done = arguments[arguments.length - 1];
for (const card of document.querySelectorAll(".card")) card.style.contentVisibility = "visible";
axe.run(document, {resultTypes: ["violations"]}).then(found => done(found.violations), done);
"""


@cache
def _script() -> str:
    return _AXE.read_text("utf-8")


def findings(browser: webdriver.Chrome) -> list[str]:
    """What axe finds on the open page, best practices included, as lines with impact, rule and place."""
    browser.execute_script(_script())
    browser.set_script_timeout(60)
    return [
        f"{rule['impact']}: {rule['help']} ({rule['id']}): {node['target']} {node['html'][:200]}"
        for rule in browser.execute_async_script(_RUN)
        for node in rule["nodes"]
    ]


def in_colours(browser: webdriver.Chrome, scheme: str) -> None:
    """Shows pages as in the "light" or the "dark" mode of a system."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

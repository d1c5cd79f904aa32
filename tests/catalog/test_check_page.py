from __future__ import annotations

from itemsearch.catalog import CatalogConfig, check_catalog
from itemsearch.catalog.check import SAMPLE
from itemsearch.catalog.check_page import write_check_page
from tests.support.exports import MINIATURES


def test_the_page_shows_what_was_read(tmp_path):
    catalog = MINIATURES["Google Merchant feed"](tmp_path)
    summary = check_catalog(CatalogConfig(str(catalog)))
    write_check_page(tmp_path / "page.html", summary, "", [])
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "Google Merchant feed: a row is a listing" in page
    assert "Running Shoe 42 Blue" in page
    assert '<dt>gtin</dt><dd dir="auto">4006381333931</dd>' in page
    assert 'src="http' not in page


def test_the_page_is_escaped(write, tmp_path):
    catalog = write("shop.csv", "id,title,note\n1,A <script>alert(1)</script> mug,<b onclick=x>\n")
    write_check_page(
        tmp_path / "page.html", check_catalog(CatalogConfig(str(catalog))), "", ["1 picture <i>"]
    )
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in page
    assert "<b onclick" not in page
    assert "1 picture &lt;i&gt;" in page


def test_the_sample_is_that_of_any_order(write):
    rows = [f"{number},mug {number}" for number in range(100)]
    forth = write("a.csv", "\n".join(["id,title", *rows]))
    back = write("b.csv", "\n".join(["id,title", *reversed(rows)]))
    samples = [check_catalog(CatalogConfig(str(path))).sample for path in (forth, back)]
    assert samples[0] == samples[1]
    assert len({example.id for example in samples[0]}) == SAMPLE

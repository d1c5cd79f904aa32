from __future__ import annotations

import tracemalloc

import pytest

from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.xml_feed import MAX_ITEM_BYTES, open_xml
from itemsearch.errors import CatalogError, NotCatalogError

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel>
<title>Shop</title><link>https://s.example</link>
<item>
  <g:id>007</g:id><title>plain</title><g:title> Shoe &amp; sock </g:title>
  <description><![CDATA[<b>Good</b>]]></description>
  <link>https://s.example/1</link><g:image_link>https://s.example/a.jpg</g:image_link>
  <g:additional_image_link>https://s.example/b.jpg</g:additional_image_link>
  <g:additional_image_link>https://s.example/c.jpg</g:additional_image_link>
  <g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price></g:shipping>
  <g:gtin/><g:price>59.00 EUR</g:price>
</item>
<item><g:id>2</g:id><g:title>Boot</g:title><g:brand>Vell</g:brand></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>
<entry><id>tag:s.example,2026:1</id><title>Shoe</title><link href="https://s.example/1" rel="alternate"/>
<g:id>1</g:id></entry></feed>"""

YML = """<?xml version="1.0" encoding="windows-1251"?>
<!DOCTYPE yml_catalog SYSTEM "shops.dtd">
<yml_catalog date="2026-01-01"><shop><categories><category id="1">x</category></categories><offers>
<offer id="9" available="true"><name>Чашка</name><picture>a.jpg</picture><picture>b.jpg</picture></offer>
</offers></shop></yml_catalog>"""


@pytest.fixture
def parse(write):
    def to_records(content):
        table = open_xml(Source(write("feed.xml", content)))
        return table.schema.names, [dict(record.cells) for record in table.parse()]

    return to_records


def test_google_merchant_rss(parse):
    names, records = parse(RSS)
    assert names == [
        "title", "description", "link", "id", "image_link", "additional_image_link", "shipping", "gtin",
        "price", "brand",
    ]  # fmt: skip
    assert records == [
        {
            "id": "007",
            "title": "Shoe & sock",
            "description": "<b>Good</b>",
            "link": "https://s.example/1",
            "image_link": "https://s.example/a.jpg",
            "additional_image_link": '["https://s.example/b.jpg", "https://s.example/c.jpg"]',
            "shipping": '{"country": "DE", "price": "4.90 EUR"}',
            "gtin": None,
            "price": "59.00 EUR",
        },
        {"id": "2", "title": "Boot", "brand": "Vell"},
    ]


def test_atom(parse):
    assert parse(ATOM)[1] == [{"id": "1", "title": "Shoe", "link": "https://s.example/1"}]


def test_plain_list_of_offers_in_another_encoding(parse):
    record = {"id": "9", "available": "true", "name": "Чашка", "picture": '["a.jpg", "b.jpg"]'}
    assert parse(YML.encode("cp1251"))[1] == [record]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode(parse, read_one, write, encoding):
    content = "<a><item><id>1</id><title>é</title></item></a>".encode(encoding)
    assert read_one(write("feed.csv", content)) == ("XML feed", [{"id": "1", "title": "é"}])


def test_places_are_items(write):
    table = open_xml(Source(write("feed.xml", RSS)))
    (batch,) = table.read(["id"], table.schema, 10)
    assert batch.places == ["feed.xml item 1", "feed.xml item 2"]


def test_no_other_file_is_read(write, parse, tmp_path):
    secret = write("secret.txt", "hidden")
    for declared in (
        f'<!ENTITY x SYSTEM "{secret.as_uri()}">',
        f'<!ENTITY % x SYSTEM "{secret.as_uri()}"> %x;',
    ):
        with pytest.raises(CatalogError, match=r"feed\.xml: it declares an entity, 'x'"):
            parse(f"<!DOCTYPE a [{declared}]><a><item><id>&x;</id></item></a>")
    with_dtd = f'<!DOCTYPE a SYSTEM "{secret.as_uri()}"><a><item><id>1</id></item></a>'
    assert parse(with_dtd)[1] == [{"id": "1"}]


def test_billion_laughs(parse):
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    with pytest.raises(CatalogError, match="it declares an entity, 'a0'"):
        parse(f"<!DOCTYPE a [{entities}]><a><item><id>&a9;</id></item></a>")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (RSS[:-40], r"feed\.xml: not well-formed XML past item \d"),
        (RSS.replace("Boot", "Boot & sock"), r"feed\.xml: not well-formed XML past item 1 .*line 13.*&amp;"),
        ("<a><item><id>&nbsp;</id></item></a>", "past item 0 .*undefined entity"),
        ('<?xml version="1.0" encoding="nonsense"?><a/>', "unknown encoding"),
    ],
)
def test_damage_is_one_line_that_names_the_file(parse, content, message):
    with pytest.raises(CatalogError, match=message) as caught:
        parse(content)
    assert "\n" not in str(caught.value)


def test_xml_without_items(parse):
    with pytest.raises(NotCatalogError, match=r"XML without items.*Google Merchant"):
        parse("<urlset><url><loc>x</loc></url></urlset>")


@pytest.mark.parametrize("start", ["<item><id>", "<!--", "<x y='"])
def test_an_item_without_end_does_not_fill_the_memory(write, start):
    path = write("feed.xml", f"<a><item><id>1</id></item>{start}" + "x" * 2 * MAX_ITEM_BYTES)
    with pytest.raises(CatalogError, match="past item 1: an item of over"):
        open_xml(Source(path))


def test_memory_does_not_grow_with_the_feed(write):
    item = "<item><id>1</id><title>" + "word " * 200 + "</title></item>\n"
    path = write("feed.xml", "<rss><channel>" + item * 3_000 + "</channel></rss>")
    tracemalloc.start()
    table = open_xml(Source(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(1 for _ in table.parse()) == 3_000
    assert peak < path.stat().st_size / 2

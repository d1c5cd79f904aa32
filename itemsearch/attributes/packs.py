"""How many pieces a listing sells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from itemsearch.attributes.measures import lengths

_OF = "of|de|da|di|van|von|a|\u0438\u0437|\u043f\u043e"
_CONTAINERS = (
    "pack|packs|set|box|lot|bundle|case|paquete|caja|confezione|caixa|conjunto|pakiet|zestaw|opakowanie|packung"
    "|\u043d\u0430\u0431\u043e\u0440|\u043a\u043e\u043c\u043f\u043b\u0435\u043a\u0442|\u0443\u043f\u0430\u043a\u043e\u0432\u043a\u0430"
)
_PIECES = (
    "pack|packs|pk|pcs|pc|pieces|piece|count|ct|pairs|stuck|stueck|stk|stuks|szt|sztuk|pezzi|piezas|pecas|unidades"
    "|\u0448\u0442|\u0448\u0442\u0443\u043a|\u0642\u0637\u0639|\u0642\u0637\u0639\u0629"
)
_SPACELESS_PIECES = "\u4e2a|\u500b|\u53ea|\u7247|\u5305|\u4ef6|\u5165|\u679a|\u672c|\u888b|\u652f|\u74f6"
PACK = re.compile(
    rf"(?<!\w)(?:{_CONTAINERS})\s+(?:{_OF})\s+(?P<of>\d{{1,4}})(?!\w)"
    rf"|(?<![\w.,])(?P<er>\d{{1,4}})er[\s-]?(?:pack|packung|set)(?!\w)"
    rf"|(?<![\w.,])(?P<before>\d{{1,4}})[\s-]?(?:{_PIECES})(?!\w)"
    r"|(?<![\w.,])(?P<times>\d{1,3})\s?[x\u00d7]\s?(?=\d)"
    rf"|(?<![0-9.,a-z])(?P<spaceless>\d{{1,4}})\s?(?:{_SPACELESS_PIECES})"
    r"|(?<!\w)\u0639\u0628\u0648\u0629\s(?P<arabic>\d{1,4})"
    r"|(?<!\w)(?P<name>twin|double|triple)[\s-]?pack(?!\w)",
    re.IGNORECASE,
)
_NAMED = {"twin": "2", "double": "2", "triple": "3"}


def read_packs(folded: str) -> Iterator[tuple[str, float, str]]:
    """("count", pieces, words)."""
    spans = lengths(folded)
    for match in PACK.finditer(folded):
        if match["times"] and any(start <= match.start() < end for start, end in spans):
            continue  # 30 x 40 cm
        numbers = (number for name, number in match.groupdict().items() if name != "name" and number)
        count = next(numbers, None) or _NAMED[match["name"]]
        yield "count", float(count), match[0].strip().rstrip("x\u00d7 ")

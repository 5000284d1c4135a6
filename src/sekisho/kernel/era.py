"""Era dates (令和, 平成, 昭和) and fiscal years, as city hall writes them."""

import re
import unicodedata
from datetime import date

_ERAS = (("令和", "R", date(2019, 5, 1)), ("平成", "H", date(1989, 1, 8)), ("昭和", "S", date(1926, 12, 25)))
_ISO = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$")
_ERA = re.compile(r"^(令和|平成|昭和|[RHS])(元|\d{1,2})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$", re.IGNORECASE)


def era_year(day: date) -> str:
    """`令和8年`, `平成元年`: the era and year in which `day` lies. ValueError before 1926-12-25."""
    for name, _, start in _ERAS:
        if day >= start:
            year = day.year - start.year + 1
            return f"{name}{'元' if year == 1 else year}年"
    raise ValueError(f"no era known for {day.isoformat()}")


def era_date(day: date) -> str:
    """`令和8年11月23日`."""
    return f"{era_year(day)}{day.month}月{day.day}日"


def parse_date(text: str) -> date:
    """Reads `2026-11-23`, `2026/11/23`, `令和8年11月23日`, `R8.11.23`, full-width digits too.

    ValueError for anything else, and for a date that its era does not contain.
    """
    plain = unicodedata.normalize("NFKC", text).replace(" ", "")
    if match := _ISO.match(plain):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if match := _ERA.match(plain):
        return _from_era(match[1].upper(), match[2], int(match[3]), int(match[4]))
    raise ValueError(f"not a date: {text!r}")


def fiscal_year(day: date) -> int:
    """The Japanese fiscal year (April to March) in which `day` lies."""
    return day.year if day.month >= 4 else day.year - 1


def _from_era(era: str, year: str, month: int, day: int) -> date:
    name, start = next((name, start) for name, letter, start in _ERAS if era in (name, letter))
    result = date(start.year - 1 + (1 if year == "元" else int(year)), month, day)
    if result < start or not era_date(result).startswith(name):
        raise ValueError(f"{name}{year}年{month}月{day}日 does not exist")
    return result

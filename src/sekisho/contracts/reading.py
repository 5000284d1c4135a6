"""The one door through which other rooms read terms: a contract's grant on a day."""

from datetime import date
from functools import lru_cache

import holidays as holiday_tables

from sekisho.contracts.grant import Grant
from sekisho.contracts.models import ClosedDay, Contract, Document, FactRow
from sekisho.contracts.terms import (
    KEYS,
    ContractFacts,
    Fact,
    Mode,
    PaperVersion,
    compile_grant,
    newest_in_force,
)
from sekisho.kernel.ids import ContractCode, ContractorCode
from sekisho.kernel.outcome import Source

_NEW_YEAR = ((12, 29), (12, 30), (12, 31), (1, 2), (1, 3))
"""City halls are closed from 29 December to 3 January (地方自治法第4条の2); 1 January is a national holiday."""


TABLE_ENDS = date(holiday_tables.country_holidays("JP").end_year, 12, 31)
"""The last day that the table of national holidays knows."""


def grant_of(contract: Contract, on: date) -> Grant:
    """The grant of `contract` as its papers stand on the day `on`.

    Papers never change, so a grant is known by the papers it is made of and the days city hall is closed, and kept.
    """
    closed = closed_days_of_city(contract.starts.year - 1, contract.ends.year + 1)
    rows = Document.objects.filter(procurement=contract.procurement_id)
    papers = [PaperVersion(row.code, row.version, row.in_force_from, row.sha256) for row in rows]
    return _grant(
        ContractFacts(
            ContractCode(contract.code),
            contract.procurement_id,
            ContractorCode(contract.contractor_id),
            contract.starts,
            contract.ends,
        ),
        on,
        tuple(sorted(newest_in_force(papers, on), key=lambda paper: paper.name)),
        closed,
    )


@lru_cache(maxsize=512)
def _grant(
    contract: ContractFacts, on: date, papers: tuple[PaperVersion, ...], closed: frozenset[date]
) -> Grant:
    facts = FactRow.objects.filter(document__sha256__in=[each.sha256 for each in papers])
    return compile_grant(
        contract,
        [_fact(row) for row in facts.select_related("document")],
        papers,
        on,
        closed,
        TABLE_ENDS,
    )


def closed_days_of_city(first: int, last: int) -> frozenset[date]:
    """All days of the years from `first` to `last` that the holiday row judges, the city's own among them."""
    own = ClosedDay.objects.filter(date__year__gte=first, date__year__lte=last)
    return closed_days(first, last) | frozenset(own.values_list("date", flat=True))


@lru_cache(maxsize=32)
def closed_days(first: int, last: int) -> frozenset[date]:
    """National holidays and the city's year-end closing days of the years from `first` to `last`."""
    years = range(first, last + 1)
    national = holiday_tables.country_holidays("JP", years=years)
    return frozenset(national) | {date(year, month, day) for year in years for month, day in _NEW_YEAR}


def _fact(row: FactRow) -> Fact:
    return Fact(
        subject=row.subject,
        key=row.key,
        mode=Mode(row.mode),
        value=KEYS[row.key].parse(row.value),
        open_ended=row.open_ended,
        source=Source(str(row.document), row.page, row.clause or None, row.quote),
        confirmed=bool(row.confirmed_by),
        exception_to=row.exception_to,
    )

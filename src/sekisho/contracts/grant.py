"""The grant: what one contract allows, as the intersection of every fact that binds it.

Pure. Every other room reads terms only through this. The first `until` at which something ends and every
clause behind it are at hand, so that a refusal can name its clause.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sekisho.contracts.attendance import Attendance
from sekisho.contracts.hours import Hours
from sekisho.contracts.values import Count, Names
from sekisho.kernel.ids import ContractCode, ContractorCode
from sekisho.kernel.outcome import Reason, Source

Value = Names | Hours | Count | Attendance


@dataclass(frozen=True, slots=True)
class Term:
    """What binds for one key: the meet of all binding values, with every place that says so."""

    key: str
    value: Value
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """All terms of one contract. Empty (allows nothing) exactly when `problems` is not empty."""

    contract: ContractCode
    contractor: ContractorCode
    starts: date
    ends: date
    """The last day on which the contract holds, in Tokyo."""
    terms: Mapping[str, Term]
    documents: tuple[str, ...]
    """`code@version sha256` of every document the grant was compiled from, sorted."""
    holidays: frozenset[date] = field(default=frozenset())
    """National holidays and the city's closed days while the contract holds."""
    holidays_until: date = date.max
    """Until when `holidays` is known; after that no day can be judged."""
    problems: tuple[Reason, ...] = field(default=())

    @property
    def empty(self) -> bool:
        return bool(self.problems)

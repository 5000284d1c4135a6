"""May this connection be open at this moment? Pure: values in, a decision out (design, invariant 2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sekisho.access.attendance import CHECK_MINUTES, MAY_ATTEND, Need
from sekisho.access.facts import BATCH_PROOFS, PROOFS, Facts, LatchFacts, PermitFacts
from sekisho.access.sentences import SENTENCES
from sekisho.contracts.attendance import Attendance, Work
from sekisho.contracts.grant import Grant, Term
from sekisho.contracts.hours import Hours
from sekisho.contracts.values import Count, Names
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.ids import (
    PermitNumber,
)
from sekisho.kernel.outcome import Reason, Refused, Source
from sekisho.kernel.text import Text
from sekisho.people.roles import Role


@dataclass(frozen=True, slots=True)
class Granted:
    """Yes, until `until` (the earlier of the permit's end and the service window's end)."""

    permit: PermitNumber
    until: datetime
    attendance: Need | None = None
    """What must be there before anything moves; None where the work may be unattended."""


EMERGENCY_TERMS = ("emergency.hours", "emergency.longest", "emergency.approval")
"""What papers must state before anything passes by the emergency lane."""


BATCH_TERMS = ("batch.hours", "batch.authentication")
"""What papers must state before anything runs unattended."""


class ReasonCode(StrEnum):
    """Every reason for which a connection is refused. Terms' own problems (`term-…`) come from the grant."""

    NO_PERMIT = "no-permit"
    PERMIT_REQUESTED = "permit-requested"
    PERMIT_RETURNED = "permit-returned"
    PERMIT_WITHDRAWN = "permit-withdrawn"
    PERMIT_NOT_BEGUN = "permit-not-begun"
    PERMIT_ENDED = "permit-ended"
    OTHER_SYSTEM = "other-system"
    OTHER_CONTRACT = "other-contract"
    OPERATOR_NOT_ON_PERMIT = "operator-not-on-permit"
    OPERATOR_NOT_ON_ROSTER = "operator-not-on-roster"
    OPERATOR_INACTIVE = "operator-inactive"
    OPERATOR_OF_ANOTHER = "operator-of-another-contractor"
    TERMINAL_UNKNOWN = "terminal-unknown"
    TERMINAL_INVALID = "terminal-invalid"
    TERMINAL_OF_ANOTHER = "terminal-of-another-contractor"
    TERMINAL_NOT_IN_TERMS = "terminal-not-in-terms"
    LINE_UNKNOWN = "line-unknown"
    LINE_CLOSED = "line-closed"
    LINE_OF_ANOTHER = "line-of-another-contractor"
    LINE_NOT_IN_TERMS = "line-not-in-terms"
    LINE_KIND = "line-kind-not-in-terms"
    SITE_NOT_IN_TERMS = "site-not-in-terms"
    ADDRESS = "address-outside-line"
    NO_EMERGENCY_LANE = "no-emergency-lane"
    ONE_AT_A_TIME = "emergency-one-at-a-time"
    OTHER_LANE = "other-lane"
    NO_BATCH_LANE = "no-batch-lane"
    OUTSIDE_WINDOW = "outside-window"
    BATCH_ATTENDED = "batch-must-be-attended"
    OUTSIDE_HOURS = "outside-hours"
    PROOFS = "proofs-missing"
    LATCHED = "latched"
    RECORDING = "recording-not-ready"
    EVIDENCE = "evidence-not-ready"
    HOLIDAYS_UNKNOWN = "holidays-unknown"
    CONTRACT_NOT_BEGUN = "contract-not-begun"
    CONTRACT_ENDED = "contract-ended"


def decide(grant: Grant, permit: PermitFacts | None, facts: Facts, now: datetime) -> Granted | Refused:
    """The decision. Gives every reason that applies, not only the first, each with its clause."""
    reasons = (
        *grant.problems,
        *_about_permit(grant, permit, facts, now),
        *_about_people(grant, facts),
        *_about_terminal(grant, facts),
        *_about_line(grant, permit, facts),
        *_about_time(grant, permit, now),
        *_about_emergency(grant, permit, facts),
        *_about_batch(grant, permit, facts, now),
        *_about_safety(grant, permit, facts),
    )
    if reasons or permit is None:
        return Refused(reasons)
    return Granted(permit.number, _until(grant, permit, facts, now), _attendance(grant, permit, facts))


def _about_permit(grant: Grant, permit: PermitFacts | None, facts: Facts, now: datetime) -> Iterator[Reason]:
    if permit is None:
        yield _reason(ReasonCode.NO_PERMIT)
        return
    if permit.state != "approved":
        yield _reason(_STATES.get(permit.state, ReasonCode.NO_PERMIT))
    if now < permit.starts:
        yield _reason(ReasonCode.PERMIT_NOT_BEGUN)
    if now >= permit.ends:
        yield _reason(ReasonCode.PERMIT_ENDED)
    if permit.contract != grant.contract:
        yield _reason(ReasonCode.OTHER_CONTRACT)
    if permit.system != facts.system:
        yield _reason(ReasonCode.OTHER_SYSTEM)
    yield from _outside(grant, "systems", facts.system, ReasonCode.OTHER_SYSTEM)
    if facts.operator not in permit.operators:
        yield _reason(ReasonCode.OPERATOR_NOT_ON_PERMIT)


def _about_people(grant: Grant, facts: Facts) -> Iterator[Reason]:
    if not facts.operator_active:
        yield _reason(ReasonCode.OPERATOR_INACTIVE)
    if facts.employer is None or facts.employer != grant.contractor:
        yield _reason(ReasonCode.OPERATOR_OF_ANOTHER)
    yield from _outside(grant, "roster", facts.operator, ReasonCode.OPERATOR_NOT_ON_ROSTER)


def _about_terminal(grant: Grant, facts: Facts) -> Iterator[Reason]:
    if facts.terminal is None:
        yield _reason(ReasonCode.TERMINAL_UNKNOWN)
        return
    if not facts.terminal_valid:
        yield _reason(ReasonCode.TERMINAL_INVALID)
    if facts.terminal_lent_to is None or facts.terminal_lent_to != grant.contractor:
        yield _reason(ReasonCode.TERMINAL_OF_ANOTHER)
    yield from _outside(grant, "terminals", facts.terminal, ReasonCode.TERMINAL_NOT_IN_TERMS)


def _about_line(grant: Grant, permit: PermitFacts | None, facts: Facts) -> Iterator[Reason]:
    if facts.line is None:
        yield _reason(ReasonCode.LINE_UNKNOWN)
        return
    # Whoever is on call has opened the gate for this one permit; the line stays closed for all others.
    if not facts.line_open and not (permit is not None and permit.emergency):
        yield _reason(ReasonCode.LINE_CLOSED)
    if facts.line_contractor is None or facts.line_contractor != grant.contractor:
        yield _reason(ReasonCode.LINE_OF_ANOTHER)
    yield from _outside(grant, "line.codes", facts.line, ReasonCode.LINE_NOT_IN_TERMS)
    yield from _outside(grant, "line.kind", facts.line_kind, ReasonCode.LINE_KIND)
    yield from _outside(grant, "work.places", facts.site, ReasonCode.SITE_NOT_IN_TERMS)
    if facts.source_address is None or not any(
        facts.source_address in network for network in facts.line_networks
    ):
        yield _reason(ReasonCode.ADDRESS)


def _about_emergency(grant: Grant, permit: PermitFacts | None, facts: Facts) -> Iterator[Reason]:
    if permit is None or not permit.emergency:
        return
    if any(key not in grant.terms for key in EMERGENCY_TERMS):
        yield _reason(ReasonCode.NO_EMERGENCY_LANE)
    if facts.others:
        yield _reason(ReasonCode.ONE_AT_A_TIME)


def _about_batch(grant: Grant, permit: PermitFacts | None, facts: Facts, now: datetime) -> Iterator[Reason]:
    batch = permit.batch if permit is not None else None
    if (batch.job if batch else None) != facts.job:
        yield _reason(ReasonCode.OTHER_LANE)
    if permit is None or batch is None:
        return
    if any(key not in grant.terms for key in BATCH_TERMS):
        yield _reason(ReasonCode.NO_BATCH_LANE)
    if not batch.window.contains(now, grant.holidays):
        shown = batch.window.show()
        yield _reason(ReasonCode.OUTSIDE_WINDOW, ja=shown.ja, en=shown.en)
    if "attendance" in grant.terms and _attendance(grant, permit, facts) is not None:
        yield _reason(ReasonCode.BATCH_ATTENDED, _sources(grant, "attendance"))


def _about_time(grant: Grant, permit: PermitFacts | None, now: datetime) -> Iterator[Reason]:
    today = now.astimezone(TOKYO).date()
    if today < grant.starts:
        yield _reason(ReasonCode.CONTRACT_NOT_BEGUN)
    if today > grant.ends:
        yield _reason(ReasonCode.CONTRACT_ENDED)
    if today > grant.holidays_until:
        yield _reason(ReasonCode.HOLIDAYS_UNKNOWN)
    term = grant.terms.get(_hours_key(permit))
    if term is not None and not (isinstance(term.value, Hours) and term.value.contains(now, grant.holidays)):
        shown = term.value.show()
        yield _reason(ReasonCode.OUTSIDE_HOURS, term.sources, ja=shown.ja, en=shown.en)


def _about_safety(grant: Grant, permit: PermitFacts | None, facts: Facts) -> Iterator[Reason]:
    key, proofs = (
        ("batch.authentication", BATCH_PROOFS) if permit and permit.batch else ("authentication", PROOFS)
    )
    term = grant.terms.get(key)
    if term is not None and (facts.proofs != proofs or "+".join(proofs) not in _names(term)):
        yield _reason(ReasonCode.PROOFS, term.sources)
    if any(_latched(latch, permit, facts) for latch in facts.latches):
        yield _reason(ReasonCode.LATCHED)
    if not facts.recording_ready:
        yield _reason(ReasonCode.RECORDING, _sources(grant, "recording"))
    if not facts.evidence_ready:
        yield _reason(ReasonCode.EVIDENCE)


def _attendance(grant: Grant, permit: PermitFacts, facts: Facts) -> Need | None:
    term = grant.terms["attendance"].value
    kinds = {Work.ROUTINE}
    kinds |= {Work.GREAT_CHANGE} if permit.great_change else set()
    kinds |= {Work.FIRST_USE} if facts.first_use else set()
    kinds |= {Work.SPECIFIC} if facts.specific else set()
    wanted = term.wants(kinds) if isinstance(term, Attendance) else frozenset(kinds)
    if not wanted and not permit.attended:
        return None
    number, minutes = grant.terms.get("attendance.number"), grant.terms.get("attendance.minutes")
    by = grant.terms.get("attendance.by")
    return Need(
        number=number.value.low if number and isinstance(number.value, Count) else 1,
        by=frozenset(Role(each) for each in _names(by)) if by else MAY_ATTEND,
        minutes=min(CHECK_MINUTES, minutes.value.high)
        if minutes and isinstance(minutes.value, Count)
        else CHECK_MINUTES,
        kinds=wanted,
    )


def _latched(latch: LatchFacts, permit: PermitFacts | None, facts: Facts) -> bool:
    if latch.line is None and latch.operator is None and latch.permit is None:
        return True
    return (
        (latch.line is not None and latch.line == facts.line)
        or (latch.operator is not None and latch.operator == facts.operator)
        or (latch.permit is not None and permit is not None and latch.permit == permit.number)
    )


def _until(grant: Grant, permit: PermitFacts, facts: Facts, now: datetime) -> datetime:
    last = grant.ends + timedelta(days=1)
    contract_over = datetime(last.year, last.month, last.day, tzinfo=TOKYO)
    hours = grant.terms[_hours_key(permit)].value
    window_over = hours.until(now, grant.holidays) if isinstance(hours, Hours) else now
    ends = [permit.ends, contract_over, window_over]
    if permit.batch is not None:
        ends += [permit.batch.window.until(now, grant.holidays), (facts.opened or now) + permit.batch.longest]
    return min(ends)


def _hours_key(permit: PermitFacts | None) -> str:
    if permit is not None and permit.batch is not None:
        return "batch.hours"
    return "emergency.hours" if permit is not None and permit.emergency else "service.hours"


def _outside(grant: Grant, key: str, name: str | None, code: ReasonCode) -> Iterator[Reason]:
    """A reason when `name` is not in the term; a missing term is the grant's own problem already."""
    term = grant.terms.get(key)
    if term is not None and (name is None or name not in _names(term)):
        shown = term.value.show()
        yield _reason(code, term.sources, ja=shown.ja, en=shown.en)


def _names(term: Term) -> frozenset[str]:
    return term.value.names if isinstance(term.value, Names) else frozenset()


def _sources(grant: Grant, key: str) -> tuple[Source, ...]:
    term = grant.terms.get(key)
    return term.sources if term is not None else ()


def _reason(code: ReasonCode, sources: tuple[Source, ...] = (), *, ja: str = "", en: str = "") -> Reason:
    text = SENTENCES[code]
    return Reason(code.value, Text(text.ja.format(term=ja), text.en.format(term=en)), sources)


_STATES = {
    "requested": ReasonCode.PERMIT_REQUESTED,
    "returned": ReasonCode.PERMIT_RETURNED,
    "withdrawn": ReasonCode.PERMIT_WITHDRAWN,
}

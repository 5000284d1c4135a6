"""The decision: unknown is no, every reason is given, nothing outlasts what was allowed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.access.attendance import Need
from sekisho.access.deadline import Deadline
from sekisho.access.facts import PROOFS, Facts, LatchFacts, PermitFacts
from sekisho.access.rules import Granted, ReasonCode, decide
from sekisho.access.sentences import SENTENCES
from sekisho.contracts.attendance import WORDS, Attendance, Work
from sekisho.contracts.grant import Grant, Term
from sekisho.contracts.hours import Hours
from sekisho.contracts.values import Count, Names
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.ids import (
    ContractCode,
    ContractorCode,
    LineCode,
    LoginId,
    PermitNumber,
    SiteCode,
    SystemCode,
    TerminalCode,
)
from sekisho.kernel.outcome import Refused, Source
from sekisho.people.roles import Role

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=TOKYO)  # a Tuesday; the day before is a holiday
CLAUSE = Source("spec-1@1", 3, "2-1", "…")
HOLIDAYS = frozenset({date(2026, 11, 23)})


def names(key: str, *values: str) -> Term:
    return Term(key, Names(frozenset(values)), (CLAUSE,))


def grant(**change: Any) -> Grant:
    terms = {
        "service.hours": Term("service.hours", Hours.parse(["mon-fri 07:30-21:15"]), (CLAUSE,)),
        "work.places": names("work.places", "harbour"),
        "line.kind": names("line.kind", "ip-vpn"),
        "line.codes": names("line.codes", "line-a"),
        "roster": names("roster", "mori"),
        "terminals": names("terminals", "t-01"),
        "systems": names("systems", "juki"),
        "attendance": Term("attendance", Attendance.parse(["routine-unattended"]), (CLAUSE,)),
        "recording": names("recording", "full-both-directions"),
        "authentication": names("authentication", "terminal+authenticator+password"),
    }
    whole = Grant(
        ContractCode("c-1"),
        ContractorCode("shiosai"),
        date(2026, 4, 1),
        date(2031, 3, 31),
        terms,
        (),
        HOLIDAYS,
    )
    return replace(whole, **change)


def without(key: str) -> Grant:
    whole = grant()
    return replace(whole, terms={each: term for each, term in whole.terms.items() if each != key})


PERMIT = PermitFacts(
    PermitNumber("R8-0001"),
    ContractCode("c-1"),
    SystemCode("juki"),
    frozenset({LoginId("mori")}),
    NOW - timedelta(hours=1),
    NOW + timedelta(hours=1),
    "approved",
)
FACTS = Facts(
    operator=LoginId("mori"),
    operator_active=True,
    employer=ContractorCode("shiosai"),
    proofs=PROOFS,
    terminal=TerminalCode("t-01"),
    terminal_lent_to=ContractorCode("shiosai"),
    terminal_valid=True,
    line=LineCode("line-a"),
    line_kind="ip-vpn",
    line_contractor=ContractorCode("shiosai"),
    line_open=True,
    line_networks=(ip_network("192.0.2.0/28"),),
    site=SiteCode("harbour"),
    source_address=ip_address("192.0.2.3"),
    system=SystemCode("juki"),
    specific=False,
    first_use=False,
    opened=None,
    job=None,
    others=0,
    latches=(),
    recording_ready=True,
    evidence_ready=True,
)
WRONG: dict[str, tuple[object, ReasonCode]] = {
    "operator_active": (False, ReasonCode.OPERATOR_INACTIVE),
    "employer": (None, ReasonCode.OPERATOR_OF_ANOTHER),
    "proofs": (PROOFS[:2], ReasonCode.PROOFS),
    "terminal": (None, ReasonCode.TERMINAL_UNKNOWN),
    "terminal_lent_to": (ContractorCode("minato"), ReasonCode.TERMINAL_OF_ANOTHER),
    "terminal_valid": (False, ReasonCode.TERMINAL_INVALID),
    "line": (None, ReasonCode.LINE_UNKNOWN),
    "line_kind": ("internet", ReasonCode.LINE_KIND),
    "line_contractor": (None, ReasonCode.LINE_OF_ANOTHER),
    "line_open": (False, ReasonCode.LINE_CLOSED),
    "line_networks": ((), ReasonCode.ADDRESS),
    "site": (None, ReasonCode.SITE_NOT_IN_TERMS),
    "source_address": (None, ReasonCode.ADDRESS),
    "system": (SystemCode("zei"), ReasonCode.OTHER_SYSTEM),
    "latches": ((LatchFacts(),), ReasonCode.LATCHED),
    "recording_ready": (False, ReasonCode.RECORDING),
    "evidence_ready": (False, ReasonCode.EVIDENCE),
}


def codes(answer: Granted | Refused) -> set[str]:
    return set(answer.codes) if isinstance(answer, Refused) else set()


def test_everything_in_order_is_granted_until_the_permit_ends() -> None:
    """The one case that passes."""
    assert decide(grant(), PERMIT, FACTS, NOW) == Granted(PermitNumber("R8-0001"), PERMIT.ends)


@given(st.sets(st.sampled_from(sorted(WRONG)), min_size=1))
def test_any_wrong_or_unknown_fact_refuses_and_each_is_named(wrong: set[str]) -> None:
    """One wrong fact is enough, and a refusal leaves none out."""
    changed: Any = {name: WRONG[name][0] for name in wrong}
    answer = decide(grant(), PERMIT, replace(FACTS, **changed), NOW)
    assert isinstance(answer, Refused)
    hidden = {"terminal": {"terminal_lent_to", "terminal_valid"}}
    hidden["line"] = {"line_kind", "line_contractor", "line_open", "line_networks", "site", "source_address"}
    for name in wrong:
        if not any(name in hidden.get(other, set()) for other in wrong):
            assert WRONG[name][1].value in codes(answer)


@pytest.mark.parametrize("key", sorted(grant().terms))
def test_a_grant_with_a_problem_is_empty(key: str) -> None:
    """Whatever problem the papers have, nothing opens, and the problem itself is the reason."""
    from sekisho.contracts.terms import ContractFacts, Fact, Mode, PaperVersion, compile_grant

    contract = ContractFacts(
        ContractCode("c-1"), "p", ContractorCode("shiosai"), date(2026, 4, 1), date(2031, 3, 31)
    )
    facts = [
        Fact("contract:c-1", term.key, Mode.STATE, term.value, False, CLAUSE, True)
        for term in grant().terms.values()
        if term.key != key
    ]
    code, _, version = CLAUSE.document.partition("@")
    paper = PaperVersion(code, int(version), date(2026, 4, 1), "")
    broken = compile_grant(contract, facts, [paper], NOW.date(), HOLIDAYS)
    answer = decide(broken, PERMIT, FACTS, NOW)
    assert "term-missing" in codes(answer)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "requested"}, ReasonCode.PERMIT_REQUESTED),
        ({"state": "returned"}, ReasonCode.PERMIT_RETURNED),
        ({"state": "withdrawn"}, ReasonCode.PERMIT_WITHDRAWN),
        ({"state": "anything else"}, ReasonCode.NO_PERMIT),
        ({"contract": ContractCode("c-2")}, ReasonCode.OTHER_CONTRACT),
        ({"system": SystemCode("zei")}, ReasonCode.OTHER_SYSTEM),
        ({"operators": frozenset()}, ReasonCode.OPERATOR_NOT_ON_PERMIT),
    ],
)
def test_the_permit_must_fit(change: dict[str, Any], code: ReasonCode) -> None:
    """A permit in another state, of another contract, system or operator."""
    assert code.value in codes(decide(grant(), replace(PERMIT, **change), FACTS, NOW))


def test_no_permit_is_no() -> None:
    """Without any permit there is nothing to decide."""
    assert ReasonCode.NO_PERMIT.value in codes(decide(grant(), None, FACTS, NOW))


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (PERMIT.starts - timedelta(seconds=1), ReasonCode.PERMIT_NOT_BEGUN),
        (PERMIT.starts, None),
        (PERMIT.ends - timedelta(seconds=1), None),
        (PERMIT.ends, ReasonCode.PERMIT_ENDED),
    ],
)
def test_a_second_before_and_after_the_permit(moment: datetime, code: ReasonCode | None) -> None:
    """The first second belongs to it, the last instant does not."""
    answer = decide(grant(), PERMIT, FACTS, moment)
    assert isinstance(answer, Granted) if code is None else code.value in codes(answer)


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        (datetime(2026, 11, 24, 7, 29, 59, tzinfo=TOKYO), False),
        (datetime(2026, 11, 24, 7, 30, tzinfo=TOKYO), True),
        (datetime(2026, 11, 24, 21, 14, 59, tzinfo=TOKYO), True),
        (datetime(2026, 11, 24, 21, 15, tzinfo=TOKYO), False),
        (datetime(2026, 11, 23, 12, 0, tzinfo=TOKYO), False),  # a holiday on a Monday
        (datetime(2026, 11, 28, 12, 0, tzinfo=TOKYO), False),  # a Saturday
    ],
)
def test_service_hours_to_the_second_and_holidays(moment: datetime, inside: bool) -> None:
    """The contract's hours bind whatever the permit says; a holiday is judged as a holiday."""
    wide = replace(PERMIT, starts=moment - timedelta(days=9), ends=moment + timedelta(days=9))
    answer = decide(grant(), wide, FACTS, moment)
    assert isinstance(answer, Granted) is inside
    if isinstance(answer, Granted):
        assert answer.until == datetime(2026, 11, 24, 21, 15, tzinfo=TOKYO)


def test_the_contracts_last_day_is_the_last() -> None:
    """Inside on the last day, over with midnight."""
    short = grant(
        ends=date(2026, 11, 24),
        terms={
            **grant().terms,
            "service.hours": Term("service.hours", Hours.parse(["daily 00:00-24:00"]), ()),
        },
    )
    wide = replace(PERMIT, ends=NOW + timedelta(days=9))
    answer = decide(short, wide, FACTS, NOW)
    assert isinstance(answer, Granted)
    assert answer.until == datetime(2026, 11, 25, tzinfo=TOKYO)
    assert "contract-ended" in codes(decide(short, wide, FACTS, NOW + timedelta(days=1)))


def test_beyond_the_table_of_holidays_nothing_is_known() -> None:
    """The last day it knows passes, the next does not."""
    assert isinstance(decide(grant(holidays_until=NOW.date()), PERMIT, FACTS, NOW), Granted)
    ended = grant(holidays_until=NOW.date() - timedelta(days=1))
    assert "holidays-unknown" in codes(decide(ended, PERMIT, FACTS, NOW))


@given(
    st.builds(
        LatchFacts,
        line=st.sampled_from([None, LineCode("line-a"), LineCode("line-b")]),
        operator=st.sampled_from([None, LoginId("mori"), LoginId("other")]),
        permit=st.sampled_from([None, PermitNumber("R8-0001"), PermitNumber("R8-0002")]),
    )
)
def test_a_latch_holds_exactly_what_it_covers(latch: LatchFacts) -> None:
    """One match is enough; a latch that names nothing holds everything; one for others holds nothing here."""
    named = [latch.line, latch.operator, latch.permit]
    covers = not any(named) or latch.line == "line-a" or latch.operator == "mori" or latch.permit == "R8-0001"
    answer = decide(grant(), PERMIT, replace(FACTS, latches=(latch,)), NOW)
    assert ("latched" in codes(answer)) is covers


def need(written: list[str], permit: PermitFacts = PERMIT, **facts: bool) -> Need | None:
    """What a session needs under these words of a paper."""
    term = Term("attendance", Attendance.parse(written), (CLAUSE,))
    answer = decide(grant(terms={**grant().terms, "attendance": term}), permit, replace(FACTS, **facts), NOW)
    assert isinstance(answer, Granted)
    return answer.attendance


ROUTINE = ["routine-unattended"]


@pytest.mark.parametrize(
    ("written", "change", "facts", "wanted"),
    [
        (ROUTINE, {}, {}, None),
        (ROUTINE, {}, {"first_use": True, "specific": True}, None),
        (ROUTINE, {"great_change": True}, {}, {Work.GREAT_CHANGE}),
        ([*ROUTINE, "great-change-attended"], {"great_change": True}, {}, {Work.GREAT_CHANGE}),
        ([*ROUTINE, "first-use-attended"], {}, {"first_use": True}, {Work.FIRST_USE}),
        ([*ROUTINE, "first-use-attended"], {}, {}, None),
        (
            [*ROUTINE, "specific-personal-information-attended"],
            {},
            {"specific": True},
            {Work.SPECIFIC},
        ),
        (["always-attended"], {}, {}, {Work.ROUTINE}),
        (["great-change-attended"], {}, {}, {Work.ROUTINE}),
        (ROUTINE, {"attended": True}, {}, set()),
    ],
)
def test_what_must_be_attended(
    written: list[str], change: dict[str, Any], facts: dict[str, bool], wanted: set[Work] | None
) -> None:
    """By the terms, by the kind of work, by the city's own condition; nothing else and nothing less."""
    found = need(written, replace(PERMIT, **change), **facts)
    assert (found.kinds if found else None) == wanted


def test_how_many_by_whom_and_how_often() -> None:
    """The terms' numbers; where they say nothing, one of either division, every five minutes at the longest."""
    always = Term("attendance", Attendance.parse(["always-attended"]), (CLAUSE,))
    terms = {**grant().terms, "attendance": always}
    answer = decide(grant(terms=terms), PERMIT, FACTS, NOW)
    assert isinstance(answer, Granted)
    assert answer.attendance == Need(
        1, frozenset({Role.DIVISION, Role.SYSTEMS}), 5, frozenset({Work.ROUTINE})
    )
    terms["attendance.number"] = Term("attendance.number", Count.at_least([2]), (CLAUSE,))
    terms["attendance.by"] = names("attendance.by", "systems")
    terms["attendance.minutes"] = Term("attendance.minutes", Count.at_most([3]), (CLAUSE,))
    answer = decide(grant(terms=terms), PERMIT, FACTS, NOW)
    assert isinstance(answer, Granted)
    assert answer.attendance == Need(2, frozenset({Role.SYSTEMS}), 3, frozenset({Work.ROUTINE}))
    assert answer.attendance is not None
    assert Need.from_json(answer.attendance.as_json()) == answer.attendance


SOME_WORDS = st.sets(st.sampled_from(sorted(set(WORDS) - {"always-attended"}))) | st.just({"always-attended"})


@given(SOME_WORDS, SOME_WORDS, st.booleans(), st.booleans(), st.booleans())
def test_two_papers_never_want_less_attendance_than_one(
    one: set[str], other: set[str], change: bool, first: bool, specific: bool
) -> None:
    """What either paper wants attended, both together want attended."""
    kinds = {Work.ROUTINE, *([Work.GREAT_CHANGE] if change else []), *([Work.FIRST_USE] if first else [])}
    kinds |= {Work.SPECIFIC} if specific else set()
    a, b = Attendance.parse(one), Attendance.parse(other)
    assert a.meet(b).wants(kinds) == a.wants(kinds) | b.wants(kinds)
    assert a.meet(b).leq(a)
    assert a.without(b).meet(b).unattended == frozenset()
    assert a.show().ja
    assert a.show().en


@pytest.mark.parametrize("key", ["roster", "terminals", "systems", "line.codes", "line.kind", "work.places"])
def test_narrowing_a_term_never_grants_more(key: str) -> None:
    """A narrower term refuses, and names its clause."""
    narrow = {**grant().terms, key: names(key, "somebody-else")}
    answer = decide(grant(terms=narrow), PERMIT, FACTS, NOW)
    assert isinstance(answer, Refused)
    assert any(CLAUSE in reason.sources for reason in answer.reasons)


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    """No reason without words."""
    assert set(SENTENCES) == {code.value for code in ReasonCode}
    assert all(text.ja and text.en for text in SENTENCES.values())


@given(
    st.integers(1, 36_000),
    st.lists(
        st.tuples(st.floats(0.05, 1.0), st.sampled_from([0, 0, 0, -86_400, -3600, -5, 5, 3600, 86_400])),
        max_size=60,
    ),
)
def test_no_clock_makes_a_session_longer(seconds: int, steps: list[tuple[float, int]]) -> None:
    """However the wall clock is stepped back and forth, it ends within a second of its end by the steady clock."""
    wall, steady = datetime(2026, 11, 24, 9, 0, tzinfo=UTC), 100.0
    until = wall + timedelta(seconds=seconds)
    deadline, ends = Deadline(until, wall, steady), steady + seconds
    for passed, step in steps:
        steady += passed * seconds / 10
        wall += timedelta(seconds=passed * seconds / 10 + step)
        deadline = deadline.moved(until, wall, steady)
        if deadline.remaining(wall, steady) <= 0:
            return
        assert steady < ends


def test_ten_thousand_clocks() -> None:
    """10,000 sessions under clocks that jump by days and drift: looked at every 0.2 s, none overruns by a second."""
    import random

    chooser, worst = random.Random(2018), 0.0
    for _ in range(10_000):
        wall, steady = datetime(2026, 11, 24, 9, 0, tzinfo=UTC), 0.0
        length = chooser.uniform(1, 30)
        until = wall + timedelta(seconds=length)
        deadline = Deadline(until, wall, steady)
        while deadline.remaining(wall, steady) > 0:
            jump = chooser.choice([0.0] * 30 + [-86_400.0, -7200.0, -1.0, 0.5])
            passed = 0.2 + chooser.uniform(0, 0.05)
            steady += passed
            wall += timedelta(seconds=passed + jump)
            deadline = deadline.moved(until, wall, steady)
        worst = max(worst, steady - length)
    assert worst < 1.0

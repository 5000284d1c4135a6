"""The laws of compiling: whatever the papers say, in whatever order, a grant is never more than each of them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from sekisho.contracts.grant import Grant, Value
from sekisho.contracts.hours import Hours
from sekisho.contracts.terms import KEYS, ContractFacts, Fact, Mode, PaperVersion, compile_grant
from sekisho.contracts.values import Count, Names
from sekisho.kernel.ids import ContractCode, ContractorCode
from sekisho.kernel.outcome import Source

CONTRACT = ContractFacts(
    ContractCode("c-1"), "case-1", ContractorCode("shiosai"), date(2026, 4, 1), date(2027, 3, 31)
)
TODAY = date(2026, 11, 23)
BINDING = (Mode.STATE, Mode.REQUIRE, Mode.PERMIT)

WEEKS = (["daily 00:00-24:00"], ["mon-fri 07:30-21:15"], ["sat 22:00-翌6:00", "mon 9:00-17:00"])
CODES = ("clauses", "contract", "spec")
NAMES = st.frozensets(st.sampled_from("abcd"), min_size=1).map(Names)
VALUES = {
    key: st.sampled_from(WEEKS).map(Hours.parse)
    if key == "service.hours"
    else st.tuples(st.integers(0, 5), st.integers(0, 5)).map(Count.parse)
    if key in ("roster.size", "retention.years")
    else NAMES
    for key in KEYS
}


@st.composite
def a_fact(draw: st.DrawFn, modes: tuple[Mode, ...] = tuple(Mode)) -> Fact:
    key = draw(st.sampled_from(sorted(KEYS)))
    document = draw(st.sampled_from(CODES))
    return Fact(
        subject=draw(st.sampled_from(["contract:c-1", "procurement:case-1", "contract:c-1/remote-line"])),
        key=key,
        mode=draw(st.sampled_from(modes)),
        value=draw(VALUES[key]),
        open_ended=draw(st.integers(0, 9)) == 0,
        source=Source(f"{document}@1", draw(st.integers(1, 9)), str(draw(st.integers(1, 9))), "…"),
        confirmed=draw(st.integers(0, 9)) > 0,
    )


FACTS = st.lists(a_fact(), max_size=30)


def papers(
    version: int = 1, since: date = CONTRACT.starts, codes: Iterable[str] = CODES
) -> list[PaperVersion]:
    return [PaperVersion(code, version, since, f"{version:064x}") for code in codes]


def compiled(facts: list[Fact], more: Iterable[PaperVersion] = ()) -> Grant:
    return compile_grant(CONTRACT, facts, [*papers(), *more], TODAY)


def values(grant: Grant) -> dict[str, Value]:
    return {key: term.value for key, term in grant.terms.items()}


def inside(one: Value, other: Value) -> bool:
    match one, other:
        case Names(), Names():
            return one.leq(other)
        case Count(), Count():
            return one.leq(other)
        case Hours(), Hours():
            return one.leq(other)
    raise AssertionError("a term of another kind than its fact")


@given(FACTS)
def test_a_term_lies_inside_every_paper_that_binds(facts: list[Fact]) -> None:
    """Nothing is ever granted that one of the papers does not allow; what is forbidden is not in it."""
    for key, value in values(compiled(facts)).items():
        for fact in facts:
            if fact.key == key and fact.mode.binds:
                assert inside(value, fact.value)
            if fact.key == key and fact.mode is Mode.FORBID and isinstance(value, Names):
                assert isinstance(fact.value, Names)
                assert value.meet(fact.value).is_empty


@given(FACTS, st.randoms(use_true_random=False))
def test_the_order_of_papers_does_not_matter(facts: list[Fact], shuffler: object) -> None:
    """The same papers in another order are the same grant, to the last sentence."""
    other = list(facts)
    shuffler.shuffle(other)  # type: ignore[attr-defined]
    assert values(compiled(facts)) == values(compiled(other))
    assert [each.code for each in compiled(facts).problems] == [
        each.code for each in compiled(other).problems
    ]


@given(FACTS)
def test_saying_a_thing_twice_changes_nothing(facts: list[Fact]) -> None:
    """A clause that restates another neither widens nor narrows."""
    assert values(compiled(facts)) == values(compiled(facts + facts))


@given(FACTS, a_fact(BINDING))
def test_a_further_paper_never_widens(facts: list[Fact], more: Fact) -> None:
    """Where a term stood, one more binding fact leaves it, narrows it or takes it; others stay as they were."""
    before, after = values(compiled(facts)), values(compiled([*facts, more]))
    for key, value in after.items():
        if key != more.key:
            assert value == before[key]
        elif key in before:
            assert inside(value, before[key])


@given(FACTS, a_fact((Mode.PROMISE, Mode.REPORT)))
def test_a_promise_binds_nobody(facts: list[Fact], more: Fact) -> None:
    """What was only promised or reported changes no term and heals no gap."""
    before, after = compiled(facts), compiled([*facts, more])
    assert values(before) == values(after)
    assert [each.code for each in before.problems] == [each.code for each in after.problems]


@given(FACTS)
def test_in_doubt_there_is_a_problem_and_no_term(facts: list[Fact]) -> None:
    """Unconfirmed, left open or missing: the key has no term, and for a required one the grant says why."""
    grant = compiled(facts)
    for key, meaning in KEYS.items():
        about = [fact for fact in facts if fact.key == key and fact.mode.binds]
        if any(not fact.confirmed or fact.open_ended for fact in about):
            assert key not in grant.terms
        if meaning.required and key not in grant.terms:
            assert any(meaning.text.en in each.text.en for each in grant.problems)
    assert grant.empty == bool(grant.problems)


@given(FACTS, st.sampled_from(["contract:c-2", "procurement:case-2", "contract:c-11"]))
def test_another_contracts_papers_say_nothing_here(facts: list[Fact], subject: str) -> None:
    """Facts about another contract or procurement, however alike its name, are not heard."""
    others = [replace(fact, subject=subject) for fact in facts]
    assert values(compiled(facts + others)) == values(compiled(facts))


def renewed(facts: list[Fact]) -> list[Fact]:
    """The same facts, as the second version of their papers says them."""
    return [
        replace(fact, source=replace(fact.source, document=fact.source.document.replace("@1", "@2")))
        for fact in facts
    ]


@given(FACTS, FACTS, st.sets(st.sampled_from(CODES)))
def test_only_the_newest_version_in_force_speaks(old: list[Fact], new: list[Fact], again: set[str]) -> None:
    """A new version replaces the old one whole, also where it says nothing; one not yet in force says nothing."""
    said = [fact for fact in new if fact.source.document[:-2] in again]
    kept = [fact for fact in old if fact.source.document[:-2] not in again]
    now, later = papers(2, TODAY, again), papers(2, date(2026, 11, 24), again)
    assert values(compiled(old + renewed(said), now)) == values(compiled(kept + said))
    assert values(compiled(old + renewed(said), later)) == values(compiled(old))
    assert len(compiled([], now).documents) == len(CODES)

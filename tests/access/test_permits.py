"""Permits: who may ask, who may decide, on what, and that a refusal leaves nothing behind."""

from datetime import timedelta
from typing import Any

import pytest

from sekisho.access import service
from sekisho.access.models import Permit
from sekisho.contracts.models import Document, FactRow, System
from sekisho.people.models import Person
from tests.access.smalltown import SmallTown, must, refused


def test_the_managers_request_is_numbered_and_recorded(town: SmallTown) -> None:
    """A number of its own, everything asked for, one record that holds no word of what was typed."""
    with town.one_record("contractor:permit:requested", "person:kanri") as said:
        first = town.requested()
    assert first.state == Permit.State.REQUESTED
    assert "定例" not in str(said)
    assert {first.subject, "contract:c-1", "system:juki", "person:mori"} <= set(said[0].subjects)
    second = town.requested()
    assert int(second.number.split("-")[1]) == int(first.number.split("-")[1]) + 1


def test_after_the_ten_thousandth_the_numbers_go_on(town: SmallTown) -> None:
    """R8-10000 follows R8-9999 although it sorts before it."""
    year = town.requested().number.split("-")[0]
    for number in (f"{year}-9999", f"{year}-10000"):
        row = town.permit
        row.pk = number
        row.save(force_insert=True)
    assert town.requested().number == f"{year}-10001"


def test_nobody_but_the_contracts_own_manager_asks(town: SmallTown) -> None:
    """Not the city, not an operator, not another contractor's manager."""
    for person in town.everybody_but("kanri"):
        with town.nothing_happens():
            assert refused(service.request_permit(town.wish(), person, town.now)) == ("not-manager",)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"operators": ()}, "nobody"),
        ({"work": " \n"}, "no-work"),
        ({"rollback": ""}, "no-rollback"),
        ({"starts": timedelta(hours=3), "ends": timedelta(hours=1)}, "ends-first"),
        ({"starts": timedelta(hours=-3), "ends": timedelta(hours=-1)}, "over"),
        ({"starts": timedelta(days=401), "ends": timedelta(days=401, hours=1)}, "outside-contract"),
        ({"starts": timedelta(days=1), "ends": timedelta(days=30)}, "outside-hours"),
        ({"operators": "other-sagyo"}, "operator-not-in-terms"),
        ({"system": "zei"}, "system-not-in-terms"),
    ],
)
def test_a_wish_beyond_the_terms_is_refused_with_its_reason(
    town: SmallTown, change: dict[str, Any], code: str
) -> None:
    """Each fault of a wish has its own code; nothing is half asked."""
    other = town.permit.system
    System.objects.create(
        code="zei", name="税", name_en="Tax", division=other.division, special_personal_information=False,
        host="127.0.0.1", account="a", host_keys=[],
    )  # fmt: skip
    given = {name: _value(town, name, value) for name, value in change.items()}
    with town.nothing_happens():
        assert code in refused(service.request_permit(town.wish(**given), town.person("kanri"), town.now))


def _value(town: SmallTown, name: str, value: Any) -> Any:
    if isinstance(value, timedelta):
        return town.now + value
    if name == "operators" and value:
        return (town.person(value),)
    return System.objects.get(code=value) if name == "system" else value


def test_a_suspended_operator_is_not_sent(town: SmallTown) -> None:
    """Neither asked for nor approved."""
    permit = town.requested()
    Person.objects.filter(login="mori").update(is_active=False)
    with town.nothing_happens():
        answer = service.request_permit(town.wish(), town.person("kanri"), town.now)
        assert refused(answer) == ("operator-not-in-terms",)
        answer = service.approve_permit(permit, town.person("kacho"), town.now)
        assert refused(answer) == ("operator-not-in-terms",)


def test_the_owning_division_approves_once(town: SmallTown) -> None:
    """The papers it rests on are kept; the second press finds it decided and changes nothing."""
    permit = town.requested()
    with town.one_record("city:permit:approved", "person:kacho") as said:
        approved = must(service.approve_permit(permit, town.person("kacho"), town.now))
    assert approved.documents == [f"spec-1@1 {Document.objects.get().sha256}"]
    assert len(said[0].detail["documents"]) == 64
    with town.nothing_happens():
        assert refused(service.approve_permit(permit, town.person("kacho"), town.now)) == ("state-changed",)
        answer = service.return_permit(permit, "やはり", town.person("kacho"), town.now)
        assert refused(answer) == ("state-changed",)


def test_nobody_but_the_owner_decides(town: SmallTown) -> None:
    """Not another division, not the systems division, not the auditor, least of all who asked."""
    permit = town.requested()
    for person in town.everybody_but("kacho"):
        with town.nothing_happens():
            assert "not-owner" in refused(service.approve_permit(permit, person, town.now)), person
            assert "not-owner" in refused(service.return_permit(permit, "なぜ", person, town.now)), person
            extended = service.extend_permit(
                town.permit, town.permit.ends + timedelta(hours=1), person, town.now
            )
            assert "not-owner" in refused(extended), person


def test_what_was_read_is_what_is_approved(town: SmallTown) -> None:
    """Sent back by a colleague and amended meanwhile: the page still open approves nothing unread."""
    read = town.requested()
    must(service.return_permit(read, "直して", town.person("kacho"), town.now))
    later = town.now + timedelta(minutes=1)
    must(service.resubmit_permit(read, town.wish(work="別の作業"), town.person("kanri"), later))
    with town.nothing_happens():
        for seen in (None, read.edition, ""):
            answer = service.approve_permit(read, town.person("kacho"), later, seen)
            assert refused(answer) == ("amended",)
            answer = service.return_permit(read, "なぜ", town.person("kacho"), later, seen)
            assert refused(answer) == ("amended",)
    fresh = Permit.objects.get(pk=read.pk)
    must(service.approve_permit(fresh, town.person("kacho"), later, fresh.edition))


def test_papers_that_changed_meanwhile_are_judged_anew(town: SmallTown) -> None:
    """A term missing at the moment of approval: no permit, whatever held when it was asked for."""
    permit = town.requested()
    FactRow.objects.filter(key="recording").update(key="arrangement", value=["remote"])
    from sekisho.contracts.reading import _grant

    _grant.cache_clear()  # a paper never changes; only this test does that
    with town.nothing_happens():
        assert refused(service.approve_permit(permit, town.person("kacho"), town.now)) == ("term-missing",)
    _grant.cache_clear()


def test_too_late_is_not_approved(town: SmallTown) -> None:
    """A request whose time has passed is not approved afterwards."""
    permit = town.requested()
    with town.nothing_happens():
        answer = service.approve_permit(permit, town.person("kacho"), permit.ends)
        assert refused(answer) == ("over",)


def test_sending_back_says_what_to_mend(town: SmallTown) -> None:
    """Without a word it is refused; with one the manager reads it and asks again under the same number."""
    permit = town.requested()
    with town.nothing_happens():
        assert refused(service.return_permit(permit, "  ", town.person("kacho"), town.now)) == ("say-why",)
    with town.one_record("city:permit:returned", "person:kacho") as said:
        returned = must(service.return_permit(permit, "夜間にしてください", town.person("kacho"), town.now))
    assert returned.comment == "夜間にしてください"
    assert "夜間" not in str(said)
    with town.one_record("contractor:permit:resubmitted", "person:kanri"):
        again = must(
            service.resubmit_permit(returned, town.wish(work="直した作業"), town.person("kanri"), town.now)
        )
    assert (again.number, again.state, again.comment, again.work) == (
        permit.number,
        "requested",
        "",
        "直した作業",
    )


def test_only_a_returned_request_is_amended_and_only_by_its_own_contractor(town: SmallTown) -> None:
    """Not while it waits, not once approved, and never into another contractor's."""
    with town.nothing_happens():
        answer = service.resubmit_permit(town.permit, town.wish(), town.person("kanri"), town.now)
        assert refused(answer) == ("state-changed",)
    returned = town.returned()
    theirs = town.wish(contract=town.other_contract, operators=(town.person("other-sagyo"),))
    with town.nothing_happens():
        answer = service.resubmit_permit(returned, theirs, town.person("other-kanri"), town.now)
        assert refused(answer) == ("not-manager",)
        for person in town.everybody_but("kanri"):
            answer = service.resubmit_permit(returned, town.wish(), person, town.now)
            assert "not-manager" in refused(answer)


def test_the_city_takes_its_yes_back(town: SmallTown) -> None:
    """The owner or the systems division, with a reason; nobody else, and not twice."""
    for person in town.everybody_but("kacho", "systems"):
        with town.nothing_happens():
            assert "not-owner" in refused(service.withdraw_permit(town.permit, "x", person, town.now))
    with town.nothing_happens():
        assert refused(service.withdraw_permit(town.permit, "", town.person("systems"), town.now)) == (
            "say-why",
        )
    with town.one_record("city:permit:withdrawn", "person:systems"):
        must(service.withdraw_permit(town.permit, "障害のため", town.person("systems"), town.now))
    with town.nothing_happens():
        answer = service.withdraw_permit(town.permit, "もう一度", town.person("kacho"), town.now)
        assert refused(answer) == ("state-changed",)


def test_only_the_city_gives_more_time_and_only_more(town: SmallTown) -> None:
    """The contractor cannot extend, nobody can shorten or revive, and the contract's hours still bind."""
    permit, kacho = town.permit, town.person("kacho")
    for person in (town.person("kanri"), town.person("mori")):
        with town.nothing_happens():
            answer = service.extend_permit(permit, permit.ends + timedelta(hours=1), person, town.now)
            assert refused(answer) == ("not-owner",)
    with town.nothing_happens():
        for until, now, code in (
            (permit.ends, town.now, "not-later"),
            (permit.ends - timedelta(hours=1), town.now, "not-later"),
            (permit.ends + timedelta(hours=1), permit.ends, "over"),
            (permit.ends + timedelta(days=30), town.now, "outside-hours"),
        ):
            assert code in refused(service.extend_permit(permit, until, kacho, now))
    with town.one_record("city:permit:extended", "person:kacho"):
        longer = must(service.extend_permit(permit, permit.ends + timedelta(hours=1), kacho, town.now))
    assert longer.ends == permit.ends + timedelta(hours=1)
    with town.nothing_happens():
        answer = service.extend_permit(permit, longer.ends, kacho, town.now)
        assert refused(answer) == ("not-later",)

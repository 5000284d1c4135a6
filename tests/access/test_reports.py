"""Work reports: the operator's own, after the end, once, confirmed by the city."""

import pytest

from sekisho.access import service
from sekisho.access.models import Session, WorkReport
from sekisho.evidence.tags import Tag
from tests.access.smalltown import SmallTown, must, refused


@pytest.fixture
def ended(town: SmallTown) -> Session:
    return town.session(ended_at=town.now, end_reason="finished")


def filed(town: SmallTown, session: Session) -> WorkReport:
    return must(service.file_report(session, "更新した", "問題なし", town.person("mori"), town.now))


def test_only_who_was_inside_reports(town: SmallTown, ended: Session) -> None:
    """Not a colleague, not the manager, not another contractor, not the city in his name."""
    for person in town.everybody_but("mori"):
        with town.nothing_happens():
            assert refused(service.file_report(ended, "した", "ない", person, town.now)) == ("not-yours",)


def test_nothing_is_reported_before_the_end(town: SmallTown) -> None:
    """While the session runs there is nothing to report."""
    session = town.session()
    with town.nothing_happens():
        answer = service.file_report(session, "した", "ない", town.person("mori"), town.now)
        assert refused(answer) == ("still-running",)


def test_a_report_is_filed_once(town: SmallTown, ended: Session) -> None:
    """Both parts are needed; the second time changes nothing; the log holds digests only."""
    for said in (("", "ない"), ("した", " \n")):
        with town.nothing_happens():
            assert refused(service.file_report(ended, *said, town.person("mori"), town.now)) == ("empty",)
    with town.one_record("contractor:report:filed", "person:mori") as record:
        filed(town, ended)
    assert "更新" not in str(record)
    with town.nothing_happens():
        answer = service.file_report(ended, "別の話", "ない", town.person("mori"), town.now)
        assert refused(answer) == ("filed",)


def test_the_city_confirms_and_nobody_after(town: SmallTown, ended: Session) -> None:
    """The owner or the systems division; not who wrote it; once confirmed it stays."""
    report = filed(town, ended)
    for person in town.everybody_but("kacho", "systems"):
        with town.nothing_happens():
            assert refused(service.confirm_report(report, person, town.now)) == ("not-owner",)
            assert refused(service.return_report(report, "x", person, town.now)) == ("not-owner",)
    with town.one_record("city:report:confirmed", "person:kacho"):
        must(service.confirm_report(report, town.person("kacho"), town.now))
    for answer in (
        service.confirm_report(report, town.person("systems"), town.now),
        service.return_report(report, "やはり", town.person("systems"), town.now),
    ):
        assert refused(answer) == ("state-changed",)
    assert refused(service.file_report(ended, "a", "b", town.person("mori"), town.now)) == ("filed",)
    assert [each.tag for each in town.said()] == ["contractor:report:filed", "city:report:confirmed"]


def test_what_is_sent_back_is_filed_again(town: SmallTown, ended: Session) -> None:
    """With what is missing; the new report waits for the city anew."""
    report = filed(town, ended)
    with town.nothing_happens():
        assert refused(service.return_report(report, "", town.person("kacho"), town.now)) == ("say-why",)
    with town.one_record("city:report:returned", "person:kacho"):
        must(service.return_report(report, "件数がない", town.person("kacho"), town.now))
    with town.one_record("contractor:report:filed", "person:mori"):
        again = must(service.file_report(ended, "3件更新した", "なし", town.person("mori"), town.now))
    assert (again.state, again.comment, again.confirmed_by) == ("filed", "", None)


def test_looking_is_a_record_of_its_own(town: SmallTown, ended: Session) -> None:
    """Watching, replaying, searching: one record each, by whom, of which session."""
    for tag in (Tag.RECORDING_WATCHED, Tag.RECORDING_REPLAYED, Tag.RECORDING_SEARCHED):
        with town.one_record(tag, "person:kansa") as said:
            service.note_looked(tag, ended, town.person("kansa"), town.now)
        assert f"session:{ended.id}" in said[0].subjects
    with town.one_record(Tag.EVIDENCE_VIEWED, "person:kansa") as said:
        service.note_searched("汐見 花子", "", town.person("kansa"), town.now)
    assert "汐見" not in str(said)

"""Unattended jobs: what a manager may ask for, and what nobody changes afterwards."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sekisho.access import service
from sekisho.access.examination import Claim, GateState, examine
from sekisho.access.facts import BATCH_PROOFS, PROOFS
from sekisho.access.gateway import responsible_for
from sekisho.access.jobs import JobWish, request_job, sweep_job_reports
from sekisho.access.models import Job, Permit, WorkReport
from sekisho.access.rules import Granted
from sekisho.kernel.ids import LoginId, SystemCode, TerminalCode
from sekisho.kernel.outcome import Refused
from tests.access.smalltown import SmallTown, must, refused
from tests.access.test_emergency import state

KEY = "ssh-ed25519 " + "A" * 68


@pytest.fixture
def town(town: SmallTown) -> SmallTown:
    """A town whose contract knows unattended work."""
    state(town, {"batch.hours": ["daily 00:00-24:00"], "batch.authentication": ["terminal+machine"]})
    return town


def wanted(town: SmallTown, **change: Any) -> JobWish:
    of_wish = {
        name: change.pop(name) for name in ("operators", "starts", "ends", "great_change") if name in change
    }
    whole_wish = {"starts": town.now, "ends": town.now + timedelta(days=30), **of_wish}
    wish = town.wish(job=True, **whole_wish)
    whole: dict[str, Any] = {
        "code": "nightly", "title": "夜間の集計", "command": "sh -s", "script": "echo\r\n",
        "window": ("daily 00:00-24:00",), "longest_minutes": 30, "most_output": 1000, "public_key": f"{KEY} x@y",
        **change,
    }  # fmt: skip
    return JobWish(wish, **whole)


def approved(town: SmallTown, **change: Any) -> Permit:
    permit = must(request_job(wanted(town, **change), town.person("kanri"), town.now))
    return must(service.approve_permit(permit, town.person("kacho"), town.now))


def examined(town: SmallTown, job: str | None, later: timedelta = timedelta()) -> Granted | Refused:
    proofs = BATCH_PROOFS if job else PROOFS
    claim = Claim(LoginId("mori"), SystemCode("juki"), TerminalCode("t-01"), "127.0.0.1", proofs, job)
    return examine(claim, GateState(), town.now + later).answer


def test_asked_approved_and_only_for_that_lane(town: SmallTown) -> None:
    """The job passes as itself, for its minutes; nobody passes on its permit as a person."""
    town.permit.delete()
    with town.one_record("contractor:job:requested", "person:kanri") as said:
        permit = must(request_job(wanted(town), town.person("kanri"), town.now))
    assert "echo" not in str(said)
    assert Job.objects.get().script == "echo\n"
    assert isinstance(examined(town, "nightly"), Refused)
    must(service.approve_permit(permit, town.person("kacho"), town.now))
    answer = examined(town, "nightly")
    assert isinstance(answer, Granted)
    assert answer.until == town.now + timedelta(minutes=30)
    assert isinstance(examined(town, None), Refused)
    assert isinstance(examined(town, "other"), Refused)
    assert responsible_for("nightly", KEY) == "mori"
    assert responsible_for("nightly", KEY[:-1] + "B") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": "Nightly"}, "bad-code"),
        ({"code": "a.b"}, "bad-code"),
        ({"title": " "}, "no-title"),
        ({"command": " "}, "no-command"),
        ({"command": "a\0b"}, "no-command"),
        ({"script": "x" * 300_000}, "long-script"),
        ({"longest_minutes": 0}, "bad-minutes"),
        ({"most_output": 1 << 40}, "bad-output"),
        ({"public_key": "ssh-dss AAAA"}, "bad-key"),
        ({"public_key": "key-1"}, "bad-key"),
        ({"window": ("whenever",)}, "bad-window"),
        ({"window": ("2026-01-01 none",)}, "outside-batch-hours"),
    ],
)
def test_bad_wishes(town: SmallTown, change: dict[str, Any], code: str) -> None:
    """Each with its own reason; nothing is half asked."""
    with town.nothing_happens():
        assert code in refused(request_job(wanted(town, **change), town.person("kanri"), town.now))


def test_more_bad_wishes(town: SmallTown) -> None:
    """Two who answer for it, a permit of years, hours beyond the papers', a code that is taken, no lane at all."""
    kanri = town.person("kanri")
    both = (town.person("mori"), town.person("hayashi"))
    with town.nothing_happens():
        assert "one-responsible" in refused(request_job(wanted(town, operators=both), kanri, town.now))
        for person in town.everybody_but("kanri"):
            assert "not-manager" in refused(request_job(wanted(town), person, town.now))
    long = town.now + timedelta(days=401)
    assert "too-long" in refused(request_job(wanted(town, ends=long), kanri, town.now))
    state(town, {"batch.hours": ["daily 22:00-翌5:00"]})
    assert "outside-batch-hours" in refused(request_job(wanted(town), kanri, town.now))
    night = wanted(town, window=("daily 23:00-翌4:00",))
    must(request_job(night, kanri, town.now))
    with town.nothing_happens():
        assert refused(request_job(night, kanri, town.now)) == ("taken",)


def test_what_was_permitted_is_not_stretched(town: SmallTown) -> None:
    """Neither amended nor extended: the content is what the city read."""
    permit = approved(town)
    later = permit.ends + timedelta(days=1)
    assert "job" in refused(service.extend_permit(permit, later, town.person("kacho"), town.now))
    asked = must(request_job(replace(wanted(town), code="second"), town.person("kanri"), town.now))
    returned = must(service.return_permit(asked, "時間を直してください", town.person("kacho"), town.now))
    wish = town.wish()
    assert "job" in refused(service.resubmit_permit(returned, wish, town.person("kanri"), town.now))


def test_work_that_must_be_attended_does_not_run_unattended(town: SmallTown) -> None:
    """The terms stand above the permit."""
    approved(town)
    assert isinstance(examined(town, "nightly"), Granted)
    state(town, {"attendance": ["always-attended"]})
    answer = examined(town, "nightly")
    assert isinstance(answer, Refused)
    assert "batch-must-be-attended" in answer.codes


def test_a_report_without_a_recording_says_so_too(town: SmallTown) -> None:
    """A job whose recording is gone is reported all the same, once."""
    permit = approved(town)
    ended = town.now + timedelta(seconds=5)
    town.session(permit=permit, ended_at=ended, end_reason="finished", exit_status=0, recording_bytes=0)
    with town.one_record("worker:job:reported", "worker"):
        assert sweep_job_reports(ended) == 1
    assert sweep_job_reports(ended) == 0
    assert "終了コード 0" in WorkReport.objects.get().done

"""What `sekisho doctor` says of the calendar: before it is too late, and only then."""

from datetime import timedelta
from pathlib import Path

import pytest

from sekisho.access.models import OnCall
from sekisho.commands.look_register import calendar
from sekisho.contracts import reading
from sekisho.kernel.installation import Installation, Options
from tests.access.smalltown import SmallTown
from tests.access.test_emergency import LANE, state

HERE = Installation(Path("/nowhere"), Options())


def said(word: str) -> bool:
    return any(word in str(finding) for finding in calendar(HERE))


def test_the_end_of_the_holiday_table(town: SmallTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """A year ahead, while a contract goes on beyond it."""
    assert not said("holidays")
    monkeypatch.setattr(reading, "TABLE_ENDS", town.contract.ends - timedelta(days=60))
    assert said("holidays")
    monkeypatch.setattr(reading, "TABLE_ENDS", town.contract.ends)
    assert not said("holidays")


def test_nobody_on_call(town: SmallTown) -> None:
    """Where the papers know emergencies, and nobody is down for the next day."""
    assert not said("on call")
    state(town, LANE)
    assert said("on call")
    times = {"starts": town.now + timedelta(hours=3), "ends": town.now + timedelta(hours=9)}
    OnCall.objects.create(person=town.person("kacho"), entered_by=town.person("systems"), **times)
    assert not said("on call")

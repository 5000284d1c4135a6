"""Value domains behave as sets, and hours as people read them."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.contracts.hours import Hours
from sekisho.contracts.values import BadValue, Count, Names
from sekisho.kernel.clock import TOKYO

LINES = st.lists(
    st.builds(
        lambda days, start, length: (
            f"{days} {start // 60:02}:{start % 60:02}-{(start + length) % 1440 // 60:02}:{(start + length) % 60:02}"
        ),
        st.sampled_from(["mon-fri", "sat", "sun", "holiday", "daily", "mon,wed"]),
        st.integers(0, 1439),
        st.integers(1, 1000),
    ),
    min_size=1,
    max_size=3,
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda m: m.replace(tzinfo=TOKYO))  # noqa: DTZ001
HOLIDAYS = frozenset({date(2026, 5, 4), date(2026, 11, 23), date(2027, 1, 1)})


@given(LINES, LINES, MOMENTS)
def test_meet_is_what_both_allow(one: list[str], other: list[str], moment: datetime) -> None:
    """A moment is in the meet exactly when it is in both."""
    a, b = Hours.parse(one), Hours.parse(other)
    assert a.meet(b).contains(moment, HOLIDAYS) == (
        a.contains(moment, HOLIDAYS) and b.contains(moment, HOLIDAYS)
    )


@given(LINES, MOMENTS)
def test_until_is_the_first_minute_outside(lines: list[str], moment: datetime) -> None:
    """Inside up to the minute before, outside at it."""
    hours = Hours.parse(lines)
    until = hours.until(moment, HOLIDAYS)
    if not hours.contains(moment, HOLIDAYS):
        assert until == moment
    else:
        assert until > moment
        assert hours.contains(until - timedelta(minutes=1), HOLIDAYS)
        if until - moment < timedelta(days=6):
            assert not hours.contains(until, HOLIDAYS)


@given(LINES, LINES)
@settings(max_examples=25)
def test_the_meet_lies_inside_both(one: list[str], other: list[str]) -> None:
    """⊆ and ∩ fit together."""
    a, b = Hours.parse(one), Hours.parse(other)
    assert a.meet(b).leq(a)
    assert a.meet(b).leq(b)
    assert a.leq(a)


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    """Friday's night goes on into Saturday, even where Saturday has no service and is a holiday."""
    hours = Hours.parse(["fri 22:00-翌6:00"])
    assert hours.contains(datetime(2026, 11, 28, 5, 59, tzinfo=TOKYO), frozenset({date(2026, 11, 28)}))
    assert not hours.contains(datetime(2026, 11, 28, 6, 0, tzinfo=TOKYO), frozenset())
    assert not hours.contains(datetime(2026, 11, 27, 5, 0, tzinfo=TOKYO), frozenset())


def test_disjoint_hours_are_empty() -> None:
    """Two papers with no common minute contradict each other."""
    assert Hours.parse(["mon 08:00-12:00"]).meet(Hours.parse(["tue 08:00-12:00"])).is_empty
    assert not Hours.parse(["mon 08:00-12:00"]).is_empty


@pytest.mark.parametrize(
    "line",
    [
        "",
        "mon",
        "mon 8-12",
        "mon 25:00-26:00",
        "mon 08:60-09:00",
        "xyz 08:00-09:00",
        "fri-mon 08:00-09:00",
        "mon 08:00-08:00",
        "2026-13-01 none",
        "2026-05-06..2026-05-01 none",
        "2026-05-06",
    ],
)
def test_what_cannot_be_read_is_said(line: str) -> None:
    """No guess: the line is named, with examples."""
    with pytest.raises(BadValue) as error:
        Hours.parse([line])
    assert "mon-fri" in error.value.text.ja


def test_dates_stand_above_the_week() -> None:
    """A closed week in the new year, one morning in May though it is a holiday; the night before goes on."""
    hours = Hours.parse(
        [
            "daily 22:00-翌6:00",
            "2026-12-28..2027-01-08 none",
            "2027-01-04 08:00-12:00",
            "2026-05-06 08:30-12:00",
        ]
    )
    may = frozenset({date(2026, 5, 6)})
    assert hours.contains(datetime(2026, 12, 28, 5, 0, tzinfo=TOKYO), frozenset())
    assert not hours.contains(datetime(2026, 12, 28, 23, 0, tzinfo=TOKYO), frozenset())
    assert not hours.contains(datetime(2027, 1, 9, 5, 0, tzinfo=TOKYO), frozenset())
    assert hours.contains(datetime(2027, 1, 4, 9, 0, tzinfo=TOKYO), frozenset())
    assert hours.contains(datetime(2026, 5, 6, 9, 0, tzinfo=TOKYO), may)
    assert hours.until(datetime(2026, 5, 6, 9, 0, tzinfo=TOKYO), may) == datetime(
        2026, 5, 6, 12, tzinfo=TOKYO
    )
    assert "ただし 2026-12-28〜2027-01-08 なし" in hours.show().ja
    assert "but 2026-05-06 8:30–12:00" in hours.show().en


def test_dates_count_where_papers_meet() -> None:
    """Open on one day that the other paper closes: nothing is left, and it is no smaller than either."""
    one = Hours.parse(["2026-05-06 08:30-12:00"])
    other = Hours.parse(["daily 00:00-24:00", "2026-05-06 none"])
    assert not one.is_empty
    assert one.meet(other).is_empty
    assert not one.leq(other)
    assert Hours.parse(["2026-05-06 09:00-10:00"]).leq(one)
    assert one.leq(Hours.parse(["daily 00:00-24:00"]))


def test_shown_as_people_read_it() -> None:
    """Days grouped, nights marked, in both languages."""
    text = Hours.parse(["mon-fri 07:30-21:15", "sat 22:00-翌6:00"]).show()
    assert text.ja == "月〜金 7:30–21:15、土 22:00–翌6:00"
    assert Hours.parse(["daily 00:00-24:00"]).show().ja == "毎日 0:00–24:00"


@given(st.frozensets(st.sampled_from("abcd")), st.frozensets(st.sampled_from("abcd")))
def test_names_are_sets(one: frozenset[str], other: frozenset[str]) -> None:
    """Plain set algebra."""
    a, b = Names(one), Names(other)
    assert a.meet(b).leq(a)
    assert a.leq(b) == (one <= other)
    assert a.meet(b).is_empty == (not one & other)


def test_counts_are_intervals() -> None:
    """One number or a range; the meet of ranges that do not touch is empty."""
    assert Count.parse([5]) == Count(5, 5)
    assert Count.parse([1, 12]).meet(Count.parse([10, 20])) == Count(10, 12)
    assert Count.parse([1, 2]).meet(Count.parse([3])).is_empty

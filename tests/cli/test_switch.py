"""`sekisho cut` and `sekisho status`: the switch that needs nothing but the gate's socket."""

import getpass
import subprocess
import sys
from pathlib import Path

import pytest

from sekisho.kernel.installation import Installation
from tests.cli.conftest import Run
from tests.cli.fake_gate import FakeGate

SESSION = "01931f3a-0000-7000-8000-0000000000a1"
OTHER = "01931f3a-0000-7000-8000-0000000000b2"


@pytest.fixture
def bare_home(tmp_path: Path) -> Path:
    """A home with a gate's socket and nothing else that works: no settings, no keys, no database."""
    (tmp_path / "run").mkdir()
    (tmp_path / "sekisho.toml").write_text("this is = not = toml")
    return tmp_path


def test_a_cut_needs_neither_settings_nor_database_nor_console(bare_home: Path, sekisho: Run) -> None:
    """With everything broken but the gate, a session is cut, and the milliseconds are shown."""
    with FakeGate(bare_home / "run" / "gate.sock", [SESSION]) as gate:
        done = sekisho("cut", SESSION, "--home", bare_home)
    assert done.returncode == 0, done.stderr
    assert "2.5 ミリ秒" in done.stdout
    assert "2.5 ms" in done.stdout
    assert gate.asked[-1] == {"verb": "cut", "session": SESSION, "by": f"os-user:{getpass.getuser()}"}


def test_a_part_of_the_id_is_enough_when_it_names_one(bare_home: Path, sekisho: Run) -> None:
    """Nobody types a whole id in an emergency; a part that fits two sessions cuts neither."""
    with FakeGate(bare_home / "run" / "gate.sock", [SESSION, OTHER]) as gate:
        assert sekisho("cut", "a1", "--home", bare_home).returncode == 0
        assert gate.asked[-1]["session"] == SESSION
        both = sekisho("cut", "0193", "--home", bare_home)
        assert both.returncode == 2
        assert gate.asked[-1] == {"verb": "status"}


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [(["--line", "line-1"], {"line": "line-1"}), (["--everything"], {"everything": True})],
)
def test_a_line_or_everything_can_be_cut(
    bare_home: Path, sekisho: Run, arguments: list[str], asked: dict[str, object]
) -> None:
    """The two larger cuts ask the gate for just that."""
    with FakeGate(bare_home / "run" / "gate.sock", [SESSION]) as gate:
        assert sekisho("cut", *arguments, "--home", bare_home).returncode == 0
    assert gate.asked == [{"verb": "cut", "by": f"os-user:{getpass.getuser()}", **asked}]


@pytest.mark.parametrize("arguments", [[], [SESSION, "--everything"], ["--line", "a", "--everything"]])
def test_an_unclear_cut_cuts_nothing_and_lists_who_is_inside(
    bare_home: Path, sekisho: Run, arguments: list[str]
) -> None:
    """Nothing named, or two things at once: the sessions are listed, nothing is cut."""
    with FakeGate(bare_home / "run" / "gate.sock", [SESSION]) as gate:
        unclear = sekisho("cut", *arguments, "--home", bare_home)
    assert unclear.returncode == 2
    assert SESSION in unclear.stdout
    assert gate.asked == [{"verb": "status"}]


def test_the_gates_own_words_are_shown_when_it_refuses(bare_home: Path, sekisho: Run) -> None:
    """A refusal keeps both languages and fails."""
    with FakeGate(bare_home / "run" / "gate.sock", [SESSION]) as gate:
        gate.answers["cut"] = {"ok": False, "error": "x", "ja": "もう終わっています。", "en": "It has ended."}
        refused = sekisho("cut", SESSION, "--home", bare_home)
    assert refused.returncode == 1
    assert "もう終わっています。" in refused.stderr
    assert "It has ended." in refused.stderr


def test_a_silent_gate_is_said_loudly_with_other_ways_to_cut(bare_home: Path, sekisho: Run) -> None:
    """No answer is its own exit code, and says what else cuts."""
    silent = sekisho("cut", "--everything", "--home", bare_home)
    assert silent.returncode == 3
    assert "ケーブル" in silent.stderr
    assert "sekisho-gate" in silent.stderr


def test_status_says_who_is_inside_and_that_the_database_is_gone(bare_home: Path, sekisho: Run) -> None:
    """The city sees who is inside from the gate's own memory."""
    with FakeGate(bare_home / "run" / "gate.sock", [SESSION]):
        shown = sekisho("status", "--home", bare_home)
    assert shown.returncode == 0
    assert SESSION in shown.stdout
    assert "不通" in shown.stdout


def test_the_switch_starts_without_django(home: Installation) -> None:
    """What could break with the console is not even loaded."""
    code = (
        "import sys; from sekisho.cli import main\n"
        "try: main(['status', '--home', sys.argv[1]])\n"
        "except SystemExit: print('django' in sys.modules, 'pydantic' in sys.modules)"
    )
    asked = subprocess.run(
        [sys.executable, "-c", code, str(home.home)], capture_output=True, text=True, check=True
    )
    assert asked.stdout.split() == ["False", "False"]

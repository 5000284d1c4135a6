"""Unattended jobs: exactly what was permitted, to the byte, in its hours; anything else does not begin."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gate.gatetown import GateTown
from tests.town import eventually, keygen, public_key

pytestmark = pytest.mark.e2e

SCRIPT = b"echo began\ndate +%s%N > /dev/null\necho counted $((40 + 2))\necho odd >&2\nexit 3\n"
PREPARE = """
import hashlib
paper = Document.objects.get()
for position, (key, value) in enumerate({"batch.hours": ["daily 00:00-24:00"],
        "batch.authentication": ["terminal+machine"]}.items()):
    FactRow.objects.create(document=paper, position=50 + position, subject="contract:c-1", key=key, mode="state",
        value=value, page=4, clause=f"6-{position}", quote="…", read_by="x", confirmed_by="y")
def job(code, command, script="", most=100_000, minutes=5, window=("daily 00:00-24:00",)):
    row = Permit.objects.get(number="R8-0001")
    row.number = f"R8-1{Job.objects.count():03}"
    row.save(force_insert=True)
    row.operators.add(Person.objects.get(login="mori"))
    Job.objects.create(code=code, permit=row, title=code, command=command, script=script, window=list(window),
        script_sha256=hashlib.sha256(script.encode()).hexdigest() if script else "", longest_minutes=minutes,
        most_output=most, public_key=machine_key)
job("nightly", "sh -s", script)
job("plain", "echo plain $((40 + 2))")
job("reads", "cat; echo read")
job("loud", "yes 0123456789 | head -c 10000000", most=50_000)
job("never", "echo never", window=("2020-01-01 00:00-01:00",))
Permit.objects.filter(number="R8-0001").update(state="withdrawn")
None
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateTown]:
    """A town with four permitted jobs, one machine key, and no permit for people."""
    place = GateTown(tmp_path_factory.mktemp("night"))
    try:
        place.open()
        machine = keygen(place.folder / "machine")
        place.probe(PREPARE, script=SCRIPT.decode(), machine_key=public_key(machine))
        yield place
    finally:
        place.close()


def run(
    town: GateTown, job: str, command: str | None, stdin: bytes = b"", key: Path | None = None, *more: str
) -> "subprocess.CompletedProcess[bytes]":
    """The contractor's scheduler: a plain ssh with the terminal's certificate and the machine's key."""
    words: list[Any] = town.command(command, operator=f"job.{job}", options=[*more])
    words[words.index(f"job.{job}+{town.system}@127.0.0.1")] = f"job.{job}@127.0.0.1"
    words[1:1] = [
        "-i",
        str(key or town.folder / "machine"),
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "BatchMode=yes",
    ]
    return subprocess.run(words, input=stdin, capture_output=True, timeout=30, check=False)


def test_the_permitted_script_runs_and_reports_itself(town: GateTown) -> None:
    """Its output, its stderr and its exit status come back; the second report says what differs: nothing."""
    for _ in range(2):
        done = run(town, "nightly", "sh -s", SCRIPT)
        assert (done.stdout, done.returncode) == (b"began\ncounted 42\n", 3), done.stderr.decode()
        assert b"odd\n" in done.stderr
    said = "values_list('done', 'outcome', 'filed_by__login')"
    reports = f"list(WorkReport.objects.order_by('session__opened_at').{said})"
    first, second = eventually(lambda: [*town.probe(reports)] if len(town.probe(reports)) == 2 else None, 20)
    assert "終了コード 3" in first[0]
    assert first[1] == "初めての実行です。"
    assert second[1] == "前回の出力と同じです。"
    assert second[2] == "mori"
    session = town.last_session()
    assert SCRIPT in town.recording(session["id"])["INPUT"]


@pytest.mark.parametrize(
    ("command", "stdin"),
    [
        ("sh -s", SCRIPT + b" "),
        ("sh -s", SCRIPT.replace(b"42", b"43").replace(b"40", b"41")),
        ("sh -s", b""),
        ("sh -s ", SCRIPT),
        ("sh", SCRIPT),
        ("bash -s", SCRIPT),
        ("sh -s", b"x" * 3_000_000),
        (None, SCRIPT),
    ],
)
def test_one_byte_else_and_nothing_runs(town: GateTown, command: str | None, stdin: bytes) -> None:
    """The target is not even called; what came is in the evidence by its digest."""
    called = (town.target.folder / "log").read_text().count("Accepted publickey")
    before = town.count("gate:job:refused")
    done = run(town, "nightly", command, stdin)
    assert done.stdout == b""
    assert done.returncode != 0
    assert "許可された定型処理と一字一句同じではない".encode() in done.stderr
    assert eventually(lambda: town.count("gate:job:refused") == before + 1)
    assert (town.target.folder / "log").read_text().count("Accepted publickey") == called
    assert eventually(lambda: town.last_session()["end_reason"] == "other-work")


def test_with_a_terminal_it_is_another_work(town: GateTown) -> None:
    """A job asks for none; a person might."""
    done = run(town, "plain", "echo plain $((40 + 2))", b"", None, "-tt")
    assert b"plain 42" not in done.stdout
    assert done.returncode != 0


def test_a_command_alone_needs_no_script(town: GateTown) -> None:
    """And reads what it is given, if it reads at all."""
    assert run(town, "plain", "echo plain $((40 + 2))").stdout == b"plain 42\n"


def test_what_reads_nothing_is_given_nothing(town: GateTown) -> None:
    """A job without a script cannot be steered by what is sent along with it."""
    assert run(town, "reads", "cat; echo read", b"rm -rf /\n").stdout == b"read\n"


def test_too_much_output_ends_it(town: GateTown) -> None:
    """At the permitted number of bytes; what was forwarded is not more."""
    done = run(town, "loud", "yes 0123456789 | head -c 10000000")
    assert len(done.stdout) <= 50_000
    assert "出力が許可された量を超えた".encode() in done.stderr
    assert eventually(lambda: town.last_session()["end_reason"] == "output-limit")


def test_outside_its_hours_it_does_not_run(town: GateTown) -> None:
    """The window of the job itself, inside the papers' hours."""
    done = run(town, "never", "echo never")
    assert b"[outside-window" in done.stderr
    assert done.stdout == b""


def test_other_keys_and_other_names_prove_nothing(town: GateTown) -> None:
    """An unregistered key, a job that does not exist, the machine's key as a person, a person's way as a job."""
    other = keygen(town.folder / "other-machine")
    assert run(town, "plain", "echo plain $((40 + 2))", key=other).returncode == 255
    assert run(town, "nothing", "echo plain $((40 + 2))").returncode == 255
    assert "unknown-machine-key" in town.proof_faults()
    words: list[Any] = town.command(
        "true", options=["-i", str(town.folder / "machine"), "-o", "BatchMode=yes"]
    )
    assert subprocess.run(words, capture_output=True, timeout=30, check=False).returncode == 255
    person = town.ssh("echo INSIDE", operator="mori")
    assert b"INSIDE" not in person.stdout


def test_withdrawn_it_does_not_run_again(town: GateTown) -> None:
    """A job stands on its permit like everything else."""
    change = "Permit.objects.filter(job__code='plain').update(state=state)"
    town.probe(change, state="withdrawn")
    done = run(town, "plain", "echo plain $((40 + 2))")
    assert b"[permit-withdrawn" in done.stderr
    town.probe(change, state="approved")
    assert run(town, "plain", "echo plain $((40 + 2))").stdout == b"plain 42\n"

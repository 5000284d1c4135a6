"""Verbs about unattended jobs (無人の定型処理): a manager asks for exactly one, and its report writes itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import unified_diff
from hashlib import sha256

from django.conf import settings
from django.db import IntegrityError, transaction

from sekisho.access.models import Job, Permit, Session, WorkReport
from sekisho.access.permit_checks import Wish, day_of, refusal, wrong_requester, wrong_wish
from sekisho.access.permits import next_number, record_permit
from sekisho.access.reasons import reason
from sekisho.access.rules import BATCH_TERMS
from sekisho.access.sentences import SENTENCES
from sekisho.contracts.grant import Grant
from sekisho.contracts.hours import Hours
from sekisho.contracts.reading import grant_of
from sekisho.contracts.values import BadValue
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text
from sekisho.people.models import Person, SshAuthenticator, Terminal
from sekisho.vault.archive import recording_path
from sekisho.vault.format import BadRecording, Kind
from sekisho.vault.reader import Reader

LONGEST = timedelta(days=400)
"""A standing permit is looked at anew at least every fiscal year and a month."""
MOST_SCRIPT = 256 * 1024
MOST_OUTPUT = 64 * 1024 * 1024
REPORT_LINES = 200
COMPARED_LINES = 5000
"""Longer outputs are counted and not compared: the comparison's time grows with the square."""
_CODE = re.compile(r"[a-z][a-z0-9-]{0,29}")
_KEY = re.compile(r"(ssh-ed25519|ecdsa-sha2-nistp256|rsa-sha2-512) [A-Za-z0-9+/=]{40,2000}")


@dataclass(frozen=True, slots=True)
class JobWish:
    """What is to run, when, for how long and how loud. `wish` names its one responsible operator."""

    wish: Wish
    code: str
    title: str
    command: str
    script: str
    window: tuple[str, ...]
    longest_minutes: int
    most_output: int
    public_key: str


def request_job(asked: JobWish, by: Person, now: datetime) -> Permit | Refused:
    """A manager asks for a standing permit for one job. Approved, returned and withdrawn like any other."""
    wish = asked.wish
    if refused := refusal(wrong_requester(wish, by), wrong_wish(wish, now), _faults(asked)):
        return refused
    script = asked.script.replace("\r\n", "\n")
    try:
        with transaction.atomic():
            permit = Permit(
                number=next_number(now), contract=wish.contract, system=wish.system, starts=wish.starts,
                ends=wish.ends, work=wish.work.strip(), rollback=wish.rollback.strip(), requested_by=by,
                requested_at=now,
            )  # fmt: skip
            permit.save(force_insert=True)
            permit.operators.set(wish.operators)
            Job.objects.create(
                code=asked.code, permit=permit, title=asked.title.strip(), command=asked.command, script=script,
                script_sha256=sha256(script.encode()).hexdigest() if script else "", window=list(asked.window),
                longest_minutes=asked.longest_minutes, most_output=asked.most_output,
                public_key=" ".join(asked.public_key.split()[:2]),
            )  # fmt: skip
            digest = sha256(f"{asked.command}\0{script}".encode()).hexdigest()
            record_permit(Tag.JOB_REQUESTED, permit, by, now, job=asked.code, content_sha256=digest)
    except IntegrityError:
        return Refused((_TAKEN,))
    return permit


def sweep_job_reports(now: datetime) -> int:
    """Writes the report of every job that has run and has none. Returns how many."""
    ran = Session.objects.filter(
        permit__job__isnull=False, ended_at__isnull=False, recording_bytes__isnull=False, report=None
    ).select_related("permit__job", "operator")
    return sum(_report(session, now) for session in ran[:20])


def _report(session: Session, now: datetime) -> int:
    job = session.permit.job
    before = Session.objects.filter(
        permit=session.permit,
        ended_at__isnull=False,
        exit_status__isnull=False,
        opened_at__lt=session.opened_at,
    ).first()
    lines = list(_output(session))
    seconds = ((session.ended_at or now) - session.opened_at).total_seconds()
    status = "なし" if session.exit_status is None else str(session.exit_status)
    why = session.reason_text.ja
    done = f"{job.title}({job.code})\n{why}。終了コード {status}、{seconds:.0f}秒、出力 {len(lines)}行"
    with transaction.atomic():
        _, made = WorkReport.objects.get_or_create(
            session=session,
            defaults={
                "done": done,
                "outcome": _difference(list(_output(before)), lines) if before else "初めての実行です。",
                "filed_by": session.operator,
                "filed_at": now,
            },
        )
        if made:
            subjects = [session.subject, session.permit.subject]
            record(
                Tag.JOB_REPORTED,
                actor="worker",
                subjects=subjects,
                at=now,
                detail={"lines": len(lines), "status": session.exit_status},
            )
    return int(made)


def _output(session: Session) -> Iterator[str]:
    """What the job wrote, line by line; nothing where there is no recording to read."""
    try:
        with Reader(recording_path(settings.SEKISHO.recordings, session.id)) as reader:
            said = [frame.data for frame in reader.frames() if frame.kind in (Kind.OUTPUT, Kind.STDERR)]
            yield from b"".join(said).decode(reader.header.charset, "replace").splitlines()
    except (FileNotFoundError, BadRecording):
        return


def _difference(before: list[str], now: list[str]) -> str:
    if max(len(before), len(now)) > COMPARED_LINES:
        return f"前回は{len(before)}行、今回は{len(now)}行。長いため、違いは並べていません。記録を比べてください。"
    compared = list(unified_diff(before, now, n=0, lineterm=""))[2:]
    changed = [line for line in compared if not line.startswith("@@")]
    if not changed:
        return "前回の出力と同じです。"
    more, less = (sum(line.startswith(sign) for line in changed) for sign in "+-")
    shown = changed[:REPORT_LINES]
    rest = [f"(ほか{len(changed) - len(shown)}行)"] if len(changed) > len(shown) else []
    return "\n".join([f"前回との違い: 増えた{more}行、減った{less}行", *shown, *rest])


# Why not


def _faults(asked: JobWish) -> list[Reason]:
    wish = asked.wish
    reasons = [] if _CODE.fullmatch(asked.code) else [_BAD_CODE]
    reasons += [] if asked.title.strip() else [_NO_TITLE]
    reasons += [] if asked.command.strip() and "\0" not in asked.command else [_NO_COMMAND]
    reasons += (
        [] if len(asked.script.encode()) <= MOST_SCRIPT and "\0" not in asked.script else [_LONG_SCRIPT]
    )
    reasons += [] if 1 <= asked.longest_minutes <= 24 * 60 else [_BAD_MINUTES]
    reasons += [] if 1 <= asked.most_output <= MOST_OUTPUT else [_BAD_OUTPUT]
    reasons += [] if len(wish.operators) == 1 else [_ONE_RESPONSIBLE]
    reasons += [_TOO_LONG] if wish.ends - wish.starts > LONGEST else []
    reasons += _key_faults(asked.public_key)
    return [*reasons, *_terms(grant_of(wish.contract, day_of(wish.starts)), asked)]


def _key_faults(text: str) -> list[Reason]:
    key = " ".join(text.split()[:2])
    if not _KEY.fullmatch(key):
        return [_BAD_KEY]
    used = (
        Terminal.objects.filter(public_key=key).exists()
        or SshAuthenticator.objects.filter(public_key=key).exists()
    )
    return [_USED_KEY] if used else []


def _terms(grant: Grant, asked: JobWish) -> list[Reason]:
    if grant.empty:
        return []  # said already
    if any(key not in grant.terms for key in BATCH_TERMS):
        return [Reason("no-batch-lane", SENTENCES["no-batch-lane"])]
    try:
        window = Hours.parse(asked.window)
    except BadValue as error:
        return [Reason("bad-window", error.text)]
    hours = grant.terms["batch.hours"]
    if window.is_empty or not isinstance(hours.value, Hours) or not window.leq(hours.value):
        shown = hours.value.show()
        text = Text(
            f"動かす時間が、契約の定型処理の時間帯({shown.ja})に収まりません。",
            f"The hours are not inside the contract's hours for batch work ({shown.en}).",
        )
        return [Reason("outside-batch-hours", text, hours.sources)]
    return []


_BAD_CODE = reason(
    "bad-code",
    "コードは、英小文字で始まる30字までの英小文字、数字、ハイフンです。例: juki-nightly",
    "A code is up to 30 of a-z, 0-9 and -, beginning with a letter, for example juki-nightly.",
)
_TAKEN = reason(
    "taken",
    "そのコードの定型処理はもうあります。別のコードにしてください。",
    "That code is taken. Choose another.",
)
_NO_TITLE = reason("no-title", "処理の名前を書いてください。", "Give it a name.")
_NO_COMMAND = reason("no-command", "実行するコマンドを書いてください。", "Say what command is run.")
_LONG_SCRIPT = reason(
    "long-script", "スクリプトは256KiBまでの文字です。", "A script is text of at most 256 KiB."
)
_BAD_MINUTES = reason(
    "bad-minutes", "最長時間は1分から24時間までです。", "The longest is 1 minute to 24 hours."
)
_BAD_OUTPUT = reason("bad-output", "出力の上限は64MiBまでです。", "The output is at most 64 MiB.")
_ONE_RESPONSIBLE = reason(
    "one-responsible",
    "責任を持つ作業者を一人だけ選んでください。",
    "Choose the one operator who answers for it.",
)
_TOO_LONG = reason(
    "too-long",
    "定型処理の許可は400日までです。年度ごとに取り直してください。",
    "A job's permit lasts 400 days at most.",
)
_BAD_KEY = reason(
    "bad-key",
    "機械の公開鍵を読めません。「ssh-ed25519 AAAA…」の一行を貼ってください。",
    "Not a machine's public key. Paste the one line that begins with ssh-ed25519.",
)
_USED_KEY = reason(
    "used-key",
    "その鍵は端末か認証器のものです。定型処理には専用の鍵を作ってください。",
    "That key is a terminal's or an authenticator's. Make one for this job alone.",
)

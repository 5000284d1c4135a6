"""Verbs about work reports, and the evidence of who looked at a recording."""

from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction

from sekisho.access.models import Session, WorkReport
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text
from sekisho.people.models import Person
from sekisho.people.roles import Role


def file_report(session: Session, done: str, outcome: str, by: Person, now: datetime) -> WorkReport | Refused:
    """The operator says what was done. Mends a report that was sent back."""
    if session.operator_id != by.pk:
        return _refused(
            "not-yours", "報告できるのは作業した本人だけです。", "Only the operator himself reports."
        )
    if session.ended_at is None:
        return _refused(
            "still-running", "接続が終わってから報告してください。", "Report after the session has ended."
        )
    if not done.strip() or not outcome.strip():
        return _refused(
            "empty", "作業の内容と結果の両方を書いてください。", "Say both what was done and how it ended."
        )
    with transaction.atomic():
        Session.objects.select_for_update(of=("self",)).get(pk=session.pk)
        report = WorkReport.objects.filter(session=session).first()
        if report is not None and report.state != WorkReport.State.RETURNED:
            return _refused("filed", "報告はもう提出されています。", "The report has been filed already.")
        report = report or WorkReport(session=session)
        report.done, report.outcome = done.strip(), outcome.strip()
        report.state, report.filed_by, report.filed_at = WorkReport.State.FILED, by, now
        report.confirmed_by = report.confirmed_at = None
        report.comment = ""
        report.save()
        _record(Tag.REPORT_FILED, session, by, now, done=done, outcome=outcome)
    return report


def confirm_report(report: WorkReport, by: Person, now: datetime) -> WorkReport | Refused:
    """The city has read the report beside the replay and agrees."""
    return _decide(report, WorkReport.State.CONFIRMED, "", by, now)


def return_report(report: WorkReport, comment: str, by: Person, now: datetime) -> WorkReport | Refused:
    """The city sends the report back, saying what is missing."""
    if not comment.strip():
        return _refused("say-why", "何が足りないか書いてください。", "Say what is missing.")
    return _decide(report, WorkReport.State.RETURNED, comment.strip(), by, now)


def note_looked(tag: Tag, session: Session, by: Person, now: datetime, **detail: Any) -> None:
    """Evidence that somebody watched, replayed or searched a recording (design, invariant 8)."""
    with transaction.atomic():
        record(tag, actor=by.actor, subjects=_subjects(session), at=now, detail=detail)


def note_searched(asked: str, tag: str, by: Person, now: datetime) -> None:
    """Evidence that somebody searched the log or took lines of it away; what was typed only by its digest."""
    with transaction.atomic():
        detail = {"asked_sha256": sha256(asked.encode()).hexdigest(), "tag": tag}
        record(Tag.EVIDENCE_VIEWED, actor=by.actor, subjects=[by.actor], at=now, detail=detail)


def _decide(
    report: WorkReport, state: WorkReport.State, comment: str, by: Person, now: datetime
) -> WorkReport | Refused:
    contract = report.session.permit.contract
    owner = by.role_of is Role.DIVISION and by.division_id == contract.division_id
    if not owner and by.role_of is not Role.SYSTEMS:
        return _refused(
            "not-owner",
            "確かめるのは所管課か情報システム担当課です。",
            "The owning or the systems division confirms.",
        )
    with transaction.atomic():
        row = WorkReport.objects.select_for_update(of=("self",)).get(pk=report.pk)
        if row.state != WorkReport.State.FILED:
            return _refused(
                "state-changed",
                "報告の状態が変わりました。読み直してください。",
                "The report has changed; reload.",
            )
        row.state, row.comment, row.confirmed_by, row.confirmed_at = state, comment, by, now
        row.save()
        tag = Tag.REPORT_CONFIRMED if state == WorkReport.State.CONFIRMED else Tag.REPORT_RETURNED
        _record(tag, row.session, by, now, comment=comment)
    return row


def _record(tag: Tag, session: Session, by: Person, now: datetime, **texts: str) -> None:
    detail = {
        f"{name}_sha256": sha256(text.strip().encode()).hexdigest() for name, text in texts.items() if text
    }
    record(tag, actor=by.actor, subjects=_subjects(session), at=now, detail=detail)


def _subjects(session: Session) -> list[str]:
    return [session.subject, f"permit:{session.permit_id}", f"person:{session.operator.login}"]


def _refused(code: str, ja: str, en: str) -> Refused:
    return Refused((Reason(code, Text(ja, en)),))

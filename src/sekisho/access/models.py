"""Permits, lines' switches, latches, sessions and work reports."""

from datetime import UTC
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from sekisho.access.sentences import END_REASONS, INCIDENTS, PERMIT_STATES
from sekisho.contracts.hours import Hours
from sekisho.contracts.models import Contract, System
from sekisho.kernel.text import Text
from sekisho.people.models import Division, Line, Person, Terminal


class Permit(models.Model):
    """The city's yes to one maintenance window (許可). `number` is `R8-0001`: fiscal year and ordinal."""

    class State(models.TextChoices):
        REQUESTED = "requested", "申請中"
        RETURNED = "returned", "差戻し"
        APPROVED = "approved", "許可"
        WITHDRAWN = "withdrawn", "取消し"

    number = models.CharField(primary_key=True, max_length=20)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="permits")
    system = models.ForeignKey(System, on_delete=models.PROTECT)
    operators = models.ManyToManyField(Person, related_name="permits")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    work = models.TextField()
    rollback = models.TextField()
    """How the work is undone if it goes wrong."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    requested_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    emergency = models.BooleanField(default=False)
    """Asked for by an operator because of a fault, opened by whoever is on call (`emergency.py`)."""
    ratify_by = models.DateTimeField(null=True)
    """Until when the owning division must have approved an emergency that was opened; null for all others."""
    ratified_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    ratified_at = models.DateTimeField(null=True)
    great_change = models.BooleanField(default=False)
    """Whether the work changes the system greatly, as the manager says it does."""
    attended = models.BooleanField(default=False)
    """Whether the division approved it on condition that city staff are present, whatever the terms say."""
    comment = models.TextField(blank=True)
    documents = models.JSONField(default=list)
    """The documents (`code@version sha256`) whose terms the approval rested on."""

    class Meta:
        ordering: ClassVar[list[str]] = ["-starts"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="permit_ends_after_start", condition=Q(ends__gt=F("starts"))),
            models.CheckConstraint(
                name="permit_decided_by_someone",
                condition=Q(state="requested") | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
        ]

    @property
    def subject(self) -> str:
        return f"permit:{self.number}"

    @property
    def state_text(self) -> Text:
        return PERMIT_STATES[self.state]

    @property
    def edition(self) -> str:
        """Changes whenever the request is made anew: what was read is what is decided."""
        return self.requested_at.astimezone(UTC).isoformat()


class Job(models.Model):
    """A batch that may run unattended (無人の定型処理): exactly this, under its permit, and nothing else."""

    code = models.SlugField(primary_key=True, max_length=30)
    permit = models.OneToOneField(Permit, on_delete=models.PROTECT, related_name="job")
    title = models.CharField(max_length=100)
    command = models.TextField()
    """What is run on the target, to the byte."""
    script = models.TextField(blank=True)
    """What the command reads, where it reads something."""
    script_sha256 = models.CharField(max_length=64, blank=True)
    window = models.JSONField()
    """Lines as papers write service hours; it runs inside them and inside the terms' `batch.hours`."""
    longest_minutes = models.PositiveIntegerField()
    most_output = models.PositiveIntegerField()
    """Bytes."""
    public_key = models.TextField()
    """The machine's key, `type base64`."""

    @property
    def hours(self) -> Hours:
        return Hours.parse(self.window)


class OnCall(models.Model):
    """One person of the city on call (当番), from when to when: who may open the emergency lane."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="duties")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar[list[str]] = ["starts"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="duty_ends_after_start", condition=Q(ends__gt=F("starts"))),
        ]


class Incident(models.Model):
    """Something that should not have happened, until the city has said what came of it (事案)."""

    class Kind(models.TextChoices):
        NOT_RATIFIED = "emergency-not-approved", "緊急の作業が期限までに承認されなかった"
        DISOWNED = "emergency-disowned", "緊急の作業を所管課が認めなかった"

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=40, choices=Kind.choices)
    permit = models.ForeignKey(Permit, on_delete=models.PROTECT, related_name="incidents")
    opened_at = models.DateTimeField()
    comment = models.TextField(blank=True)
    """Why, where somebody said so."""
    closed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)
    outcome = models.TextField(blank=True)
    """What came of it."""

    class Meta:
        ordering: ClassVar[list[str]] = ["-opened_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(name="one_incident_of_a_kind", fields=["permit", "kind"]),
        ]

    @property
    def text(self) -> Text:
        return INCIDENTS[self.kind]


class Processing(models.Model):
    """One entry of the processing schedule (処理スケジュール): which batch when, agreed with which divisions."""

    id = models.UUIDField(primary_key=True)
    title = models.CharField(max_length=100)
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """Whose work it is; null where the city does it itself."""
    first = models.DateField()
    at = models.TimeField()
    """Tokyo time."""
    minutes = models.PositiveIntegerField()
    rule = models.CharField(max_length=20)
    """A `Rule` of `recurrence.py`."""
    until = models.DateField(null=True)
    note = models.TextField(blank=True)
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    """Changes with each amendment: what was read is what is agreed to."""
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["first", "at", "title"]

    @property
    def subject(self) -> str:
        return f"processing:{self.id}"

    @property
    def edition(self) -> str:
        return self.entered_at.astimezone(UTC).isoformat()


class Agreement(models.Model):
    """Whether one division agrees to an entry of the processing schedule, as it stands now."""

    processing = models.ForeignKey(Processing, on_delete=models.PROTECT, related_name="agreements")
    division = models.ForeignKey(Division, on_delete=models.PROTECT, related_name="+")
    agreed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField(null=True)
    objection = models.TextField(blank=True)
    """Why not, until it agrees or the entry is amended."""

    class Meta:
        ordering: ClassVar[list[str]] = ["division"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(name="each_division_agrees_once", fields=["processing", "division"]),
        ]


class LineSwitch(models.Model):
    """Whether a line is open now. No row means closed."""

    line = models.OneToOneField(Line, primary_key=True, on_delete=models.PROTECT, related_name="switch")
    is_open = models.BooleanField(default=False)
    changed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()
    reason = models.TextField()


class Session(models.Model):
    """One passage through the gate: one connection, one permit, one recording. `id` is the gate's."""

    id = models.UUIDField(primary_key=True)
    permit = models.ForeignKey(Permit, on_delete=models.PROTECT, related_name="sessions")
    operator = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="sessions")
    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT)
    line = models.ForeignKey(Line, on_delete=models.PROTECT)
    source_address = models.GenericIPAddressField()
    gate = models.CharField(max_length=40)
    opened_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    """Until when the gate has said that it still holds this session."""
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=40, blank=True)
    """An `EndReason` of `access/facts.py`."""
    exit_status = models.IntegerField(null=True)
    attendance = models.JSONField(null=True)
    """What must be there before anything moves (`attendance.Need`), as decided at the opening; null where nothing."""
    recording_bytes = models.BigIntegerField(null=True)
    """Null until the gate has said what was recorded; 0 when nothing was."""
    recording_root = models.CharField(max_length=64, blank=True)
    """RFC 6962 root over the recording's chunks, hex; also in the session's evidence."""

    class Meta:
        ordering: ClassVar[list[str]] = ["-opened_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["ended_at"], name="session_ended"),
        ]

    @property
    def subject(self) -> str:
        return f"session:{self.id}"

    @property
    def reason_text(self) -> Text:
        """Why it ended, in plain words."""
        return END_REASONS.get(self.end_reason, Text(self.end_reason, self.end_reason))


class Attending(models.Model):
    """One person of the city present at one session (立会い), from when to when."""

    class End(models.TextChoices):
        LEFT = "left", "席を離れた"
        SIGNED_OUT = "signed-out", "サインアウトした"
        SILENT = "silent", "画面が閉じた、または見えていない"
        LATE = "late", "在席確認に答えなかった"
        SESSION_ENDED = "session-ended", "接続が終わった"

    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="attendings")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    began_at = models.DateTimeField()
    confirmed_at = models.DateTimeField()
    """When his authenticator last answered."""
    seen_at = models.DateTimeField()
    """When his page last said that it is open and in front."""
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=20, choices=End.choices, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["began_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                name="attends_once_at_a_time", fields=["session", "person"], condition=Q(ended_at=None)
            ),
        ]


class Latch(models.Model):
    """A cut that holds (遮断): nothing it covers connects until the city releases it.

    Covers what is set: a line, or an operator and a permit, or with nothing set, everything.
    """

    id = models.UUIDField(primary_key=True)
    session = models.ForeignKey(Session, null=True, on_delete=models.PROTECT, related_name="latches")
    line = models.ForeignKey(Line, null=True, on_delete=models.PROTECT, related_name="latches")
    operator = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="latches")
    permit = models.ForeignKey(Permit, null=True, on_delete=models.PROTECT, related_name="latches")
    cut_by = models.CharField(max_length=128)
    """The actor: `person:…` from the console, `os-user:…` from the command line."""
    cut_at = models.DateTimeField()
    milliseconds = models.FloatField(null=True)
    """From the gate's receiving the request to the last connection's closing, as the gate measured it."""
    reason = models.TextField(blank=True)
    """Chosen afterwards."""
    released_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True)
    release_reason = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-cut_at"]


class WorkReport(models.Model):
    """What the operator did in a session, in his words, until the city confirms it (作業報告)."""

    class State(models.TextChoices):
        FILED = "filed", "提出済み"
        RETURNED = "returned", "差戻し"
        CONFIRMED = "confirmed", "確認済み"

    session = models.OneToOneField(Session, primary_key=True, on_delete=models.PROTECT, related_name="report")
    done = models.TextField()
    """What was done."""
    outcome = models.TextField()
    """How it ended, and what remains."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.FILED)
    filed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    filed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    comment = models.TextField(blank=True)

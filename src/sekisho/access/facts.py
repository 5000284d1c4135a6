"""What the decision is made of: one connection, one permit, the latches, at one moment. Pure values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from sekisho.contracts.hours import Hours
from sekisho.kernel.ids import (
    ContractCode,
    ContractorCode,
    LineCode,
    LoginId,
    PermitNumber,
    SiteCode,
    SystemCode,
    TerminalCode,
)

type_of_network = IPv4Network | IPv6Network
type_of_address = IPv4Address | IPv6Address


class Proof(StrEnum):
    """What an operator has proven on this connection, in the order in which it must be proven."""

    TERMINAL = "terminal"
    AUTHENTICATOR = "authenticator"
    PASSWORD = "password"  # noqa: S105
    MACHINE = "machine"


PROOFS = (Proof.TERMINAL, Proof.AUTHENTICATOR, Proof.PASSWORD)
"""What a person proves, in this order."""
BATCH_PROOFS = (Proof.TERMINAL, Proof.MACHINE)
"""What a machine proves that runs a batch."""


class EndReason(StrEnum):
    """Why a session ended. Stored, shown and searched under these names."""

    FINISHED = "finished"
    CLIENT_GONE = "client-gone"
    WINDOW_ENDED = "window-ended"
    CUT = "cut"
    LINE_CLOSED = "line-closed"
    PERMIT_WITHDRAWN = "permit-withdrawn"
    NO_LONGER_ALLOWED = "no-longer-allowed"
    RECORDER_FAILED = "recorder-failed"
    EVIDENCE_FAILED = "evidence-failed"
    LEASE_LOST = "lease-lost"
    TARGET_FAILED = "target-failed"
    TARGET_KEY_CHANGED = "target-key-changed"
    PROTOCOL = "protocol"
    OTHER_WORK = "other-work"
    OUTPUT_LIMIT = "output-limit"
    NOBODY_ATTENDS = "nobody-attends"
    TOO_MANY_REQUESTS = "too-many-requests"
    GATE_STOPPED = "gate-stopped"
    GATE_CRASHED = "gate-crashed"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a permit for unattended work allows beyond its term: when, and for how long each time."""

    job: str
    window: Hours
    longest: timedelta


@dataclass(frozen=True, slots=True)
class PermitFacts:
    """One permit, as the decision needs it."""

    number: PermitNumber
    contract: ContractCode
    system: SystemCode
    operators: frozenset[LoginId]
    starts: datetime
    ends: datetime
    state: str
    """`Permit.State`; only "approved" opens anything."""
    great_change: bool = False
    """The work changes the system greatly, as its request says."""
    emergency: bool = False
    """Opened by whoever is on call, because of a fault: by the terms for emergencies, line and all."""
    batch: Batch | None = None
    """For one unattended job alone; None for people's work."""
    attended: bool = False
    """The city gave it on condition of being present, whatever the terms say."""


@dataclass(frozen=True, slots=True)
class LatchFacts:
    """One unreleased latch; covers everything when nothing is named."""

    line: LineCode | None = None
    operator: LoginId | None = None
    permit: PermitNumber | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of one connection at one moment. None means unknown, and unknown means no."""

    operator: LoginId
    operator_active: bool
    employer: ContractorCode | None
    proofs: tuple[Proof, ...]
    """In the order in which they were given."""
    terminal: TerminalCode | None
    terminal_lent_to: ContractorCode | None
    terminal_valid: bool
    """Certified, not expired, not revoked."""
    line: LineCode | None
    line_kind: str | None
    line_contractor: ContractorCode | None
    line_open: bool
    line_networks: tuple[type_of_network, ...]
    site: SiteCode | None
    source_address: type_of_address | None
    system: SystemCode
    specific: bool
    """Whether the system holds specific personal information (特定個人情報)."""
    first_use: bool
    """Whether nobody has attended a session under this permit yet."""
    job: str | None
    """The job as which a machine came; None for a person."""
    opened: datetime | None
    """When the session opened; None while it asks to."""
    others: int
    """How many other sessions under this permit are open."""
    latches: tuple[LatchFacts, ...]
    recording_ready: bool
    evidence_ready: bool

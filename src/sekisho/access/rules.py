"""May this connection be open at this moment? Pure: values in, a decision out (design, invariant 2)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from sekisho.contracts.grant import Grant
from sekisho.kernel.ids import ContractCode, ContractorCode, LineCode, LoginId, PermitNumber, SiteCode
from sekisho.kernel.ids import SystemCode, TerminalCode
from sekisho.kernel.outcome import Refused

type_of_network = IPv4Network | IPv6Network
type_of_address = IPv4Address | IPv6Address


class Proof(StrEnum):
    """What an operator has proven on this connection, in the order in which it must be proven."""

    TERMINAL = "terminal"
    AUTHENTICATOR = "authenticator"
    PASSWORD = "password"


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
    TOO_MANY_REQUESTS = "too-many-requests"
    GATE_STOPPED = "gate-stopped"
    GATE_CRASHED = "gate-crashed"


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
    latches: tuple[LatchFacts, ...]
    recording_ready: bool
    evidence_ready: bool


@dataclass(frozen=True, slots=True)
class Granted:
    """Yes, until `until` (the earlier of the permit's end and the service window's end)."""

    permit: PermitNumber
    until: datetime


def decide(grant: Grant, permit: PermitFacts | None, facts: Facts, now: datetime) -> Granted | Refused:
    """The decision. Gives every reason that applies, not only the first, each with its clause."""
    raise NotImplementedError

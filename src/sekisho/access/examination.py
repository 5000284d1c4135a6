"""How a claim becomes facts, and facts a decision: what the register says, in a few queries for any number."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from sekisho.access.facts import Batch, Facts, LatchFacts, PermitFacts, Proof
from sekisho.access.models import Attending, Job, Latch, LineSwitch, Permit, Session
from sekisho.access.rules import Granted, decide
from sekisho.contracts.grant import Grant
from sekisho.contracts.models import Contract, System
from sekisho.contracts.reading import grant_of
from sekisho.kernel.clock import TOKYO
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
from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text
from sekisho.people.models import Line, Person, Terminal


@dataclass(frozen=True, slots=True)
class Claim:
    """What the gate has established about one connection, before anything is decided."""

    operator: LoginId
    system: SystemCode | None
    """None where the operator named no system and means the only one open to him."""
    terminal: TerminalCode
    source_address: str
    proofs: tuple[Proof, ...]
    job: str | None = None
    """The unattended job as which a machine came; None for a person."""


@dataclass(frozen=True, slots=True)
class GateState:
    """What only the gate itself knows: its own latches, and whether it can record and leave evidence."""

    latches: tuple[LatchFacts, ...] = ()
    recording_ready: bool = True
    evidence_ready: bool = True


@dataclass(frozen=True, slots=True)
class Opening:
    """What is asked only when a session opens. What follows from it stands in the session's row until it ends."""

    first_use: bool
    """Whether nobody has attended a session under this permit yet."""
    others: int
    """How many sessions under this permit are open already."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a granted connection goes on to."""

    system: SystemCode
    name: Text
    host: str
    port: int
    account: str
    host_keys: tuple[str, ...]
    charset: str
    credential: str


@dataclass(frozen=True, slots=True)
class Work:
    """The one thing that an unattended session may do."""

    command: bytes
    script_sha256: str
    """Of what the command reads; empty where it reads nothing."""
    most_output: int


@dataclass(frozen=True, slots=True)
class Examination:
    """The decision about a claim, with what it was decided on."""

    answer: Granted | Refused
    permit: PermitNumber | None
    target: Target | None
    work: Work | None = None
    """Set where nothing else may be done."""


class Register:
    """What the register says about the people, terminals and lines of some claims, read once."""

    def __init__(self, claims: Collection[Claim], now: datetime) -> None:
        logins, codes = {claim.operator for claim in claims}, {claim.terminal for claim in claims}
        self.now = now
        self._people = {each.login: each for each in Person.objects.filter(login__in=logins)}
        terminals = Terminal.objects.select_related("line").filter(code__in=codes)
        self._terminals = {each.code: each for each in terminals}
        self._open = frozenset(LineSwitch.objects.filter(is_open=True).values_list("line_id", flat=True))
        self._latches = held_latches()
        self._grants: dict[str, Grant] = {}

    def examine(
        self,
        claim: Claim,
        permit: Permit | None,
        system: System,
        state: GateState,
        opening: Opening | None = None,
        opened: datetime | None = None,
    ) -> Examination:
        """Decides about one claim under one permit, or under none.

        `opening` when the session is to open now, `opened` when it did.
        """
        facts = self._facts(replace(claim, system=SystemCode(system.code)), system, state, opening)
        facts = replace(facts, opened=opened)
        contract = permit.contract if permit else _some_contract(facts.employer, system)
        if contract is None:
            return Examination(
                _refused(
                    "no-contract",
                    "あなたの所属会社には、このシステムを扱う契約がありません。",
                    "Your company has no contract for this system.",
                ),
                None,
                None,
            )
        grant = self._grant(contract)
        answer = decide(grant, _permit_facts(permit) if permit else None, facts, self.now)
        number = PermitNumber(permit.number) if permit else None
        return Examination(answer, number, _target(system), _work(permit))

    def _grant(self, contract: Contract) -> Grant:
        if contract.code not in self._grants:
            self._grants[contract.code] = grant_of(contract, self.now.astimezone(TOKYO).date())
        return self._grants[contract.code]

    def _facts(self, claim: Claim, system: System, state: GateState, opening: Opening | None) -> Facts:
        person = self._people.get(claim.operator)
        terminal = self._terminals.get(claim.terminal)
        line = terminal.line if terminal else None
        assert claim.system is not None  # noqa: S101 - the caller has chosen one
        return Facts(
            operator=claim.operator,
            operator_active=bool(person and person.is_active),
            employer=ContractorCode(person.contractor_id) if person and person.contractor_id else None,
            proofs=claim.proofs,
            terminal=TerminalCode(terminal.code) if terminal else None,
            terminal_lent_to=ContractorCode(terminal.contractor_id) if terminal else None,
            terminal_valid=bool(terminal and is_usable(terminal, self.now)),
            line=LineCode(line.code) if line else None,
            line_kind=line.kind if line else None,
            line_contractor=ContractorCode(line.contractor_id) if line else None,
            line_open=line is not None and line.code in self._open,
            line_networks=_networks(line),
            site=SiteCode(line.site_id) if line else None,
            source_address=ip_address(claim.source_address),
            system=claim.system,
            specific=system.special_personal_information,
            first_use=opening is not None and opening.first_use,
            job=claim.job,
            opened=None,
            others=opening.others if opening else 0,
            latches=(*state.latches, *self._latches.values()),
            recording_ready=state.recording_ready,
            evidence_ready=state.evidence_ready,
        )


def is_usable(terminal: Terminal, now: datetime) -> bool:
    """Whether its certification stands: not revoked, not run out."""
    certified = terminal.certified_until is not None and terminal.certified_until > now
    return certified and terminal.revoked_at is None


def held_latches() -> dict[UUID, LatchFacts]:
    """Every latch that nobody has released."""
    held = Latch.objects.filter(released_at=None).select_related("operator")
    return {latch.id: _latch_facts(latch) for latch in held}


def examine(claim: Claim, state: GateState, now: datetime) -> Examination:
    """Decides about a connection that wants to open: by the permit that allows it, or comes nearest to it."""
    candidates = _candidates(claim, now)
    if isinstance(candidates, Refused):
        return Examination(candidates, None, None)
    register = Register([claim], now)
    examinations = [
        register.examine(claim, permit, system, state, _opening(permit)) for permit, system in candidates
    ]
    return min(examinations, key=_reasons_against)


def _reasons_against(examination: Examination) -> int:
    """None for a yes; of several refusals the nearest to a yes is the one to be told."""
    return len(examination.answer.reasons) if isinstance(examination.answer, Refused) else 0


def _opening(permit: Permit | None) -> Opening:
    attended = Attending.objects.filter(session__permit=permit)
    others = Session.objects.filter(permit=permit, ended_at=None)
    return Opening(permit is None or not attended.exists(), others.count())


def _candidates(claim: Claim, now: datetime) -> list[tuple[Permit | None, System]] | Refused:
    permits = Permit.objects.filter(operators__login=claim.operator).select_related("contract", "system")
    permits = permits.select_related("job").prefetch_related("operators")
    permits = permits.filter(job=claim.job) if claim.job else permits.filter(job=None)
    if claim.system is not None:
        permits = permits.filter(system_id=claim.system)
    approved = permits.filter(state=Permit.State.APPROVED, ends__gt=now).order_by("starts")
    nearest = list(approved[:20]) or list(permits.order_by("-starts")[:1])
    if claim.system is None:
        return _only_system(nearest)
    system = System.objects.filter(code=claim.system).first()
    if system is None:
        return _refused(
            "no-such-system",
            f"「{claim.system}」というシステムは登録されていません。作業者+システム の「+」の後を確かめてください。",
            f'No system "{claim.system}" is registered. Check what follows "+" in ssh operator+system@….',
        )
    return [(permit, system) for permit in nearest] or [(None, system)]


def _only_system(permits: list[Permit]) -> list[tuple[Permit | None, System]] | Refused:
    systems = sorted({permit.system_id for permit in permits})
    if len(systems) == 1:
        return [(permit, permit.system) for permit in permits]
    if not systems:
        return _refused(
            "no-permit",
            "あなたの名前がある許可がありません。所属会社の管理者に、許可の申請を確かめてください。",
            "No permit names you. Ask your company's manager about the request.",
        )
    names = ", ".join(systems)
    return _refused(
        "which-system",
        f"対象システムを選んでください。例: ssh 作業者+{systems[0]}@… (選べるもの: {names})",
        f"Say which system, for example ssh operator+{systems[0]}@… (yours: {names})",
    )


def _some_contract(employer: ContractorCode | None, system: System) -> Contract | None:
    return Contract.objects.filter(contractor_id=employer, systems=system).order_by("-starts").first()


def _networks(line: Line | None) -> tuple[Any, ...]:
    return tuple(ip_network(text) for text in line.networks) if line else ()


def _permit_facts(permit: Permit) -> PermitFacts:
    return PermitFacts(
        number=PermitNumber(permit.number),
        contract=ContractCode(permit.contract_id),
        system=SystemCode(permit.system_id),
        operators=frozenset(LoginId(each.login) for each in permit.operators.all()),
        starts=permit.starts,
        ends=permit.ends,
        state=permit.state,
        great_change=permit.great_change,
        emergency=permit.emergency,
        batch=_batch(permit),
        attended=permit.attended,
    )


def job_of(permit: Permit) -> Job | None:
    """The unattended job for which a permit was given, if it was."""
    job: Job | None = getattr(permit, "job", None)
    return job


def _batch(permit: Permit) -> Batch | None:
    job = job_of(permit)
    return Batch(job.code, job.hours, timedelta(minutes=job.longest_minutes)) if job else None


def _work(permit: Permit | None) -> Work | None:
    job = job_of(permit) if permit else None
    return Work(job.command.encode(), job.script_sha256, job.most_output) if job else None


def _latch_facts(latch: Latch) -> LatchFacts:
    return LatchFacts(
        line=LineCode(latch.line_id) if latch.line_id else None,
        operator=LoginId(latch.operator.login) if latch.operator else None,
        permit=PermitNumber(latch.permit_id) if latch.permit_id else None,
    )


def _target(system: System) -> Target:
    return Target(
        system=SystemCode(system.code),
        name=Text(system.name, system.name_en),
        host=system.host,
        port=system.port,
        account=system.account,
        host_keys=tuple(system.host_keys),
        charset=system.charset,
        credential=system.credential,
    )


def _refused(code: str, ja: str, en: str) -> Refused:
    return Refused((Reason(code, Text(ja, en)),))

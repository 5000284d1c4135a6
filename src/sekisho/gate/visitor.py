"""Who stands at the gate: one per connection, from the first packet to the passage it becomes."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from sekisho.access import gateway
from sekisho.access.examination import Claim
from sekisho.access.facts import BATCH_PROOFS, Proof
from sekisho.evidence.tags import Tag
from sekisho.gate.backoff import Newcomer
from sekisho.gate.connection import GateConnection
from sekisho.gate.passage import Passage
from sekisho.gate.proofs import (
    Progress,
    authenticator_fault,
    certificate_fault,
    public_text,
    read_certificate,
)
from sekisho.gate.relay import OperatorSession
from sekisho.kernel.ids import LoginId, SystemCode, TerminalCode, time_ordered_id

if TYPE_CHECKING:
    from sekisho.gate.gate import Gate

import asyncssh

JOB = "job."
"""A machine that runs an unattended job comes under this and the job's code; no login has a dot."""


class GateVisitor:
    """Implements `connection.Visitor`. Leaves evidence of every proof refused; the password never stays here."""

    def __init__(self, gate: "Gate") -> None:
        self._gate = gate
        self._connection: GateConnection | None = None
        self._address = ""
        self._name = ""
        self._newcomer: Newcomer | None = None
        self._progress = Progress()
        self._passage: Passage | None = None
        self._had_session = False
        self._responsible: LoginId | None = None

    # The connection

    def arrived(self, connection: GateConnection, address: str) -> bool:
        self._connection, self._address = connection, address
        refused = self._gate.stopping_reason()
        if refused is None:
            self._newcomer = self._gate.door.admit(address, self._sent_away)
            refused = None if self._newcomer else "too-many-unproven"
        if refused:
            self._gate.ledger.note_knock(Tag.CONNECTION_REFUSED, address, {"fault": refused})
        return refused is None

    def lost(self, error: Exception | None) -> None:
        self._leave()
        if self._passage is not None:
            self._passage.operator_gone()

    # The proofs

    def awaits_key(self) -> bool:
        return self._progress.awaited in (Proof.TERMINAL, Proof.AUTHENTICATOR, Proof.MACHINE)

    def proven(self) -> bool:
        return self._progress.awaited is None

    def awaits_password(self) -> bool:
        return self._progress.awaited is Proof.PASSWORD

    async def offered_key(
        self, name: str, algorithm: bytes, key_data: bytes, signature: bytes, verify: Callable[[], bool]
    ) -> bool:
        if not self._same_name(name):
            return False
        if self._progress.awaited is Proof.TERMINAL:
            fault = await self._terminal_fault(key_data)
        elif self._progress.awaited is Proof.MACHINE:
            fault = await self._machine_fault(key_data)
        else:
            fault = await self._authenticator_fault(name, algorithm, key_data, signature)
        if fault is None and signature:
            fault = None if await asyncio.to_thread(verify) else "bad-signature"
        if fault is not None:
            self._wrong_key(fault, used=bool(signature))
            return False
        if signature and self._progress.awaited is not None:
            self._progress.give(self._progress.awaited)
            if self._newcomer is not None:
                self._newcomer.recognised = True
            if self.proven():
                self._leave()
        return True

    async def offered_password(self, name: str, password: str) -> bool:
        login = _operator(name)
        if not self._same_name(name) or self._waiting(login):
            self._end_connection()
            return False
        if await self._gate.register.ask(gateway.password_is, login, password):
            self._progress.give(Proof.PASSWORD)
            self._gate.door.succeeded(login)
            self._leave()
            return True
        self._progress.wrong_passwords += 1
        self._refused("wrong-password")
        self._gate.door.missed(login, self._gate.clock.monotonic())
        if self._progress.exhausted:
            self._end_connection()
        return False

    async def _terminal_fault(self, key_data: bytes) -> str | None:
        certificate = await asyncio.to_thread(read_certificate, key_data)
        if certificate is None:
            return "not-a-terminal-certificate"
        code = certificate.principals[0] if len(certificate.principals) == 1 else ""
        now = self._gate.clock.now()
        registered = await self._gate.register.ask(gateway.registered_terminal, code, now)
        fault = certificate_fault(certificate, self._gate.terminal_ca, registered, self._address, now)
        if fault is None:
            self._progress.terminal = code
        return fault

    async def _authenticator_fault(
        self, name: str, algorithm: bytes, key_data: bytes, signature: bytes
    ) -> str | None:
        try:
            key = asyncssh.public_key.decode_ssh_public_key(key_data)
        except asyncssh.KeyImportError:
            return "not-an-authenticator"
        login = _operator(name)
        if self._waiting(login):
            return "must-wait"
        if not await self._gate.register.ask(gateway.is_authenticator_of, login, public_text(key)):
            return "unknown-authenticator"
        # Before the signature is there, only the kind of key can be judged.
        return authenticator_fault(key.algorithm, signature) if signature else None

    async def _machine_fault(self, key_data: bytes) -> str | None:
        try:
            key = public_text(asyncssh.public_key.decode_ssh_public_key(key_data))
        except asyncssh.KeyImportError:
            return "not-a-machine-key"
        job = self._name.removeprefix(JOB)
        self._responsible = await self._gate.register.ask(gateway.responsible_for, job, key)
        return None if self._responsible else "unknown-machine-key"

    # The session

    def denied(self, what: str) -> None:
        if self._passage is not None:
            self._passage.denied(what)
        else:
            self._gate.ledger.note_knock(Tag.REQUEST_DENIED, self._address, {"request": what})

    def session(self) -> OperatorSession | None:
        if self._had_session:
            return None
        self._had_session = True
        session = OperatorSession(self._begin, self._session_closed, self.denied)
        self._passage = self._new_passage(session)
        return session

    def _new_passage(self, session: OperatorSession) -> Passage:
        assert self._connection is not None and self._progress.terminal is not None  # noqa: S101, PT018
        login, _, system = self._name.partition("+")
        job = self._name.removeprefix(JOB) if self._name.startswith(JOB) else None
        claim = Claim(
            operator=self._responsible or LoginId(login),
            system=SystemCode(system) if system and job is None else None,
            terminal=TerminalCode(self._progress.terminal),
            source_address=self._address,
            proofs=tuple(self._progress.given),
            job=job,
        )
        line = self._gate.line_of(claim.terminal)
        identity = time_ordered_id(self._gate.clock.now())
        return Passage(self._gate, identity, claim, line, self._connection, session, self._gate.freeze())

    def _begin(self, session: OperatorSession) -> None:
        if self._passage is not None:
            self._gate.spawn(self._passage.run())

    def _session_closed(self) -> None:
        if self._passage is not None:
            self._passage.operator_gone()

    # Small things

    def _same_name(self, name: str) -> bool:
        """The name may not change between proofs: each proof is one person's."""
        if not self._name:
            self._name = name
            if name.startswith(JOB):
                self._progress.order = BATCH_PROOFS
        if name != self._name:
            self._wrong_key("name-changed", used=True)
            return False
        return True

    def _waiting(self, login: str) -> bool:
        return self._gate.door.wait(login, self._gate.clock.monotonic()) > 0

    def _wrong_key(self, fault: str, used: bool) -> None:
        self._progress.wrong_keys += 1
        # A client offers all keys of its agent; one that is not even of the right kind is no attempt.
        if used or fault not in ("not-a-terminal-certificate", "not-an-authenticator", "not-a-machine-key"):
            self._refused(fault)
        if self._progress.exhausted:
            self._end_connection()

    def _refused(self, fault: str) -> None:
        awaited = self._progress.awaited
        detail = {"fault": fault, "proof": awaited.value if awaited else None}
        self._gate.ledger.note_knock(Tag.PROOF_REFUSED, self._address, detail, self._progress.terminal)

    def _end_connection(self) -> None:
        if self._connection is not None:
            self._connection.abort()

    def _sent_away(self) -> None:
        self._gate.ledger.note_knock(Tag.CONNECTION_REFUSED, self._address, {"fault": "gave-way"})
        self._end_connection()

    def _leave(self) -> None:
        if self._newcomer is not None:
            self._gate.door.leave(self._newcomer)


def _operator(name: str) -> str:
    return name.partition("+")[0]

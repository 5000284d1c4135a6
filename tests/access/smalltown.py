"""The registers of `tests/gate/registers.py` in the test's own process, with neighbours to be mistaken for."""

import datetime as clock
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from django.apps import apps
from django.utils import timezone

from sekisho.access import models as access
from sekisho.access import service
from sekisho.access.models import Permit, Session
from sekisho.contracts import models as contracts
from sekisho.contracts.models import Contract, FactRow, System
from sekisho.evidence.models import OutboxRecord
from sekisho.kernel.outcome import Refused
from sekisho.people import models as people
from sekisho.people.models import Contractor, Division, Line, Person, Terminal
from tests.gate.registers import SEED

T = TypeVar("T")


@dataclass(frozen=True)
class Said:
    """One record of the outbox."""

    tag: str
    actor: str
    subjects: list[str]
    detail: dict[str, Any]


class SmallTown:
    """`now` is the moment at which everything happens; the permit R8-0001 lasts from an hour before to four after."""

    def __init__(self) -> None:
        space: dict[str, Any] = {
            "timezone": timezone, "datetime": clock, "port": 22, "account": "root", "host_key": "k",
            "password": "x", "terminals": {"t-01": "key-1", "t-99": "key-2"}, "authenticators": {},
        }  # fmt: skip
        for module in (people, contracts, access):
            space.update(vars(module))
        exec(SEED, space)
        self.now: datetime = timezone.now()
        self._neighbours()

    def _neighbours(self) -> None:
        """Everybody who looks right and is not: another division, another contractor, every other role."""
        tax = Division.objects.create(code="zeimu", name="税務課", name_en="Tax")
        other = Contractor.objects.get(code="minato")
        for login, role, where in (
            ("zeimu", "division", {"division": tax}),
            ("kansa", "auditor", {"division": tax}),
            ("shomu", "clerk", {"division": tax}),
            ("iin", "council", {}),
            ("other-kanri", "manager", {"contractor": other}),
            ("other-sagyo", "operator", {"contractor": other}),
        ):
            Person.objects.create(login=login, name=login, furigana=login, role=role, **where)  # type: ignore[misc]
        self.other_contract = Contract.objects.create(
            code="c-9", procurement_id="case-1", title="他社の保守", title_en="Another's", contractor=other,
            division=tax, starts=self.contract.starts, ends=self.contract.ends,
        )  # fmt: skip
        for fact in FactRow.objects.filter(subject="contract:c-1"):
            fact.pk, fact.subject, fact.position = None, "contract:c-9", fact.position + 100
            fact.value = ["other-sagyo"] if fact.key == "roster" else fact.value
            fact.save(force_insert=True)

    # Who and what there is

    def person(self, login: str) -> Person:
        return Person.objects.get(login=login)

    def everybody_but(self, *logins: str) -> list[Person]:
        return list(Person.objects.exclude(login__in=logins))

    @property
    def contract(self) -> Contract:
        return Contract.objects.get(code="c-1")

    @property
    def permit(self) -> Permit:
        return Permit.objects.get(number="R8-0001")

    @property
    def line(self) -> Line:
        return Line.objects.get(code="line-a")

    def wish(self, **change: Any) -> service.Wish:
        plain = service.Wish(
            contract=self.contract,
            system=System.objects.get(code="juki"),
            operators=(self.person("mori"),),
            starts=self.now + timedelta(hours=1),
            ends=self.now + timedelta(hours=3),
            work="定例の更新",
            rollback="控えから戻す",
        )
        return replace(plain, **change)

    def requested(self) -> Permit:
        """A request of the manager's, not decided yet."""
        return must(service.request_permit(self.wish(), self.person("kanri"), self.now))

    def returned(self) -> Permit:
        permit = self.requested()
        return must(service.return_permit(permit, "時間を直してください", self.person("kacho"), self.now))

    def session(self, **more: Any) -> Session:
        given = {
            "operator": self.person("mori"), "line": self.line, "permit": self.permit, "opened_at": self.now,
            "lease_until": self.now + timedelta(seconds=9), "gate": "gate-1", **more,
        }  # fmt: skip
        terminal = Terminal.objects.get(code="t-01")
        return Session.objects.create(id=uuid4(), terminal=terminal, source_address="127.0.0.1", **given)

    # What verbs are held to

    def said(self) -> list[Said]:
        rows = [json.loads(bytes(row.payload)) for row in OutboxRecord.objects.order_by("id")]
        return [Said(row["tag"], row["actor"], row["subjects"], row["detail"]) for row in rows]

    @contextmanager
    def one_record(self, tag: str, actor: str) -> Iterator[list[Said]]:
        """Whatever happens inside leaves exactly one record, of that tag and actor."""
        before, found = len(self.said()), list[Said]()
        yield found
        found += self.said()[before:]
        assert [(each.tag, each.actor) for each in found] == [(tag, actor)]

    @contextmanager
    def nothing_happens(self) -> Iterator[None]:
        """Not a row of any register, not a record differs afterwards."""
        before = self._everything()
        yield
        assert self._everything() == before

    @contextmanager
    def nothing_happens_but_rows(self, *labels: str) -> Iterator[None]:
        """Rows of these models may differ afterwards, nothing else; and no record is left."""
        before = self._everything()
        yield
        after = self._everything()
        for label in labels:
            before.pop(label), after.pop(label)
        assert after == before

    def _everything(self) -> dict[str, list[Any]]:
        models = [
            model
            for name in ("access", "contracts", "people", "evidence")
            for model in apps.get_app_config(name).get_models(include_auto_created=True)
        ]
        return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in models}


def must(answer: "T | Refused") -> T:
    """What was granted; AssertionError with the reasons where it was not."""
    assert not isinstance(answer, Refused), answer.codes
    return answer


def refused(answer: object) -> tuple[str, ...]:
    """The codes of a refusal, each of whose sentences is there in both languages."""
    assert isinstance(answer, Refused), f"granted: {answer}"
    assert all(reason.text.ja and reason.text.en for reason in answer.reasons)
    return answer.codes

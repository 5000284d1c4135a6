"""The seven roles. A person has exactly one; what each may reach is the table in `console/access_table.py`."""

from enum import StrEnum

from sekisho.kernel.text import Text


class Role(StrEnum):
    SYSTEMS = "systems"
    DIVISION = "division"
    CLERK = "clerk"
    COUNCIL = "council"
    AUDITOR = "auditor"
    MANAGER = "manager"
    OPERATOR = "operator"

    @property
    def text(self) -> Text:
        return _NAMES[self]

    @property
    def of_contractor(self) -> bool:
        return self in (Role.MANAGER, Role.OPERATOR)


_NAMES = {
    Role.SYSTEMS: Text("情報システム担当課", "Systems division"),
    Role.DIVISION: Text("業務所管課", "Owning division"),
    Role.CLERK: Text("総務担当(審議会事務局)", "General-affairs clerk"),
    Role.COUNCIL: Text("審議会委員", "Council member"),
    Role.AUDITOR: Text("監査担当", "Auditor"),
    Role.MANAGER: Text("受託者の管理者", "Contractor's manager"),
    Role.OPERATOR: Text("受託者の作業者", "Contractor's operator"),
}

EVERYBODY = frozenset(Role)
CONTRACTORS = frozenset(role for role in Role if role.of_contractor)
CITY = EVERYBODY - CONTRACTORS
"""Sets of roles for the rows of the table: `ROLES` in each room's `urls.py`."""

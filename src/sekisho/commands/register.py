"""The registers from the command line: papers, the first person, terminals, a session's bundle."""

import json
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from sekisho.commands.shell import (
    USAGE,
    Commands,
    asking,
    fail,
    fail_refused,
    option,
    say,
    set_up_django,
    write,
)
from sekisho.kernel.outcome import Refused
from sekisho.kernel.text import Text

if TYPE_CHECKING:
    from sekisho.people.models import Contractor, Division, Person

    Row = TypeVar("Row", Division, Contractor)


def add_to(commands: Commands) -> None:
    text = Text("契約書類(dossier)を調べて登録する。", "Check the contract's papers and register them.")
    parser = commands.add("import", text, _import)
    option(parser, "folder", "書類のフォルダー。", "The dossier's folder.", type=Path)
    text = Text("契約書類の JSON Schema を書き出す。", "Print the dossier's JSON Schema.")
    commands.add("schema", text, _schema, home=False)
    _add_person(commands.group("person", Text("人の登録。", "Persons.")))
    _add_terminal(commands.group("terminal", Text("端末の登録。", "Terminals.")))
    text = Text("接続の証跡の束を書き出す。", "Export a session's evidence bundle.")
    parser = commands.add("export", text, _export)
    option(parser, "session", "接続番号。", "The session's id.", type=UUID)
    option(parser, "folder", "新しいフォルダー。", "A new folder.", type=Path)


def _add_person(group: Commands) -> None:
    text = Text("人を登録し、登録コードを出す。", "Register a person and issue an enrolment code.")
    parser = group.add("add", text, _person_add)
    option(parser, "login", "ログイン名。", "The person's login.")
    option(parser, "--name", "氏名。", "The name.", required=True)
    option(parser, "--furigana", "ふりがな。", "The name in kana.", required=True)
    option(parser, "--role", "役割(既定 systems)。", "The role.", default="systems")
    option(parser, "--division", "所属課のコード。", "The division's code.")
    option(parser, "--contractor", "委託先のコード。", "The contractor's code.")
    text = Text("登録コードを出し直す。", "Issue a new enrolment code.")
    parser = group.add("code", text, _person_code)
    option(parser, "login", "ログイン名。", "The person's login.")


def _add_terminal(group: Commands) -> None:
    text = Text("端末の証明書を出す。", "Issue a terminal's certificate.")
    parser = group.add("certify", text, _certify)
    option(parser, "code", "端末のコード。", "The terminal's code.")
    option(parser, "--days", "有効日数(既定 90)。", "Days it is valid for.", type=int, default=90)
    option(
        parser,
        "--out",
        "証明書のファイル(既定は画面に出す)。",
        "Where to write the certificate.",
        type=Path,
        metavar="FILE",
    )


def _import(arguments: Namespace) -> None:
    set_up_django(arguments.home)
    from sekisho.contracts.service import import_dossier

    done = import_dossier(arguments.folder, asking().actor, datetime.now(UTC))
    if isinstance(done, Refused):
        fail_refused(done)
    say(done.text)


def _schema(_: Namespace) -> None:
    from sekisho.contracts.dossier import schema

    write(json.dumps(schema(), ensure_ascii=False, indent=2))


def _person_add(arguments: Namespace) -> None:
    set_up_django(arguments.home)
    from sekisho.people.models import Contractor, Division
    from sekisho.people.roles import Role
    from sekisho.people.service import register_person

    if arguments.role not in list(Role):
        roles = ", ".join(Role)
        fail(Text(f"役割は次のどれかです: {roles}", f"The role is one of {roles}."), USAGE)
    person = register_person(
        arguments.login,
        name=arguments.name,
        furigana=arguments.furigana,
        role=Role(arguments.role),
        division=_registered(Division, arguments.division),
        contractor=_registered(Contractor, arguments.contractor),
        by=asking(),
        now=datetime.now(UTC),
    )
    if isinstance(person, Refused):
        fail_refused(person)
    _issue_code(person)


def _person_code(arguments: Namespace) -> None:
    set_up_django(arguments.home)
    from sekisho.people.models import Person

    person = Person.objects.filter(login=arguments.login).first()
    if person is None:
        fail(
            Text(f"{arguments.login} という人は登録されていません。", f"No person {arguments.login}."), USAGE
        )
    _issue_code(person)


def _issue_code(person: "Person") -> None:
    from sekisho.people.service import issue_enrolment_code

    issued = issue_enrolment_code(person, asking(), datetime.now(UTC))
    if isinstance(issued, Refused):
        fail_refused(issued)
    say(
        Text(
            f"{person.login} の登録コード: {issued.shown}  (一度だけ、24時間以内に。本人に手渡してください)",
            f"Enrolment code for {person.login}: {issued.shown}  (once, within 24 hours; hand it over in person)",
        )
    )


def _registered(kind: "type[Row]", code: str | None) -> "Row | None":
    """The division or contractor of that code; ends the command where there is none."""
    if code is None:
        return None
    row = kind.objects.filter(code=code).first()
    if row is None:
        known = ", ".join(kind.objects.values_list("code", flat=True)) or "-"
        fail(
            Text(
                f"{code} は登録されていません。あるもの: {known}。先に sekisho import で書類を登録してください。",
                f"{code} is not registered. There are: {known}. `sekisho import` registers the papers first.",
            ),
            USAGE,
        )
    return row


def _certify(arguments: Namespace) -> None:
    found = set_up_django(arguments.home)
    from sekisho.people.models import Terminal
    from sekisho.people.terminals import certify_terminal

    terminal = Terminal.objects.filter(code=arguments.code).first()
    if terminal is None:
        code = arguments.code
        fail(Text(f"{code} という端末は登録されていません。", f"No terminal {code} is registered."), USAGE)
    done = certify_terminal(
        terminal,
        timedelta(days=arguments.days),
        found.keys / "terminal-ca",
        by=asking(),
        now=datetime.now(UTC),
    )
    if isinstance(done, Refused):
        fail_refused(done)
    if arguments.out is None:
        write(done.certificate.rstrip())
        return
    arguments.out.write_text(done.certificate, "ascii")
    say(Text(f"証明書: {arguments.out}", f"Certificate: {arguments.out}"))


def _export(arguments: Namespace) -> None:
    set_up_django(arguments.home)
    from sekisho.access.recordings import export_bundle
    from sekisho.evidence.log import LogError

    try:
        done = export_bundle(arguments.session, arguments.folder, asking().actor, datetime.now(UTC))
    except LogError as error:
        fail(error.text)
    except FileExistsError:
        fail(Text(f"{arguments.folder} はすでにあります。", f"{arguments.folder} exists already."), USAGE)
    if isinstance(done, Refused):
        fail_refused(done)
    say(Text(f"書き出しました: {done.folder}", f"Exported to {done.folder}"))

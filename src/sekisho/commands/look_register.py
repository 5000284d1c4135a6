"""`doctor` with Django set up: the database's settings, migrations, the evidence log, who could sign in."""

from sekisho.commands.findings import Check, Findings, care, good, wrong
from sekisho.kernel.installation import Installation

OLDEST_POSTGRESQL = 150000
WAITING_SECONDS = 10
"""The worker takes a record within a fifth of a second; one that waits longer waits for nobody."""


def database(_: Installation) -> Findings:
    """A commit must survive a power cut, and writers must queue instead of failing."""
    from django.db import OperationalError, connection

    try:
        connection.ensure_connection()
    except OperationalError as error:
        yield wrong(
            ("データベースに接続できません。", f"The database cannot be reached: {str(error).strip()}"),
            (
                "PostgreSQL を起動し、sekisho.toml の database を確かめてください。",
                "Start PostgreSQL and check `database` in sekisho.toml.",
            ),
        )
        return
    found = list(_sqlite() if connection.vendor == "sqlite" else _postgresql())
    yield from found
    if not found:
        yield good(f"データベースの設定({connection.vendor})", f"Database settings ({connection.vendor})")
    yield from _migrations()


def _ask(sql: str) -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return str(cursor.fetchone()[0])


def _sqlite() -> Findings:
    from django.db import connection

    options = connection.settings_dict["OPTIONS"]
    mend = (
        "この版の settings.py のまま使ってください。ファイルは必ずローカルのディスクに置いてください。",
        "Use this version's own settings.py, and keep the file on a local disk.",
    )
    found = {
        "journal_mode": (_ask("PRAGMA journal_mode").lower(), "wal"),
        "synchronous": (_ask("PRAGMA synchronous"), "2"),
        "foreign_keys": (_ask("PRAGMA foreign_keys"), "1"),
        "transaction_mode": (str(options.get("transaction_mode")), "IMMEDIATE"),
    }
    for name, (is_now, should_be) in found.items():
        if is_now != should_be:
            yield wrong(
                (f"SQLite の {name} が {is_now} です。", f"SQLite's {name} is {is_now}, not {should_be}."),
                mend,
            )
    if (answer := _ask("PRAGMA quick_check(1)")) != "ok":
        yield wrong(
            ("SQLite のファイルが壊れています。", f"The SQLite file is damaged: {answer}"),
            (
                "全部を止め、ファイルの写しを取り、控えから戻してください。証跡の索引は log から作り直せます。",
                "Stop all parts, copy the file, restore the backup. The evidence index is rebuilt from the log.",
            ),
        )


def _postgresql() -> Findings:
    version = int(_ask("SHOW server_version_num"))
    if version < OLDEST_POSTGRESQL:
        yield wrong(
            ("PostgreSQL が古すぎます。", f"PostgreSQL is too old: {version}"),
            ("15 以降を使ってください。", "Use version 15 or later."),
        )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if _ask(f"SHOW {name}") in ("off", "local"):
            yield wrong(
                (
                    f"PostgreSQL の {name} が切れています。停電で確定済みの記録を失います。",
                    f"PostgreSQL's {name} is off: a power cut loses what was committed.",
                ),
                (
                    f"ALTER SYSTEM SET {name} = on; して再起動",
                    f"ALTER SYSTEM SET {name} = on; and restart it.",
                ),
            )


def _migrations() -> Findings:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        yield wrong(
            (
                f"データベースがこの版に合っていません({len(waiting)}件)。",
                f"The database is not of this version ({len(waiting)} migrations wait).",
            ),
            ("全部を止めてから: sekisho migrate", "With all parts stopped: sekisho migrate"),
        )


def evidence(installation: Installation) -> Findings:
    """The log's files give the root that its checkpoint signs, entry by entry."""
    from sekisho.evidence.log import LogError, LogReader, read_verifier
    from sekisho.evidence.note import BadNote, Verifier

    if not (installation.evidence / "checkpoint").exists():
        yield care(
            ("証跡ログはまだありません。", "There is no evidence log yet."),
            ("最初の起動で作られます: sekisho up", "The worker makes it at its first start: sekisho up"),
        )
        return
    mend = (
        "証跡フォルダーに手を加えず、写しを取り、監査担当に知らせてください。",
        "Change nothing in the evidence folder, copy it, and tell the auditor.",
    )
    try:
        own = Verifier.parse((installation.keys / "log-signing-key.pub").read_text("ascii"))
        if read_verifier(installation.evidence) != own:
            yield wrong(
                ("証跡ログの公開鍵が違います。", "The log's public key is not this installation's."), mend
            )
        reader = LogReader(installation.evidence, own)
        count = sum(1 for _ in reader.entries(0))
    except LogError as error:
        yield wrong((error.text.ja, error.text.en), mend)
    except (OSError, BadNote) as error:
        yield wrong(("証跡ログを読めません。", f"The evidence log cannot be read: {error}"), mend)
    else:
        yield good(
            f"証跡ログは署名と一致しています({count}件)。", f"The log fits its signature ({count} entries)."
        )
        yield from _outbox()


def _outbox() -> Findings:
    from datetime import UTC, datetime, timedelta

    from django.db import DatabaseError

    from sekisho.evidence.models import OutboxRecord
    from sekisho.evidence.record import decode

    try:
        first = OutboxRecord.objects.order_by("id").first()
    except DatabaseError:
        return  # said by `database`
    if first is None:
        return
    waiting = datetime.now(UTC) - decode(bytes(first.payload)).at
    if waiting > timedelta(seconds=WAITING_SECONDS):
        yield wrong(
            ("証跡がログに書かれずに待っています。", "Evidence is waiting to be written to the log."),
            (
                "sekisho up、または systemctl start sekisho-worker",
                "sekisho up, or systemctl start sekisho-worker",
            ),
        )


def people(_: Installation) -> Findings:
    """Somebody of the systems division must be able to sign in, or nobody can release a latch."""
    from django.db import DatabaseError

    from sekisho.people.models import Passkey, Person
    from sekisho.people.roles import Role

    try:
        able = Passkey.objects.filter(
            revoked_at=None, person__is_active=True, person__role=Role.SYSTEMS.value
        ).exists()
        named = Person.objects.filter(is_active=True, role=Role.SYSTEMS.value).exists()
    except DatabaseError:
        return  # said by `database`
    if able:
        return
    yield care(
        (
            "情報システム担当課に、画面に入れる人がいません。",
            "Nobody of the systems division can sign in yet.",
        ),
        ("sekisho person code ログイン名", "sekisho person code LOGIN")
        if named
        else ("sekisho person add ログイン名 --role systems …", "sekisho person add LOGIN --role systems …"),
    )


def calendar(_: Installation) -> Findings:
    """The table of holidays must reach as far as the contracts, and emergencies need somebody to open them."""
    from datetime import UTC, datetime, timedelta

    from django.db import DatabaseError

    from sekisho.access.calendar import TABLE_AHEAD
    from sekisho.access.models import OnCall
    from sekisho.access.rules import EMERGENCY_TERMS
    from sekisho.contracts import reading
    from sekisho.contracts.models import Contract
    from sekisho.kernel.clock import TOKYO

    now = datetime.now(UTC)
    today, ends = now.astimezone(TOKYO).date(), reading.TABLE_ENDS
    try:
        contracts = list(Contract.objects.filter(ends__gte=today))
        on_call = OnCall.objects.filter(starts__lt=now + timedelta(days=1), ends__gt=now).exists()
        grants = [reading.grant_of(each, today) for each in contracts]
    except DatabaseError:
        return  # said by `database`
    if today >= ends - TABLE_AHEAD and any(each.ends > ends for each in contracts):
        yield care(
            (
                f"祝日の表は {ends} で終わりますが、契約はその後も続きます。それより後は誰も入れません。",
                f"The table of holidays ends on {ends}, contracts go on. Nobody gets in after that.",
            ),
            ("関所を新しい版にしてください。", "Install a newer version."),
        )
    if not on_call and any(all(key in grant.terms for key in EMERGENCY_TERMS) for grant in grants):
        yield care(
            (
                "これから一日、緊急の作業を開けられる当番がいません。",
                "For the next day nobody is on call to open an emergency.",
            ),
            ("画面の「当番」で決めてください。", "Put somebody on call in the console."),
        )


CHECKS: tuple[Check, ...] = (database, evidence, people, calendar)

"""The database itself refuses to change what the log has said.

Entry, EntrySubject: no UPDATE, no DELETE (nor TRUNCATE, nor SQLite's INSERT OR REPLACE, which deletes
without firing DELETE triggers). OutboxRecord: no UPDATE; the sequencer deletes what stands in the log.
"""

from django.db import migrations

INDEX = ("evidence_entry", "evidence_entrysubject")
OUTBOX = "evidence_outboxrecord"

_SQLITE_REFUSE = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'evidence is append-only: {table} refuses {verb}'); END
"""
_SQLITE_REFUSE_REPLACE = """
CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
BEGIN SELECT RAISE(ABORT, 'evidence is append-only: {table} refuses REPLACE'); END
"""
_SAME = {
    "evidence_entry": '"index" = NEW."index" OR record_id = NEW.record_id',
    "evidence_entrysubject": "id = NEW.id OR (entry_id = NEW.entry_id AND subject = NEW.subject)",
}
_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION evidence_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'evidence is append-only: % refuses %', TG_TABLE_NAME, TG_OP; END $$
"""
_POSTGRESQL_REFUSE = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
FOR EACH {each} EXECUTE FUNCTION evidence_refuse()
"""


def statements(vendor):
    return {"sqlite": _sqlite, "postgresql": _postgresql}[vendor]()


def append_only(apps, schema_editor):
    for statement in statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


def _sqlite():
    for table in INDEX:
        yield _SQLITE_REFUSE.format(table=table, verb="update")
        yield _SQLITE_REFUSE.format(table=table, verb="delete")
        yield _SQLITE_REFUSE_REPLACE.format(table=table, same=_SAME[table])
    yield _SQLITE_REFUSE.format(table=OUTBOX, verb="update")


def _postgresql():
    yield _POSTGRESQL_FUNCTION
    for table in INDEX:
        yield _POSTGRESQL_REFUSE.format(table=table, verb="update", each="ROW")
        yield _POSTGRESQL_REFUSE.format(table=table, verb="delete", each="ROW")
        yield _POSTGRESQL_REFUSE.format(table=table, verb="truncate", each="STATEMENT")
    yield _POSTGRESQL_REFUSE.format(table=OUTBOX, verb="update", each="ROW")


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_tables")]
    operations = [migrations.RunPython(append_only)]

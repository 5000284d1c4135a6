"""Procurements, contracts, the systems they maintain, and the papers, version by version.

Documents and facts are append-only: a changed paper is a new version (migration 0002 refuses the rest).
"""

from django.db import models

from sekisho.people.models import Contractor, Division


class System(models.Model):
    """A target: a system of the city that contractors maintain through the gate."""

    code = models.SlugField(primary_key=True, max_length=40)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100)
    division = models.ForeignKey(Division, on_delete=models.PROTECT)
    special_personal_information = models.BooleanField()
    """Whether it holds My Numbers (特定個人情報)."""
    host = models.CharField(max_length=255)
    port = models.PositiveIntegerField(default=22)
    account = models.CharField(max_length=64)
    """The account on the target for which the gate's certificate is made out."""
    host_keys = models.JSONField()
    """The target's host keys, `type base64` each. Any other key is refused and alarmed."""
    charset = models.CharField(max_length=20, default="utf-8")
    """What the target's screens are written in: utf-8, shift_jis, euc-jp ... Only for reading recordings."""
    credential = models.CharField(max_length=20, default="certificate")
    """`certificate`, or `key` for an old target that cannot trust a CA."""


class ClosedDay(models.Model):
    """A day on which city hall is closed (閉庁日), beside national holidays and the turn of the year."""

    code = models.SlugField(primary_key=True, max_length=40)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100)
    date = models.DateField(db_index=True)


class Procurement(models.Model):
    """One procurement (調達), in which one or more contracts are made together."""

    code = models.SlugField(primary_key=True, max_length=40)
    title = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)


class Contract(models.Model):
    """One contract (契約) between the city and one contractor."""

    code = models.SlugField(primary_key=True, max_length=40)
    procurement = models.ForeignKey(Procurement, on_delete=models.PROTECT, related_name="contracts")
    title = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, related_name="contracts")
    division = models.ForeignKey(Division, on_delete=models.PROTECT)
    """The owning division (所管課), which approves permits."""
    systems = models.ManyToManyField(System, related_name="contracts")
    starts = models.DateField()
    ends = models.DateField()


class Document(models.Model):
    """One version of one paper, by the hash of its file."""

    code = models.SlugField(max_length=60)
    version = models.PositiveIntegerField()
    procurement = models.ForeignKey(Procurement, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    in_force_from = models.DateField()
    imported_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="document_version_once")]

    def __str__(self) -> str:
        return f"{self.code}@{self.version}"


class FactRow(models.Model):
    """One stated fact, as its document version says it. `terms.py` reads these and nothing else."""

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="facts")
    position = models.PositiveIntegerField()
    subject = models.CharField(max_length=120, db_index=True)
    key = models.CharField(max_length=60)
    mode = models.CharField(max_length=10)
    value = models.JSONField()
    open_ended = models.BooleanField(default=False)
    page = models.PositiveIntegerField(null=True)
    clause = models.CharField(max_length=60, blank=True)
    quote = models.TextField()
    read_by = models.CharField(max_length=100)
    confirmed_by = models.CharField(max_length=100, blank=True)
    exception_to = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["document", "position"]
        constraints = [models.UniqueConstraint(fields=["document", "position"], name="fact_position_once")]

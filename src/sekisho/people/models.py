"""The registers: who and what may act at all."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from sekisho.people.roles import Role

ROLE_CHOICES = [(role.value, role.text.ja) for role in Role]


class Division(models.Model):
    """A division of the city (課)."""

    code = models.SlugField(primary_key=True, max_length=40)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100)


class Contractor(models.Model):
    """A company the city entrusts work to (受託者)."""

    code = models.SlugField(primary_key=True, max_length=40)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100)


class PersonManager(BaseUserManager["Person"]):
    """Finds a person by login; nothing here creates one, the register's verbs do."""

    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(login=username)


class Person(AbstractBaseUser):
    """One human being with one role. Belongs to a division or to a contractor, never to both."""

    login = models.SlugField(unique=True, max_length=40)
    name = models.CharField(max_length=100)
    furigana = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=ROLE_CHOICES)
    division = models.ForeignKey(Division, null=True, blank=True, on_delete=models.PROTECT)
    contractor = models.ForeignKey(Contractor, null=True, blank=True, on_delete=models.PROTECT)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name", "role"]
    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        ordering = ["furigana", "login"]
        constraints = [
            models.CheckConstraint(
                name="contractor_people_have_a_contractor",
                condition=Q(role__in=["manager", "operator"], contractor__isnull=False, division__isnull=True)
                | (~Q(role__in=["manager", "operator"]) & Q(contractor__isnull=True)),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def actor(self) -> str:
        """How evidence names this person."""
        return f"person:{self.login}"

    @property
    def role_of(self) -> Role:
        return Role(self.role)


class Site(models.Model):
    """A registered place of work (履行場所). A fact may only name one of these: "other" is not a place."""

    code = models.SlugField(primary_key=True, max_length=40)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100)


class Line(models.Model):
    """A contractor's line into the city's network: one site, one kind, its source addresses."""

    code = models.SlugField(primary_key=True, max_length=40)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100)
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, related_name="lines")
    site = models.ForeignKey(Site, on_delete=models.PROTECT)
    kind = models.CharField(max_length=40)
    networks = models.JSONField()
    """CIDR strings from which this line's packets come, for example ["192.0.2.0/28"]."""


class Terminal(models.Model):
    """A PC that the city owns and lends to a contractor; only these connect to the gate."""

    code = models.SlugField(primary_key=True, max_length=40)
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, related_name="terminals")
    line = models.ForeignKey(Line, on_delete=models.PROTECT)
    public_key = models.TextField(unique=True)
    """The terminal's own SSH key, `type base64`, without a comment."""
    serial = models.BigIntegerField(null=True, blank=True)
    """Serial of the certificate now valid; any other certificate for this terminal is refused."""
    certified_until = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)


class SshAuthenticator(models.Model):
    """An operator's FIDO2 key for the gate (`sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`)."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="ssh_authenticators")
    public_key = models.TextField(unique=True)
    registered_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)


class Passkey(models.Model):
    """A WebAuthn credential for the console, enrolled with a one-time code at the counter."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="passkeys")
    credential_id = models.BinaryField(unique=True, max_length=1023)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    label = models.CharField(max_length=60)
    registered_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)


class EnrolmentCode(models.Model):
    """A one-time code, handed over at the counter, with which a person sets a password and enrols a key."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="enrolment_codes")
    code_hash = models.CharField(max_length=200)
    issued_by = models.CharField(max_length=128)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)


class Challenge(models.Model):
    """A WebAuthn challenge given out and not yet answered. Answering deletes the row: nothing is answered twice."""

    id = models.UUIDField(primary_key=True)
    value = models.BinaryField()
    purpose = models.CharField(max_length=200)
    """What exactly the answer is good for: `sign-in`, `enrol`, `confirm:open-line:line-a`."""
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    browser = models.CharField(max_length=64)
    """SHA-256 of the session key: only the browser that asked may answer."""
    expires_at = models.DateTimeField()


class FailedTries(models.Model):
    """How often something was guessed wrongly: one login, or one address."""

    key = models.CharField(primary_key=True, max_length=80)
    """`login:` or `address:` and a SHA-256, since people type passwords into the wrong field."""
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

"""The registers of a small town, as a snippet for the probe: one contract whose every term is stated."""

SEED = """
import hashlib
division = Division.objects.create(code="joho", name="情報政策課", name_en="Systems")
owner = Division.objects.create(code="shimin", name="市民課", name_en="Citizens")
contractor = Contractor.objects.create(code="shiosai", name="しおさいシステムズ", name_en="Shiosai Systems")
other = Contractor.objects.create(code="minato", name="みなと情報", name_en="Minato Information")
site = Site.objects.create(code="harbour-office", name="港オフィス", name_en="Harbour office")
line = Line.objects.create(code="line-a", name="港回線", name_en="Harbour line", contractor=contractor, site=site,
    kind="ip-vpn", networks=["127.0.0.0/8"])
foreign_line = Line.objects.create(code="line-z", name="他社回線", name_en="Another line", contractor=other, site=site,
    kind="ip-vpn", networks=["127.0.0.0/8"])
now = timezone.now()
later = now + datetime.timedelta(days=30)
for code, key in terminals.items():
    mine = code == "t-01"
    Terminal.objects.create(code=code, contractor=contractor if mine else other, line=line if mine else foreign_line,
        public_key=key, serial=7, certified_until=later)
people = {}
for login, role, where in (("mori", "operator", contractor), ("hayashi", "operator", contractor),
        ("kanri", "manager", contractor)):
    person = Person(login=login, name=login, furigana=login, role=role, contractor=where)
    person.set_password(password)
    person.save()
    people[login] = person
people["kacho"] = Person.objects.create(login="kacho", name="課長", furigana="かちょう", role="division",
    division=owner)
people["systems"] = Person.objects.create(login="systems", name="担当", furigana="たんとう", role="systems",
    division=division)
for login, key in authenticators.items():
    SshAuthenticator.objects.create(person=people[login], public_key=key, registered_at=now)
system = System.objects.create(code="juki", name="住民記録", name_en="Resident records", division=owner,
    special_personal_information=True, host="127.0.0.1", port=port, account=account, host_keys=[host_key])
procurement = Procurement.objects.create(code="case-1", title="保守", title_en="Maintenance")
today = datetime.date.today()
contract = Contract.objects.create(code="c-1", procurement=procurement, title="保守", title_en="Maintenance",
    contractor=contractor, division=owner, starts=today - datetime.timedelta(days=100),
    ends=today + datetime.timedelta(days=400))
contract.systems.add(system)
document = Document.objects.create(code="spec-1", version=1, procurement=procurement, kind="specification",
    title="仕様書", sha256=hashlib.sha256(b"x").hexdigest(), in_force_from=contract.starts, imported_at=now)
facts = {
    "service.hours": ["daily 00:00-24:00"], "work.places": ["harbour-office"], "line.kind": ["ip-vpn"],
    "line.codes": ["line-a"], "roster": ["mori", "hayashi"], "terminals": ["t-01"], "systems": ["juki"],
    "attendance": ["routine-unattended"], "recording": ["full-both-directions"],
    "authentication": ["terminal+authenticator+password"],
}
for position, (key, value) in enumerate(facts.items()):
    FactRow.objects.create(document=document, position=position, subject="contract:c-1", key=key, mode="state",
        value=value, page=3, clause=f"2-{position}", quote="…", read_by="x", confirmed_by="y")
permit = Permit.objects.create(number="R8-0001", contract=contract, system=system,
    starts=now - datetime.timedelta(hours=1), ends=now + datetime.timedelta(hours=4), work="w", rollback="r",
    state="approved", requested_by=people["kanri"], requested_at=now, decided_by=people["kacho"], decided_at=now)
permit.operators.add(people["mori"])
LineSwitch.objects.create(line=line, is_open=True, changed_by=people["systems"], changed_at=now, reason="test")
None
"""

"""The calendar in a real browser: planned, agreed, at odds, printed."""

import re
from collections.abc import Iterator

import pytest

from tests.e2e.consoletown import NAMED, NAMES, ConsoleTown
from tests.gate.registers import SEED

pytestmark = pytest.mark.e2e
THREE_CONTRACTS = """
FactRow.objects.filter(key="service.hours").update(value=["mon-fri 07:30-21:15", "sat 22:00-翌6:00"])
day = timezone.localtime().replace(hour=9, minute=0, second=0, microsecond=0)
Permit.objects.update(starts=day, ends=day + datetime.timedelta(hours=3))
None
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleTown]:
    """A city with one contract and a permit today."""
    town = ConsoleTown(tmp_path_factory.mktemp("calendar"))
    try:
        town.open()
        town.probe(
            SEED, terminals={"t-01": "k1", "t-99": "k2"}, authenticators={}, password="x", port=22, account="root",
            host_key="k",
        )  # fmt: skip
        town.probe(NAMED, names=NAMES)
        town.probe(THREE_CONTRACTS)
        yield town
    finally:
        town.close()


@pytest.mark.timeout(300)
def test_planned_agreed_and_printed(city: ConsoleTown) -> None:
    """The systems division plans, the conflict is said, the division agrees, the year is one sheet."""
    systems, owner = city.visitor("systems"), city.visitor("kacho")
    city.inspect(systems, "/calendar/", "calendar-month")
    city.inspect(systems, "/calendar/year/", "calendar-year-empty")
    city.inspect(systems, "/processing/new/", "processing-new")
    page = systems.goto("/processing/new/")
    today = page.evaluate("new Date().toLocaleDateString('sv', {timeZone: 'Asia/Tokyo'})")
    page.fill("[name=title]", "住民異動の一括更新")
    page.select_option("[name=system]", index=1)
    page.select_option("[name=contract]", index=1)
    page.fill("[name=first]", today)
    page.fill("[name=at]", "10:00")
    page.fill("[name=minutes]", "60")
    page.select_option("[name=rule]", value="monthly")
    page.check("text=市民課")
    page.get_by_role("button", name="載せる").click()
    page.wait_for_url(re.compile("/processing/[0-9a-f-]{36}/$"))
    number = page.url.rstrip("/").rpartition("/")[2]
    city.inspect(owner, f"/processing/{number}/", "processing-to-agree")
    page = owner.goto("/calendar/")
    conflicts = page.locator("#conflicts + ul").inner_text()
    assert "まだ同意していない課があります: 市民課" in conflicts
    assert "同じシステム(juki)で重なります" in conflicts
    city.inspect(owner, "/calendar/", "calendar-conflicts")
    page = owner.goto(f"/processing/{number}/")
    page.get_by_role("button", name="同意する").click()
    page.get_by_text("同意しました").wait_for()
    page = owner.goto("/calendar/?view=week")
    assert "まだ同意していない" not in page.inner_text("main")
    city.inspect(owner, "/calendar/?view=week", "calendar-week")
    city.inspect(owner, "/calendar/year/", "calendar-year")
    city.inspect(owner, "/calendar/systems/", "system-sheet")
    city.inspect("kanri", "/calendar/", "calendar-contractor")
    city.inspect("kanri", "/jobs/new/", "job-new")
    city.probe(
        "Job.objects.create(code='juki-nightly', permit=Permit.objects.get(), title='夜間の集計', command='sh -s',"
        " script='set -e\\ncd /srv/batch\\n./count --all\\n', script_sha256='0' * 64,"
        " window=['mon-fri 22:00-翌5:00'], longest_minutes=90, most_output=100_000, public_key='k').pk"
    )
    city.inspect("kacho", "/permits/R8-0001/", "job-permit")
    for path in ("/calendar/", "/calendar/year/", "/calendar/systems/"):
        page = owner.goto(path)
        printed = page.pdf(prefer_css_page_size=True)
        assert printed.startswith(b"%PDF")
        pages = len(re.findall(rb"/Type /Page\b", printed))
        assert pages == 1, f"{path} takes {pages} pages"
    page = owner.goto("/calendar/")
    with page.expect_download() as download:
        page.get_by_text("ほかの暦に取り込む").click()
    text = download.value.path().read_text("utf-8")
    assert "SUMMARY:処理: 住民異動の一括更新" in text
    assert "森" not in text

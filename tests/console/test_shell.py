"""What holds for every page: the policy, the two languages, the words of the templates."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from sekisho.console.middleware import ContentSecurityPolicy, allows_wasm
from sekisho.kernel.text import Text
from sekisho.people.models import Division
from tests.people.registered import person, signed_in


def rendered(template: str, language: str = "ja", **values: Any) -> str:
    with translation.override(language):
        return Template(template).render(Context(values))


@pytest.mark.django_db
def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    """Every answer, found or not, carries the strict policy and is kept in no cache."""
    client = Client(headers={"host": "localhost"})
    for url in ("/health/", "/nowhere/"):
        answer = client.get(url)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_only_a_marked_view_runs_webassembly() -> None:
    """The player's page gets 'wasm-unsafe-eval' and nothing else; its neighbours do not."""
    from django.http import HttpRequest, HttpResponse

    @allows_wasm
    def player(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    middleware = ContentSecurityPolicy(lambda request: HttpResponse())
    request = RequestFactory().get("/")
    middleware.process_view(request, player, (), {})
    loose = middleware.process_response(request, HttpResponse()).headers["Content-Security-Policy"]
    strict = middleware.process_response(RequestFactory().get("/"), HttpResponse()).headers[
        "Content-Security-Policy"
    ]
    assert loose.replace(" 'wasm-unsafe-eval'", "") == strict


def test_no_template_holds_a_script_or_a_style_of_its_own() -> None:
    """What the policy would block is not written in the first place."""
    from pathlib import Path

    import sekisho

    for path in Path(next(iter(sekisho.__path__))).rglob("templates/**/*.html"):
        text = path.read_text("utf-8")
        assert " style=" not in text, path
        assert "<style" not in text, path
        assert " onclick=" not in text, path
        assert all("src=" in tag for tag in text.split("<script")[1:]), path


def test_both_languages_stand_where_they_are_used() -> None:
    """`t` speaks the reader's language, escapes what it is given, and never what the template says."""
    assert rendered('{% t "許可" "Permits" %}') == "許可"
    assert rendered('{% t "許可" "Permits" %}', "en") == "Permits"
    assert rendered('{% t "{n}人" "{n} people" n=n %}', "en", n="<b>") == "&lt;b&gt; people"
    assert rendered('{% t "<b>{n}</b>" "" n=n %}', n=Text("三", "three")) == "<b>三</b>"
    assert rendered("{% t a a %}", a="<i>") == "&lt;i&gt;"
    assert rendered('{% t "{n}" "" n=n %}', n="{x}") == "{x}"


def test_things_say_their_names() -> None:
    """A Text, a thing with two names, nothing."""
    division = Division(code="a", name="市民課", name_en="Citizens")
    assert (
        rendered("{{ a|say }} {{ b|say }} {{ c|say }}", "en", a=Text("一", "one"), b=division, c=None)
        == "one Citizens —"
    )


def test_moments_are_tokyos_with_their_era() -> None:
    """The day changes at midnight in Tokyo; a day alone has no time."""
    late = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
    assert "令和8年11月23日(2026-11-23) 00:30" in rendered("{{ a|moment }}", a=late)
    assert ">2026-11-23 00:30<" in rendered("{{ a|moment }}", "en", a=late)
    assert "(2026-11-23) 00:30:00<" in rendered("{{ a|moment:'second' }}", a=late)
    assert "令和元年5月1日(2019-05-01)<" in rendered("{{ a|moment }}", a=date(2019, 5, 1))
    assert rendered("{{ a|moment }}", a=None) == "—"


@pytest.mark.parametrize(
    ("seconds", "ja", "en"),
    [
        (5, "5秒前", "5 s ago"),
        (-200, "3分後", "in 3 min"),
        (7300, "2時間前", "2 h ago"),
        (200_000, "2日前", "2 d ago"),
    ],
)
def test_how_long_ago(seconds: int, ja: str, en: str) -> None:
    """In the largest unit that fits, before and after now."""
    when = timezone.now() - timedelta(seconds=seconds + (0.5 if seconds > 0 else -0.5))
    assert ja in rendered("{{ a|ago }}", a=when)
    assert en in rendered("{{ a|ago }}", "en", a=when)


@pytest.mark.django_db
def test_the_language_is_chosen_by_the_reader() -> None:
    """Japanese without a word; English when the browser or the button asks; no way to another site."""
    client = signed_in(person("sato"))
    assert 'lang="ja"' in client.get("/").content.decode()[:60]
    answer = client.post("/language/", {"language": "en", "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/"
    assert 'lang="en"' in client.get("/").content.decode()[:60]


@pytest.mark.django_db
def test_health_needs_no_sign_in_and_says_nothing() -> None:
    """For a monitor: yes or no."""
    answer = Client(headers={"host": "localhost"}).get("/health/")
    assert (answer.status_code, answer.content) == (200, b"ok\n")

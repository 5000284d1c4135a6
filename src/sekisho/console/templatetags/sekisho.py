"""The words of our templates. Built in: no `{% load %}` needed.

`{% t "許可" "Permits" %}`: both languages side by side, where they are used.
`{% t "{n}件" "{n} found" n=count %}`: values are escaped; a Text or a named thing speaks the language too.
`{{ reason.text|say }}`, `{{ line|say }}`: a kernel Text; a thing with name/name_en or title/title_en.
`{{ permit.starts|moment }}`: 令和8年11月23日(2026-11-23)18:50, in Tokyo.
`{{ session.opened_at|ago }}`: 3分前 / 3 min ago.
`{{ form.login|control }}`: the input itself; a whole field is `{% include "console/_field.html" %}`.

A page extends `console/base.html` (blocks `title`, `head`, `main`, `scripts`). A fragment is a template whose
name begins with `_`, and its view carries `people.middleware.background`; `poll.js` replaces
`<div data-poll="URL" data-poll-seconds="5" data-stale-text="…">` by what that view answers.
"""

from datetime import date, datetime
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, Select, Textarea
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from sekisho.kernel.clock import TOKYO
from sekisho.kernel.era import era_date
from sekisho.kernel.text import Text

register = template.Library()
NOTHING = "—"
_CLASSES: dict[type, str] = {Textarea: "dads-textarea", Select: "dads-select", CheckboxInput: ""}
_UNITS = ((86_400, "日", "d"), (3_600, "時間", "h"), (60, "分", "min"), (1, "秒", "s"))


@register.simple_tag
def t(ja: str, en: str, **values: object) -> str:
    """The sentence in the reader's language. Literals of the template are trusted, values are escaped."""
    sentence = conditional_escape(Text(ja, en).in_language(get_language()))
    if not values:
        return sentence
    escaped = {name: conditional_escape(say(value)) for name, value in values.items()}
    return mark_safe(sentence.format(**escaped))  # noqa: S308 - every part was escaped above


@register.filter
def control(field: BoundField, supported: str = "") -> SafeString:
    """The input of a form's field in the look of the design system, tied to its support and error texts."""
    described = [f"{field.auto_id}_support"] if supported else []
    described += [f"{field.auto_id}_error"] if field.errors else []
    attributes: dict[str, str | bool] = {
        "class": _CLASSES.get(type(field.field.widget), "dads-input-text__input")
    }
    if described:
        attributes["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attributes)


@register.filter
def say(value: Any) -> str:
    """A Text, or a registered thing by its name, in the reader's language."""
    if isinstance(value, Text):
        text = value
    elif hasattr(value, "name_en"):
        text = Text(value.name, value.name_en)
    elif hasattr(value, "title_en"):
        text = Text(value.title, value.title_en)
    else:
        return NOTHING if value is None else str(value)
    return text.in_language(get_language())


@register.filter
def moment(when: datetime | date | None, to_the: str = "minute") -> SafeString | str:
    """A moment in Tokyo to the minute or to the `second`, or a day, with its era date."""
    if when is None:
        return NOTHING
    local = when.astimezone(TOKYO) if isinstance(when, datetime) else when
    day = local.date() if isinstance(local, datetime) else local
    clock = (
        local.strftime("%H:%M:%S" if to_the == "second" else "%H:%M") if isinstance(local, datetime) else ""
    )
    shown = Text(f"{era_date(day)}({day.isoformat()}) {clock}".strip(), f"{day.isoformat()} {clock}".strip())
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), shown.in_language(get_language()))


@register.filter
def ago(when: datetime | None) -> SafeString | str:
    """How long ago, or how long from now, in the largest unit that fits; the exact moment as its title."""
    if when is None:
        return NOTHING
    seconds = (timezone.now() - when).total_seconds()
    size, ja, en = next((unit for unit in _UNITS if abs(seconds) >= unit[0]), _UNITS[-1])
    count = int(abs(seconds) // size)
    words = (
        Text(f"{count}{ja}前", f"{count} {en} ago")
        if seconds >= 0
        else Text(f"{count}{ja}後", f"in {count} {en}")
    )
    local = when.astimezone(TOKYO)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        local.strftime("%Y-%m-%d %H:%M:%S"),
        words.in_language(get_language()),
    )

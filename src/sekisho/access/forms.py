"""What people type about permits. Labels stand in the templates, in both languages."""

from datetime import datetime
from typing import Any, cast

from django import forms
from django.utils.translation import get_language

from sekisho.access.recurrence import Rule
from sekisho.access.sentences import RULES
from sekisho.contracts.models import Contract, System
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.era import parse_date
from sekisho.kernel.text import Text
from sekisho.people.models import Division, Person
from sekisho.people.roles import Role

_BAD_DATE = Text(
    "日付を読めません。例: 2026-11-23、令和8年11月23日、R8.11.23",
    "Not a date. For example 2026-11-23 or R8.11.23.",
)

_CHOOSE = Text("選んでください", "Choose one")
_DAY, _TIME = Text("日付", "Day"), Text("時刻", "Time")


class DayField(forms.CharField):
    """A day in any common form, era or ISO."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"placeholder": "2026-11-23", "autocomplete": "off", "size": 14})
        super().__init__(max_length=20, widget=widget, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_date(text)
        except ValueError as error:
            raise forms.ValidationError(_BAD_DATE.in_language(get_language())) from error


class MomentField(forms.MultiValueField):
    """A day (any common form, era or ISO) and a time, in Tokyo, as one aware moment."""

    def __init__(self, **kwargs: Any) -> None:
        fields = (forms.CharField(max_length=20), forms.TimeField())
        widget = MomentWidget()
        super().__init__(fields, widget=widget, require_all_fields=True, **kwargs)

    def compress(self, data_list: list[Any]) -> datetime | None:
        if not data_list:
            return None
        try:
            day = parse_date(data_list[0])
        except ValueError as error:
            raise forms.ValidationError(_BAD_DATE.in_language(get_language())) from error
        return datetime.combine(day, data_list[1], tzinfo=TOKYO)


class MomentWidget(forms.MultiWidget):
    """Two boxes side by side."""

    def __init__(self) -> None:
        day = forms.TextInput(attrs={"placeholder": "2026-11-23", "autocomplete": "off", "size": 14})
        super().__init__([day, forms.TimeInput(attrs={"type": "time"}, format="%H:%M")])

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Each box has its own name; the two together have the legend around them."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        for box, label in zip(context["widget"]["subwidgets"], (_DAY, _TIME), strict=True):
            box["attrs"]["aria-label"] = label.in_language(get_language())
            box["attrs"]["class"] = "dads-input-text__input moment"
        return context

    def decompress(self, value: datetime | None) -> list[Any]:
        local = value.astimezone(TOKYO) if value else None
        return [local.strftime("%Y-%m-%d"), local.time()] if local else [None, None]


def offer(field: Any, rows: Any) -> None:
    """Lets a field choose among `rows`, each by its code and name."""
    field.queryset = rows
    field.label_from_instance = _label
    if field.empty_label is not None:
        field.empty_label = _CHOOSE.in_language(get_language())


class PermitForm(forms.Form):
    """A wish for a permit, offered only what the manager's own contracts name."""

    contract = forms.ModelChoiceField(Contract.objects.none())
    system = forms.ModelChoiceField(System.objects.none())
    operators = forms.ModelMultipleChoiceField(Person.objects.none(), widget=forms.CheckboxSelectMultiple)
    starts = MomentField()
    ends = MomentField()
    great_change = forms.BooleanField(required=False)
    work = forms.CharField(max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
    rollback = forms.CharField(max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, manager: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = Contract.objects.filter(contractor=manager.contractor).order_by("code")
        operators = Person.objects.filter(
            contractor=manager.contractor, role=Role.OPERATOR, is_active=True
        ).order_by("furigana")
        offer(self.fields["contract"], mine)
        offer(self.fields["system"], System.objects.filter(contracts__in=mine).distinct().order_by("code"))
        offer(self.fields["operators"], operators)


class JobForm(PermitForm):
    """An unattended job, and the standing permit for it."""

    code = forms.CharField(max_length=30)
    title = forms.CharField(max_length=100)
    command = forms.CharField(max_length=4000)
    script = forms.CharField(
        max_length=300_000, required=False, strip=False, widget=forms.Textarea(attrs={"rows": 8})
    )
    window = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    longest_minutes = forms.IntegerField(min_value=1, max_value=24 * 60)
    most_kilobytes = forms.IntegerField(min_value=1, max_value=64 * 1024)
    public_key = forms.CharField(max_length=2500)


class EmergencyForm(forms.Form):
    """What an operator says is broken, in one of his company's contracts."""

    contract = forms.ModelChoiceField(Contract.objects.none())
    system = forms.ModelChoiceField(System.objects.none())
    fault = forms.CharField(max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, operator: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = Contract.objects.filter(contractor=operator.contractor).order_by("code")
        offer(self.fields["contract"], mine)
        offer(self.fields["system"], System.objects.filter(contracts__in=mine).distinct().order_by("code"))


class DutyForm(forms.Form):
    """Who is on call, from when to when."""

    person = forms.ModelChoiceField(Person.objects.none())
    starts = MomentField()
    ends = MomentField()

    def __init__(self, by: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = Person.objects.filter(role__in=[Role.SYSTEMS, Role.DIVISION], is_active=True)
        if by.role_of is not Role.SYSTEMS:
            people = people.filter(division=by.division)
        offer(self.fields["person"], people.order_by("furigana"))


class ProcessingForm(forms.Form):
    """An entry of the processing schedule."""

    title = forms.CharField(max_length=100)
    system = forms.ModelChoiceField(System.objects.none())
    contract = forms.ModelChoiceField(Contract.objects.none(), required=False)
    first = DayField()
    at = forms.TimeField(widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    minutes = forms.IntegerField(min_value=1, max_value=7 * 24 * 60)
    rule = forms.ChoiceField()
    until = DayField(required=False)
    divisions = forms.ModelMultipleChoiceField(Division.objects.none(), widget=forms.CheckboxSelectMultiple)
    note = forms.CharField(max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self.fields["system"], System.objects.order_by("code"))
        offer(self.fields["contract"], Contract.objects.order_by("code"))
        owners = Division.objects.filter(person__role=Role.DIVISION).distinct().order_by("code")
        offer(self.fields["divisions"], owners)
        rules = [(rule.value, RULES[rule].in_language(get_language())) for rule in Rule]
        cast(forms.ChoiceField, self.fields["rule"]).choices = rules


class ExtendForm(forms.Form):
    until = MomentField()


class ReportForm(forms.Form):
    done = forms.CharField(max_length=8000, widget=forms.Textarea(attrs={"rows": 6}))
    outcome = forms.CharField(max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))


def _label(row: Any) -> str:
    if isinstance(row, Person):
        return f"{row.name}({row.login})"
    name = getattr(row, "title", None) or row.name
    english = getattr(row, "title_en", None) or row.name_en
    return f"{row.code} {Text(name, english).in_language(get_language())}"

"""What people type at the door and in the register. Labels stand in the templates, in both languages."""

from typing import Any, ClassVar

from django import forms

from sekisho.people.models import Contractor, Division
from sekisho.people.roles import Role


class SignInForm(forms.Form):
    login = forms.CharField(max_length=40, widget=forms.TextInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        max_length=200, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class CodeForm(forms.Form):
    login = forms.CharField(max_length=40, widget=forms.TextInput(attrs={"autocomplete": "username"}))
    code = forms.CharField(max_length=40, widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}))


class PasswordForm(forms.Form):
    password = forms.CharField(
        max_length=200, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    again = forms.CharField(
        max_length=200, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )


class PersonForm(forms.Form):
    login = forms.SlugField(max_length=40)
    name = forms.CharField(max_length=100)
    furigana = forms.CharField(max_length=100)
    role = forms.ChoiceField(choices=[(role.value, f"{role.text.ja} {role.text.en}") for role in Role])
    division = forms.ModelChoiceField(Division.objects.order_by("code"), required=False)
    contractor = forms.ModelChoiceField(Contractor.objects.order_by("code"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("division", "contractor"):
            self.fields[name].label_from_instance = _in_both  # type: ignore[attr-defined]


class KeyForm(forms.Form):
    public_key = forms.CharField(
        max_length=2000, widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
    )


class CertifyForm(forms.Form):
    days = forms.IntegerField(min_value=1, max_value=400, initial=365)


class PeopleFilter(forms.Form):
    """Every field may be empty; what is wrong is as if it were not there."""

    q = forms.CharField(max_length=100, required=False)
    role = forms.ChoiceField(
        choices=[("", "—"), *((role.value, role.text.ja) for role in Role)], required=False
    )
    state = forms.ChoiceField(
        choices=[("", "—"), ("active", "active"), ("suspended", "suspended")], required=False
    )
    SHOWN: ClassVar = ("q", "role", "state")


def _in_both(thing: Division | Contractor) -> str:
    return f"{thing.name} {thing.name_en}"

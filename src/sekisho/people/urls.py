"""Sign-in, enrolment, people and terminals."""

from django.urls import path

from sekisho.kernel.text import Text
from sekisho.people import demo_authenticator, door, register, terminal_pages
from sekisho.people.roles import Role

app_name = "people"
urlpatterns = [
    path("sign-in/", door.sign_in, name="sign-in"),
    path("sign-in/authenticator/", door.prove, name="prove"),
    path("sign-out/", door.sign_out, name="sign-out"),
    path("enrol/", door.enrol_code, name="enrol"),
    path("enrol/password/", door.enrol_password, name="enrol-password"),
    path("enrol/authenticator/", door.enrol_authenticator, name="enrol-authenticator"),
    path("authenticator/challenge/", door.challenge, name="challenge"),
    path("people/", register.person_list, name="list"),
    path("people/new/", register.person_new, name="person-new"),
    path("people/<slug:login>/", register.person, name="person"),
    path("people/<slug:login>/code/", register.issue_code, name="issue-code"),
    path("people/<slug:login>/suspend/", register.suspend, name="suspend"),
    path("people/<slug:login>/keys/", register.add_key, name="add-key"),
    path(
        "people/<slug:login>/passkey/<int:number>/revoke/",
        register.revoke,
        {"kind": "passkey"},
        "revoke-passkey",
    ),
    path("people/<slug:login>/ssh/<int:number>/revoke/", register.revoke, {"kind": "ssh"}, "revoke-key"),
    path("terminals/", terminal_pages.terminal_list, name="terminal-list"),
    path("terminals/<slug:code>/", terminal_pages.terminal, name="terminal"),
    path("terminals/<slug:code>/certify/", terminal_pages.certify, name="certify-terminal"),
    path("terminals/<slug:code>/revoke/", terminal_pages.revoke, name="revoke-terminal"),
]
_SYSTEMS = frozenset({Role.SYSTEMS})
_READERS = frozenset({Role.SYSTEMS, Role.AUDITOR})
ROLES = {
    "people:list": _READERS,
    "people:person": _READERS,
    "people:terminal-list": _READERS,
    "people:terminal": _READERS,
    "people:person-new": _SYSTEMS,
    "people:issue-code": _SYSTEMS,
    "people:suspend": _SYSTEMS,
    "people:add-key": _SYSTEMS,
    "people:revoke-passkey": _SYSTEMS,
    "people:revoke-key": _SYSTEMS,
    "people:certify-terminal": _SYSTEMS,
    "people:revoke-terminal": _SYSTEMS,
}
WITHOUT_SIGN_IN = {
    "people:sign-in",
    "people:prove",
    "people:sign-out",
    "people:enrol",
    "people:enrol-password",
    "people:enrol-authenticator",
    "people:challenge",
}
NAVIGATION = [
    ("people:list", Text("人", "People")),
    ("people:terminal-list", Text("端末", "Terminals")),
]
if demo_authenticator.available():
    urlpatterns.append(path("demo/authenticator/", door.demo_answer, name="demo-authenticator"))
    WITHOUT_SIGN_IN.add("people:demo-authenticator")

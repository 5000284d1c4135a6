"""Every URL of this room, and who may reach it."""

from django.urls import path

from sekisho.contracts import pages
from sekisho.kernel.text import Text
from sekisho.people.roles import Role

app_name = "contracts"
urlpatterns = [
    path("contracts/", pages.contract_list, name="contract-list"),
    path("contracts/<slug:code>/", pages.contract, name="contract"),
]
ROLES = {"contracts:contract-list": frozenset(Role), "contracts:contract": frozenset(Role)}
NAVIGATION = [("contracts:contract-list", Text("契約", "Contracts"))]

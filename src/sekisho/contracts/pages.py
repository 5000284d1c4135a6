"""The pages of contracts: their terms, each with the paper, the page and the words it stands on."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from sekisho.contracts.models import Contract
from sekisho.contracts.reading import grant_of
from sekisho.contracts.showing import shown_terms
from sekisho.kernel.clock import TOKYO
from sekisho.people.models import Person


def contract_list(request: HttpRequest) -> HttpResponse:
    today = timezone.now().astimezone(TOKYO).date()
    rows = [(contract, grant_of(contract, today)) for contract in _visible(request)]
    return render(request, "contracts/contract_list.html", {"rows": rows})


def contract(request: HttpRequest, code: str) -> HttpResponse:
    found = get_object_or_404(_visible(request), code=code)
    grant = grant_of(found, timezone.now().astimezone(TOKYO).date())
    context = {"contract": found, "grant": grant, "terms": shown_terms(grant)}
    return render(request, "contracts/contract.html", context)


def _visible(request: HttpRequest) -> QuerySet[Contract]:
    """A contractor's people see their own company's contracts, the city all."""
    assert isinstance(request.user, Person)  # noqa: S101
    contracts = Contract.objects.select_related("contractor", "division", "procurement").order_by("code")
    return (
        contracts.filter(contractor=request.user.contractor)
        if request.user.role_of.of_contractor
        else contracts
    )

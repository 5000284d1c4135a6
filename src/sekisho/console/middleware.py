"""What holds for every page: the content security policy, and the table of who may reach what."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import urlencode

from sekisho.console.access_table import allowed, without_sign_in
from sekisho.people.models import Person

POLICY = (
    "default-src 'none'; script-src 'self'{wasm}; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

View = TypeVar("View", bound=Callable[..., Any])


def allows_wasm(view: View) -> View:
    """Marks the one kind of page that runs WebAssembly, the recording's player. Nothing else is loosened."""
    view.allows_wasm = True  # type: ignore[attr-defined]
    return view


class ContentSecurityPolicy(MiddlewareMixin):
    """Sets the policy on every answer, and forbids caches to keep what a signed-in person saw."""

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        request.allows_wasm = getattr(view, "allows_wasm", False)  # type: ignore[attr-defined]

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        wasm = " 'wasm-unsafe-eval'" if getattr(request, "allows_wasm", False) else ""
        response.headers["Content-Security-Policy"] = POLICY.format(wasm=wasm)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class AccessTable(MiddlewareMixin):
    """Lets a request reach its view only where `access_table` says so. Runs after sign-in is established."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        name = request.resolver_match.view_name if request.resolver_match else None
        if without_sign_in(name):
            return None
        if not isinstance(request.user, Person):
            back = f"?{urlencode({'next': request.get_full_path()})}" if request.method == "GET" else ""
            return redirect(reverse("people:sign-in") + back)
        if not allowed(name, request.user.role_of):
            raise PermissionDenied
        return None

"""A session that has not passed both factors is nobody."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.utils.deprecation import MiddlewareMixin

View = TypeVar("View", bound=Callable[..., Any])


def background(view: View) -> View:
    """Marks what a page fetches by itself (polls, streams): it never keeps the idle timeout from running."""
    view.background = True  # type: ignore[attr-defined]
    return view


class SignedInWithAuthenticator(MiddlewareMixin):
    """Nobody can sign in yet."""

"""Every URL of the console, room by room."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("sekisho.console.urls")),
    path("", include("sekisho.people.urls")),
    path("", include("sekisho.access.urls")),
    path("", include("sekisho.contracts.urls")),
]

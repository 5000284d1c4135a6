"""Sign-in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def sign_in(request: HttpRequest) -> HttpResponse:
    return render(request, "people/sign_in.html")


def sign_out(request: HttpRequest) -> HttpResponse:
    return render(request, "people/sign_in.html")

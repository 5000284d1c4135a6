"""Sign-in, enrolment, people and terminals."""

from django.urls import path

from sekisho.people import views

app_name = "people"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
]
WITHOUT_SIGN_IN = {"people:sign-in", "people:sign-out"}

"""The console's own URLs: home, language, health."""

from django.urls import path
from django.views.i18n import set_language

from sekisho.console import views
from sekisho.kernel.text import Text
from sekisho.people.roles import CITY, EVERYBODY

app_name = "console"
urlpatterns = [
    path("", views.home, name="home"),
    path("home/inside/", views.inside, name="inside"),
    path("language/", set_language, name="language"),
    path("health/", views.health, name="health"),
]
ROLES = {"console:home": EVERYBODY, "console:inside": CITY}
WITHOUT_SIGN_IN = {"console:language", "console:health"}
NAVIGATION = [("console:home", Text("ホーム", "Home"))]

"""One certificate authority, one server and one session of each browser for all tests."""

import json
import os
import resource
import subprocess
from pathlib import Path

import browsers
import cases
import pytest
import web
from pki import Pki

ROOT = Path(__file__).parent.parent.parent
OPERATOR = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/direct-upload-operator"
BROWSERS = ["chromium", "firefox"]


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def site(pki):
    """The servers: the dashboard's page by https and by http, and Glance's place."""
    return Site(pki)


class Site:
    def __init__(self, pki: Pki):
        self.pki = pki
        self.web = web.Web({case.name: case.answer for case in cases.load()})
        page = pki.issue("page", extensions="subjectAltName=DNS:horizon.example.com")
        self.page = self.web.listen(web.context(page, pki.key))
        glance = pki.issue("glance", extensions="subjectAltName=DNS:*.glance.example.com")
        self.glance = self.web.listen(web.context(glance, pki.key))
        self.plain = self.web.listen()

    def url(self, case: str) -> str:
        """A host for each case, so that no browser uses a connection that another case left behind."""
        return f"https://{case}.glance.example.com:{self.glance}/{case}"


@pytest.fixture(scope="session", params=BROWSERS)
def browser(request, site, tmp_path_factory):
    """A browser, at the dashboard's page."""
    folder = tmp_path_factory.mktemp(request.param)
    names = ["horizon.example.com", "glance.example.com", *(f"{case}.glance.example.com" for case in [*site.web.answers, "from-https"])]
    started = getattr(browsers, request.param)(folder, site.page, site.pki.given, names)
    started.set_script_timeout(120)
    yield Browser(request.param, started, site)
    started.quit()


class Browser:
    def __init__(self, name, driver, site):
        self.name = name
        self.driver = driver
        self.site = site

    def upload(self, urls: list[str], page: str = cases.ORIGIN) -> dict[str, str]:
        """Makes Horizon's upload to each URL; what the page learns of each."""
        self.driver.get(page)
        return self.driver.execute_async_script("uploads(...arguments)", urls)


def preflight(url: str, *more: str, origin: str = cases.ORIGIN) -> dict:
    """The built program's own report. It asks names under example.com at loopback."""
    host, port = url.split("/")[2].split(":")
    local = ["--resolve", f"{host}:{port}:127.0.0.1"] if host.endswith(".example.com") else []
    command = [OPERATOR, "preflight", "--origin", origin, "--url", url, "-o", "json", *local, *more]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)


def pytest_terminal_summary(terminalreporter):
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(u.ru_utime + u.ru_stime for u in used)
    terminalreporter.write_line(f"CPU: {seconds:.0f} s, browsers included")

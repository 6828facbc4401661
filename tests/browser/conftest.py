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
from pki import HOST, Pki

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
        for case in cases.load_uploads():
            self.web.answers[case.name] = cases.answer({})
            self.web.uploads[case.name] = case.answer
        page = pki.issue("page", extensions="subjectAltName=DNS:horizon.example.com")
        self.page = self.web.listen(web.context(page, pki.key))
        glance = pki.issue("glance", extensions=f"subjectAltName=DNS:{HOST},DNS:*.{HOST}")
        self.glance = self.web.listen(web.context(glance, pki.key))
        self.plain = self.web.listen()

    def url(self, case: str, host: str = HOST) -> str:
        return f"https://{host}:{self.glance}/{case}"

    def own(self, case: str) -> str:
        """By a host of its own, so that no browser uses a connection that another case left behind."""
        return self.url(case, f"{case}.{HOST}")


@pytest.fixture(scope="session", params=BROWSERS)
def browser(request, site, tmp_path_factory):
    """A browser, at the dashboard's page."""
    folder = tmp_path_factory.mktemp(request.param)
    names = ["horizon.example.com", HOST, *(f"{case.name}.{HOST}" for case in [*cases.load(), *cases.load_uploads()])]
    started = getattr(browsers, request.param)(folder, site.page, site.pki.given, names)
    started.set_script_timeout(110)
    yield Browser(request.param, started, site)
    started.quit()


class Browser:
    def __init__(self, name, driver, site):
        self.name = name
        self.driver = driver
        self.site = site

    def upload(self, urls: list[str], page: str = cases.ORIGIN, panel: str = "angular") -> dict[str, str]:
        """Makes a panel's upload to each URL; what the page learns of each."""
        results = {}
        # A command may take two minutes: on a busy machine that is not enough for all.
        for start in range(0, len(urls), 50):
            self.driver.get(page)
            results |= self.driver.execute_async_script("uploads(...arguments)", urls[start : start + 50], panel)
        return results


def preflight(url: str, *more: str, origin: str = cases.ORIGIN) -> dict:
    """The built program's own report. It asks names under example.com at loopback."""
    host, port = url.split("/")[2].split(":")
    local = ["--resolve", f"{host}:{port}:127.0.0.1"] if host.endswith(".example.com") else []
    command = [OPERATOR, "preflight", "--origin", origin, "--url", url, "-o", "json", "--no-put", *local, *more]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)


def pytest_terminal_summary(terminalreporter):
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(u.ru_utime + u.ru_stime for u in used)
    terminalreporter.write_line(f"CPU: {seconds:.0f} s, browsers included")

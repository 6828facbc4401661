"""Each answer of the table: what browsers do, what the table says, and what the program says, agree."""

from concurrent.futures import ThreadPoolExecutor

import cases
import pytest
import web
from conftest import preflight

TABLE = cases.load()
PATH = "/v2/images/4ba0d5c4-8c5d-4f0e-9d3c-111111111111/file"
# What the browser asks is of its own making, but for these.
ASKED = ["Origin", "Accept", "Access-Control-Request-Method", "Access-Control-Request-Headers"]


@pytest.fixture(scope="session")
def uploads(browser, site):
    """By case: what the page learnt, and the requests that reached the server."""
    urls = {case.name: site.own(case.name) + PATH for case in TABLE}
    results = browser.upload(list(urls.values()))
    # On a busy machine a browser gives up handshakes: what never asked is told to ask once more.
    silent = [url for name, url in urls.items() if name not in site.web.asked]
    results |= browser.upload(silent)
    return {name: (results[url], site.web.take(name)) for name, url in urls.items()}


@pytest.fixture(scope="session")
def verdicts(site):
    """By case: the program's report, and its question."""

    def ask(case):
        report = preflight(site.url(case.name), "--ca", str(site.pki.ca))
        return case.name, (report, site.web.take(case.name))

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(ask, TABLE))


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_browser(case, browser, uploads):
    learnt, requests = uploads[case.name]
    methods = [head.split(" ")[0] for head in requests]
    assert set(methods[:-1]) <= {"OPTIONS"}, methods
    assert "OPTIONS" in methods, "nothing was asked at all"
    sent = methods[-1] == "PUT"
    assert learnt == ("status 204" if sent else "error")
    assert sent == case.sends(browser.name)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_program(case, verdicts):
    report, _ = verdicts[case.name]
    rule = report["failure"] and report["failure"]["rule"]
    kind = report["unreachable"] and report["unreachable"]["kind"]
    assert (report["verdict"], rule, kind) == (case.verdict, case.rule, case.unknown), report


def test_the_question_is_the_browsers(uploads, verdicts):
    _, (browsers_head, *_) = uploads["origin-exact"]
    _, (programs_head, *_) = verdicts["origin-exact"]
    for name in ASKED:
        assert web.header(browsers_head, name) == web.header(programs_head, name) != None, name  # noqa: E711


def test_the_program_is_as_strict_as_the_stricter_browser():
    exceptions = [case.name for case in TABLE if case.verdict == "granted" and case.differs]
    assert exceptions == ["wire-chunked-wrong"]
    for case in TABLE:
        assert set(case.differs) < {"chromium", "firefox"}, case.name

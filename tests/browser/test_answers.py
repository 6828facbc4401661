"""Each answer of the table: what browsers do, what the table says, and what the program says, agree."""

from concurrent.futures import ThreadPoolExecutor

import cases
import pytest
import web
from conftest import preflight

TABLE = cases.load()
# Each panel has its own image: browsers remember the answers to preflights by URL.
PATHS = {
    "angular": "/v2/images/4ba0d5c4-8c5d-4f0e-9d3c-111111111111/file",
    "django": "/v2/images/4ba0d5c4-8c5d-4f0e-9d3c-222222222222/file",
}
# The browser writes its own preflight, except for these headers.
ASKED = ["Origin", "Accept", "Access-Control-Request-Method", "Access-Control-Request-Headers"]


@pytest.fixture(scope="session")
def uploads(browser, site):
    """By panel and case: what the page learnt, and the requests that reached the server."""
    seen = {}
    for panel in cases.PANELS:
        urls = {case.name: site.own(case.name) + PATHS[panel] for case in TABLE}
        results = browser.upload(list(urls.values()), panel=panel)
        # On a busy machine a browser ends handshakes: a page that sent nothing tries again.
        silent = [url for name, url in urls.items() if name not in site.web.asked]
        results |= browser.upload(silent, panel=panel)
        seen |= {(panel, name): (results[url], site.web.take(name)) for name, url in urls.items()}
    return seen


@pytest.fixture(scope="session")
def verdicts(site):
    """By case: the program's report, and its question. Panels are told apart in it."""

    def ask(panel, case):
        report = preflight(site.url(case.name), "--ca", str(site.pki.ca), "--panel", panel)
        return (panel, case.name), (report, site.web.take(case.name))

    seen = {}
    for panel in cases.PANELS:
        with ThreadPoolExecutor(2) as pool:
            seen |= dict(pool.map(lambda case, panel=panel: ask(panel, case), TABLE))
    return seen


@pytest.mark.parametrize("panel", cases.PANELS)
@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_browser(case, panel, browser, uploads):
    learnt, requests = uploads[panel, case.name]
    methods = [head.split(" ")[0] for head in requests]
    assert set(methods[:-1]) <= {"OPTIONS"}, methods
    assert "OPTIONS" in methods, "nothing was asked at all"
    sent = methods[-1] == "PUT"
    assert learnt == ("status 204" if sent else "error")
    assert sent == case.sends(browser.name, panel)


@pytest.mark.parametrize("panel", cases.PANELS)
@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_program(case, panel, verdicts):
    report, _ = verdicts[panel, case.name]
    rule = report["failure"] and report["failure"]["rule"]
    kind = report["unreachable"] and report["unreachable"]["kind"]
    assert (report["verdict"], rule, kind) == (case.verdict(panel), case.rules[panel], case.unknown), report


@pytest.mark.parametrize("asking", cases.PANELS)
def test_the_program_says_what_each_panel_would_get(asking, verdicts):
    for case in TABLE:
        report, _ = verdicts[asking, case.name]
        for panel in cases.PANELS:
            would = report["panels"][panel]
            expected = (case.verdict(panel), None if case.unknown else case.rules[panel])
            assert (would["verdict"], would["rule"]) == expected, (case.name, panel)


@pytest.mark.parametrize("panel", cases.PANELS)
def test_the_question_is_the_browsers(panel, uploads, verdicts):
    _, (browsers_head, *_) = uploads[panel, "origin-exact"]
    _, (programs_head, *_) = verdicts[panel, "origin-exact"]
    for name in ASKED:
        assert web.header(browsers_head, name) == web.header(programs_head, name) != None, name  # noqa: E711


def test_the_program_is_as_strict_as_the_stricter_browser():
    for panel in cases.PANELS:
        exceptions = [case.name for case in TABLE if case.verdict(panel) == "granted" and case.differs[panel]]
        assert exceptions == ["wire-chunked-wrong"]
    for case in TABLE:
        assert all(set(differs) < {"chromium", "firefox"} for differs in case.differs.values()), case.name

"""Each answer to the upload itself: whether the page may read it, as the table of uploads says."""

import cases
import pytest

TABLE = cases.load_uploads()
PATHS = {
    "angular": "/v2/images/4ba0d5c4-8c5d-4f0e-9d3c-333333333333/file",
    "django": "/v2/images/4ba0d5c4-8c5d-4f0e-9d3c-444444444444/file",
}


@pytest.fixture(scope="session")
def uploads(browser, site):
    """By panel and case: what the page learnt, and the methods that reached the server."""
    seen = {}
    for panel in cases.PANELS:
        urls = {case.name: site.own(case.name) + PATHS[panel] for case in TABLE}
        results = browser.upload(list(urls.values()), panel=panel)
        silent = [url for name, url in urls.items() if name not in site.web.asked]
        results |= browser.upload(silent, panel=panel)
        for name, url in urls.items():
            methods = [head.split(" ")[0] for head in site.web.take(name)]
            seen[panel, name] = (results[url], methods)
    return seen


@pytest.mark.parametrize("panel", cases.PANELS)
@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_page_reads_what_the_table_says(case, panel, uploads):
    learnt, methods = uploads[panel, case.name]
    assert "PUT" in methods, "the preflight is granted: the upload reaches the server in any case"
    assert learnt == (f"status {case.status}" if panel in case.reads else "error")

"""The browser's own recording of each upload that fails, and what `explain` makes of it.

DUO_RECORDINGS=FOLDER also keeps those of KEPT there: crates/check/tests/fixtures/har is made so.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import cases
import pytest
import recorder
import test_transport
import web
import yaml
from conftest import OPERATOR
from pki import HOST

ANSWERS = {case.name: case for case in cases.load()}
UPLOADS = {case.name: case for case in cases.load_uploads()}
# Which rule a whole upload shows; a probe has no token and asks more.
TOLD = yaml.safe_load((cases.TABLE.parent / "upload/answers.yaml").read_text())
PATHS = {
    "angular": "/v2/images/4ba0d5c4-8c5d-4f0e-9d3c-555555555555/file",
    "django": "/v2/images/4ba0d5c4-8c5d-4f0e-9d3c-666666666666/file",
}
SECRETS = ["gAAAAAB-token", "csrf-secret", "image-data", "session-cookie", "image-metadata"]
# Before the upload the panel makes the image.
METADATA = """
const [panel, done] = arguments;
document.cookie = "sessionid=session-cookie";
const asked = { headers: { "X-CSRFToken": "csrf-secret" }, body: "image-metadata" };
if (panel === "django") fetch("/project/images/create/", { method: "POST", ...asked }).then(() => done(), () => done());
else fetch("/api/glance/images/", { method: "PUT", ...asked }).then(() => done(), () => done());
"""
# What decides before any answer: the rule, where there is one.
BEFORE = {"mixed": "DU009", "no-such-name": {"chromium": "DU010"}, "https-to-http": None, "csp": "DU013"}
# One of each kind, for crates/check/tests/fixtures/har.
KEPT = """
origin-exact-angular origin-none-angular origin-trailing-slash-angular origin-twice-angular origin-any-django
methods-lower-case-angular headers-one-missing-angular credentials-none-django status-302-angular status-401-angular
status-405-angular status-503-angular put-glance-angular put-stripped-angular put-doubled-angular put-body-limit-angular
put-no-backend-angular put-too-slow-angular put-login-page-angular put-rate-limit-angular wire-nothing-angular
tls-expired-angular tls-other-name-angular tls-unknown-authority-angular tls-client-certificate-angular tls-tls-1-1-angular
mixed-angular no-such-name-angular https-to-http-angular csp-angular wire-control-in-origin-angular
""".split()


@dataclass
class Recording:
    """`form`: `sanitized` without Cookie and Authorization, else `full`."""

    form: str
    har: dict
    sent: bool
    learnt: str


def record(browser, site, urls: dict[str, str], panel: str, page: str = cases.ORIGIN) -> dict:
    """Uploads with the network log open. By name."""
    opened = getattr(recorder, browser.name.capitalize())(browser.driver)
    kept, left = {}, list(urls)
    rounds = 0
    try:
        # A log with hundreds of requests takes the exporters long.
        while left:
            some = {name: urls[name] for name in left[:25]}
            for name in some:
                kept.pop(name, None)
            browser.driver.get(page)
            browser.driver.execute_async_script(METADATA, panel)
            learnt = browser.driver.execute_async_script("uploads(...arguments)", list(some.values()), panel)
            for form in ["sanitized", "full"] if browser.name == "chromium" else ["full"]:
                har = opened.har(form == "sanitized")
                for name, url in some.items():
                    sent = any(head.startswith("PUT ") for head in site.web.asked.get(name, []))
                    kept.setdefault(name, []).append(Recording(form, recorder.of(har, url), sent, learnt[url]))
            # On a busy machine connections break, and the tools miss answers: once more, as a person does.
            again = [name for name in some if is_broken(kept[name][-1].har, site.web.take(name))]
            rounds += len(again) > 0
            left = left[25:] + (again if rounds < 12 else [])
    finally:
        opened.close()
    return kept


def is_broken(har: dict, heads: list[str]) -> bool:
    """The network went away, or an answer that was sent is not in the recording."""
    entries = [entry for entry in har["log"]["entries"] if "/v2/images/" in entry["request"]["url"]]
    answered = {entry["request"]["method"] for entry in entries if entry["response"]["status"]}
    changed = any("NETWORK_CHANGED" in (entry["response"].get("_error") or "") for entry in entries)
    return changed or not {head.split(" ")[0] for head in heads} <= answered


def where(site, name: str) -> str:
    """What redirects must lead from where they lead to."""
    return site.url(name) if name.startswith("status-30") else site.own(name)


@pytest.fixture(scope="session")
def recordings(browser, site):
    """By case and panel."""
    made = {}
    for panel in cases.PANELS:
        urls = {name: where(site, name) + PATHS[panel] for name in [*ANSWERS, *UPLOADS]}
        made |= {(name, panel): kept for name, kept in record(browser, site, urls, panel).items()}
    urls = {}
    for name, case in test_transport.TLS.items():
        context = web.context(case.certificates(site.pki), site.pki.key)
        case.manners(context, site.pki)
        site.web.answers[f"tls-{name}"] = test_transport.GRANT
        urls[f"tls-{name}"] = f"https://{HOST}:{site.web.listen(context)}/tls-{name}"
    site.web.answers["mixed"] = test_transport.GRANT
    urls["mixed"] = f"http://{HOST}:{site.plain}/mixed"
    urls["no-such-name"] = "https://glance.invalid:9292"
    urls["https-to-http"] = f"https://{HOST}:{site.plain}/none"
    urls = {name: url + PATHS["angular"] for name, url in urls.items()}
    made |= {(name, "angular"): kept for name, kept in record(browser, site, urls, "angular").items()}
    csp = {"csp": site.own("origin-exact") + PATHS["angular"].replace("5", "7")}
    made["csp", "angular"] = record(browser, site, csp, "angular", f"{cases.ORIGIN}/csp")["csp"]
    if folder := os.environ.get("DUO_RECORDINGS"):
        keep(made, Path(folder), browser.name)
    return made


def keep(made: dict, folder: Path, browser: str):
    folder.mkdir(parents=True, exist_ok=True)
    for name, panel in made:
        if f"{name}-{panel}" in KEPT:
            har = made[name, panel][-1].har
            (folder / f"{browser}-{name}-{panel}.har").write_text(json.dumps(har) + "\n")


def explain(recording: Recording, folder: Path) -> tuple[int, str | None, str]:
    """The exit code, the rule that the program names, and what it says."""
    file = folder / "upload.har"
    file.write_text(json.dumps(recording.har))
    done = subprocess.run([OPERATOR, "explain", file], capture_output=True, text=True, timeout=60)
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS), done.stdout
    found = re.search(r"^rule: (DU\d{3})", done.stdout, re.MULTILINE)
    return done.returncode, found and found[1], done.stdout + done.stderr


@pytest.mark.parametrize("panel", cases.PANELS)
@pytest.mark.parametrize("name", ANSWERS)
def test_preflight(name, panel, recordings, tmp_path):
    case = ANSWERS[name]
    for recording in recordings[name, panel]:
        code, rule, said = explain(recording, tmp_path)
        assert code == (0 if recording.sent else 1), said
        # What never was an answer to the browser tells nothing of the server's.
        read = any(e["request"]["method"] == "OPTIONS" and e["response"]["status"] for e in recording.har["log"]["entries"])
        if recording.sent or (case.rules[panel] and read):
            assert rule == (None if recording.sent else case.rules[panel]), said


@pytest.mark.parametrize("panel", cases.PANELS)
@pytest.mark.parametrize("name", UPLOADS)
def test_upload(name, panel, recordings, tmp_path):
    case = TOLD[name.removeprefix("put-")]
    case = case | case.get("django", {}) if panel == "django" else case
    for recording in recordings[name, panel]:
        code, rule, said = explain(recording, tmp_path)
        went_through = recording.learnt == "status 204"
        assert code == (0 if went_through else 1), said
        assert rule == (None if went_through or case.get("verdict") == "unknown" else case.get("rule")), said


@pytest.mark.parametrize("name", test_transport.TLS)
def test_tls(name, recordings, tmp_path):
    for recording in recordings[f"tls-{name}", "angular"]:
        code, rule, said = explain(recording, tmp_path)
        assert (code, rule) == (0 if recording.sent else 1, None), said
        assert recording.sent or "certificate" in said.split("\n")[0] or "TLS" in said.split("\n")[0], said


@pytest.mark.parametrize("name", BEFORE)
def test_before_any_answer(name, browser, recordings, tmp_path):
    for recording in recordings[name, "angular"]:
        expected = BEFORE[name].get(browser.name) if isinstance(BEFORE[name], dict) else BEFORE[name]
        code, rule, said = explain(recording, tmp_path)
        assert (code, rule) == (1, expected), said

"""What decides before any answer is read: TLS, mixed content, names, the same origin."""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import cases
import pytest
import web
from conftest import Site, preflight
from pki import HOST

GRANT = next(case for case in cases.load() if case.name == "origin-exact").answer
PATH = "/v2/images/4ba0d5c4-8c5d-4f0e-9d3c-111111111111/file"


@dataclass
class Tls:
    """A server's certificates, or its manners; and what is to come of it."""

    certificates: Callable
    verdict: str = "unknown"
    kind: str | None = "certificate"
    said: str = ""
    manners: Callable = lambda context, pki: None
    differs: dict = field(default_factory=dict)


def wants_certificate(context, pki):
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pki.ca)


def wants_certificate_by_1_2(context, pki):
    wants_certificate(context, pki)
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def by_1_1(context, _):
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1


def no_such_name(context, _):
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def only_1_2(context, _):
    context.maximum_version = ssl.TLSVersion.TLSv1_2


SAN = f"subjectAltName=DNS:{HOST}"
TLS = {
    "valid": Tls(lambda pki: pki.issue("valid"), "granted", None),
    "valid-1-2": Tls(lambda pki: pki.issue("valid-1-2"), "granted", None, manners=only_1_2),
    "wildcard": Tls(lambda pki: pki.issue("wildcard", extensions="subjectAltName=DNS:*.example.com"), "granted", None),
    "among-names": Tls(lambda pki: pki.issue("names", extensions=f"subjectAltName=DNS:x.example,DNS:{HOST}"), "granted", None),
    "with-intermediate": Tls(lambda pki: pki.chain("full", pki.issue("leaf", by="intermediate"), pki.intermediate), "granted", None),
    "self-signed-given": Tls(lambda pki: pki.trusted, said="Firefox", differs={"chromium": "granted"}),
    "self-signed-given-no-ca": Tls(lambda pki: pki.trusted_leaf, said="signed by itself", differs={"firefox": "granted"}),
    "expired": Tls(lambda pki: pki.issue("expired", days=-1), said="expired"),
    "other-name": Tls(lambda pki: pki.issue("other", extensions="subjectAltName=DNS:other.example.com"), said="not for the name"),
    "deeper-wildcard": Tls(lambda pki: pki.issue("deeper", extensions="subjectAltName=DNS:*.glance.example.com"), said="not for the name"),
    "common-name-only": Tls(lambda pki: pki.issue("common", subject=HOST, extensions="basicConstraints=CA:FALSE"), said="not for the name"),
    "unknown-authority": Tls(lambda pki: pki.issue("unknown", by="unknown-ca"), said="does not know its issuer"),
    "self-signed-unknown": Tls(lambda pki: pki.self_signed("stranger", "stranger", "-addext", SAN)),
    "missing-intermediate": Tls(lambda pki: pki.issue("alone", by="intermediate"), said="does not know its issuer"),
    "for-clients-only": Tls(lambda pki: pki.issue("client", extensions=f"{SAN}\nextendedKeyUsage=clientAuth")),
    "key-may-not-sign": Tls(lambda pki: pki.issue("enciphers", extensions=f"{SAN}\nkeyUsage=keyEncipherment"), said="digitalSignature", differs={"firefox": "granted"}),
    "marked-as-ca": Tls(lambda pki: pki.issue("marked", extensions=f"{SAN}\nbasicConstraints=CA:TRUE"), said="CA:TRUE", differs={"chromium": "granted"}),
    "intermediate-may-not-issue": Tls(
        lambda pki: pki.chain("may-not", pki.issue("may-not-leaf", by="may-not-issue"), pki.may_not_issue), said="keyCertSign"
    ),
    "ca-expired": Tls(lambda pki: pki.issue("by-expired", by="ca-expired"), said="expired"),
    "ca-not-marked": Tls(lambda pki: pki.issue("by-not-marked", by="ca-not-marked"), said="CA:TRUE", differs={"chromium": "granted"}),
    "ca-may-not-issue": Tls(lambda pki: pki.issue("by-may-not", by="ca-may-not-issue"), said="keyCertSign"),
    "ca-for-clients": Tls(lambda pki: pki.issue("by-clients", by="ca-for-clients"), said="serverAuth"),
    "ca-path-length": Tls(lambda pki: pki.chain("long", pki.issue("long-leaf", by="long-between"), pki.long_between), said="pathlen:0"),
    "ca-path-length-kept": Tls(lambda pki: pki.issue("short-leaf", by="ca-path-length"), "granted", None),
    "client-certificate": Tls(lambda pki: pki.issue("asks"), kind="tls", said="client certificate", manners=wants_certificate),
    "client-certificate-1-2": Tls(lambda pki: pki.issue("asks-1-2"), kind="tls", manners=wants_certificate_by_1_2),
    "tls-1-1": Tls(lambda pki: pki.issue("old"), kind="tls", manners=by_1_1),
    "unrecognized-name": Tls(lambda pki: pki.issue("nameless"), kind="tls", manners=no_such_name),
}


@pytest.fixture(scope="session")
def servers(site):
    """Glance's URL, by case of TLS."""
    urls = {}
    for name, case in TLS.items():
        context = web.context(case.certificates(site.pki), site.pki.key)
        case.manners(context, site.pki)
        site.web.answers[f"tls-{name}"] = GRANT
        urls[name] = f"https://{HOST}:{site.web.listen(context)}/tls-{name}"
    return urls


@pytest.fixture(scope="session")
def sent(browser, servers, site):
    """By case, what the page learnt, and whether the upload reached the server."""
    learnt = browser.upload([url + PATH for url in servers.values()])
    return {name: (learnt[url + PATH], arrived(site, f"tls-{name}")) for name, url in servers.items()}


def arrived(site: Site, case: str) -> bool:
    return any(head.startswith("PUT ") for head in site.web.take(case))


@pytest.mark.parametrize("name", TLS)
def test_tls_of_a_browser(name, browser, sent):
    expected = TLS[name].differs.get(browser.name, TLS[name].verdict)
    assert sent[name] == (("status 204", True) if expected == "granted" else ("error", False))


@pytest.mark.parametrize("name", TLS)
def test_tls_of_the_program(name, servers, site):
    case = TLS[name]
    authorities = site.pki.chain("authorities", *site.pki.given)
    report = preflight(servers[name], "--ca", str(authorities))
    kind = report["unreachable"] and report["unreachable"]["kind"]
    assert (report["verdict"], kind) == (case.verdict, case.kind), report
    assert case.said in json.dumps(report["unreachable"])


def program(url: str, origin: str = cases.ORIGIN, *more: str) -> tuple[str, str | None, str | None]:
    report = preflight(url, *more, origin=origin)
    return (
        report["verdict"],
        report["failure"] and report["failure"]["rule"],
        report["unreachable"] and report["unreachable"]["kind"],
    )


def test_mixed_content(browser, site):
    """An https page asks nothing of an http URL."""
    site.web.answers["mixed"] = GRANT
    url = f"http://{HOST}:{site.plain}/mixed"
    assert browser.upload([url + PATH]) == {url + PATH: "error"}
    assert site.web.take("mixed") == []
    assert program(url) == ("refused", "DU009", None)
    assert site.web.take("mixed") == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_page_by_http(browser, site, scheme):
    """No mixed content: an http page may ask an http and an https URL."""
    page = f"http://horizon.example.com:{site.plain}"
    case = f"from-{scheme}"
    site.web.answers[case] = GRANT.replace(cases.ORIGIN.encode(), page.encode())
    url = f"http://{HOST}:{site.plain}/{case}" if scheme == "http" else site.url(case)
    browser.upload([url + PATH], page)
    assert arrived(site, case)
    assert program(url, page, "--ca", str(site.pki.ca)) == ("granted", None, None)


def test_the_same_origin_is_not_asked(browser, site):
    """The browser sends no preflight, so that no answer to one can forbid the upload."""
    page = f"https://horizon.example.com:{site.page}"
    case = f"same-{browser.name}"
    site.web.answers[case] = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"
    url = f"{page}/{case}"
    assert browser.upload([url + PATH], page) == {url + PATH: "status 204"}
    assert [head.split(" ")[0] for head in site.web.take(case)] == ["PUT"]
    # The program asks the upload itself: what takes one without a token is not Glance.
    assert program(url, page, "--ca", str(site.pki.ca)) == ("refused", "DU011", None)
    site.web.uploads[case] = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Keystone uri="x"\r\nContent-Length: 0\r\n\r\n'
    assert program(url, page, "--ca", str(site.pki.ca)) == ("granted", None, None)


def test_the_same_host_by_another_port_is_asked(browser, site):
    site.web.answers["port"] = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"
    url = f"https://horizon.example.com:{site.page}/port"
    assert browser.upload([url + PATH]) == {url + PATH: "error"}
    assert not arrived(site, "port")
    assert program(url, cases.ORIGIN, "--ca", str(site.pki.ca)) == ("refused", "DU020", None)


@pytest.mark.parametrize(("host", "kinds"), [("glance.invalid:9292", ["resolve", "timeout"]), (f"{HOST}:2", ["connect"])])
def test_nobody_there(browser, host, kinds):
    """RFC 6761: the first name never exists; where no name server answers, the time is up first."""
    url = f"https://{host}"
    assert browser.upload([url + PATH]) == {url + PATH: "error"}
    verdict, _, kind = program(url)
    assert verdict == "unknown"
    assert kind in kinds


def test_https_to_a_port_that_speaks_http(browser, site):
    url = f"https://{HOST}:{site.plain}/none"
    assert browser.upload([url + PATH]) == {url + PATH: "error"}
    assert program(url) == ("unknown", None, "tls")


def test_http_to_a_port_that_speaks_https(browser, site):
    page = f"http://horizon.example.com:{site.plain}"
    url = f"http://{HOST}:{site.glance}/none"
    assert browser.upload([url + PATH], page) == {url + PATH: "error"}
    assert program(url, page) == ("unknown", None, "http")

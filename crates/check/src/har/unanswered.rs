//! What a browser's own error name means for a request without an answer.
//!
//! Chromium's names come from net/base/net_error_list.h. Firefox records none.

use direct_upload_api::Rule;
use direct_upload_api::web::Endpoint;

use super::recording::Entry;

/// What happened, the rule where one explains it, and what to do.
pub struct Cause {
    pub verdict: String,
    pub rule: Option<Rule>,
    pub fix: &'static str,
}

impl Cause {
    pub fn new(rule: impl Into<Option<Rule>>, verdict: impl Into<String>, fix: &'static str) -> Self {
        Self { verdict: verdict.into(), rule: rule.into(), fix }
    }
}

const RULE: &str = "see the rule's page for where to change it";

/// What the browser itself kept the page from.
pub fn blocked(error: &str) -> Option<Cause> {
    let error = error.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if has(&["csp", "content_security"]) {
        Some(Cause::new(Rule::Csp, "the page's Content-Security-Policy kept the browser from Glance", RULE))
    } else if has(&["mixed"]) {
        Some(Cause::new(
            Rule::MixedContent,
            "the browser blocked an http request of an https page (mixed content)",
            RULE,
        ))
    } else if has(&["local_network", "private_network", "insecure_private"]) {
        Some(Cause::new(
            Rule::LocalNetwork,
            "the browser did not let the page reach Glance's less public address",
            RULE,
        ))
    } else if has(&["blocked_by_client"]) {
        Some(Cause::new(
            None,
            "an extension of the browser, such as an ad blocker, blocked the upload",
            "upload once more in a private window without extensions",
        ))
    } else if has(&["err_aborted"]) {
        Some(Cause::new(
            None,
            "the page ended the upload itself: it was closed, reloaded or left, or the user cancelled",
            "upload once more, and stay on the page until the upload ends",
        ))
    } else if has(&["upload_file_changed", "file_not_found", "access_denied"]) {
        Some(Cause::new(
            None,
            "the browser could not read the file to the end: it was changed, moved or locked meanwhile",
            "upload a file that no program writes to",
        ))
    } else if has(&["internet_disconnected", "network_changed", "network_io_suspended"]) {
        Some(Cause::new(
            None,
            "the browser's own network went away during the upload",
            "upload once more, by a connection that lasts",
        ))
    } else {
        None
    }
}

/// Why nobody answered a preflight, or an upload of the same origin.
pub fn cause(entry: &Entry, endpoint: &Endpoint) -> Cause {
    let error = entry.error().trim_start_matches("net::");
    let at = endpoint.origin();
    let is = |words: &[&str]| words.iter().any(|word| error.contains(word));
    let told = |what: &str| format!("{what} ({error})");
    if is(&["ERR_CERT_"]) {
        let why = match error {
            "ERR_CERT_DATE_INVALID" => "it has expired, or is not valid yet",
            "ERR_CERT_COMMON_NAME_INVALID" => "it is for another name",
            "ERR_CERT_AUTHORITY_INVALID" => {
                "its issuer is unknown to the browser, or the server does not send the intermediate certificate"
            }
            "ERR_CERT_REVOKED" => "it was revoked",
            _ => "it is not valid for a web server",
        };
        return Cause::new(
            None,
            told(&format!("the browser does not trust the certificate of {at}: {why}")),
            "give Glance's public URL a certificate that users' browsers trust, with its whole chain; a click on a warning in another tab lasts for one browser only",
        );
    }
    if is(&["CLIENT_AUTH", "CLIENT_CERT"]) {
        return Cause::new(
            None,
            told(&format!("{at} wants a client certificate, which browsers never send with a preflight")),
            "let the server before Glance ask for none: verification of clients off, or optional",
        );
    }
    if is(&["ERR_SSL_", "SOCKET_NOT_CONNECTED"]) {
        return Cause::new(
            None,
            told(&format!("no TLS connection to {at} came about")),
            "see that this port speaks https, not http, with TLS 1.2 or newer, and knows the name; then the endpoint in the catalog",
        );
    }
    if is(&["NAME_NOT_RESOLVED"]) {
        return Cause::new(
            Rule::NotPublic,
            told(&format!("the browser's machine cannot resolve the name in {at}")),
            "publish a name in the catalog that users' name servers know",
        );
    }
    if is(&["CONNECTION_REFUSED", "ADDRESS_UNREACHABLE", "TIMED_OUT", "UNSAFE_PORT", "CONNECTION_FAILED"]) {
        return Cause::new(
            Rule::NotPublic,
            told(&format!("the browser's machine gets no connection to {at}")),
            "see that the public endpoint's address and port are open to users, in firewalls and security groups, too",
        );
    }
    if is(&["EMPTY_RESPONSE", "CONNECTION_RESET", "CONNECTION_CLOSED", "CONNECTION_ABORTED"]) {
        return Cause::new(
            None,
            told(&format!("{at} took the request and closed the connection without an answer")),
            if at.is_https() {
                "look for a rule before Glance that drops OPTIONS (nginx return 444, HAProxy silent-drop), and at the log of what stands there"
            } else {
                "see whether this port speaks https, and the catalog says http; then look for a rule before Glance that drops OPTIONS"
            },
        );
    }
    if is(&["UNEXPECTED_PROXY_AUTH"]) {
        return Cause::new(
            Rule::OptionsFiltered,
            told(&format!(
                "something before Glance answered the preflight to {at} with 407: it asks for Proxy-Authorization"
            )),
            "let OPTIONS and PUT on /v2/images/ pass without that login: Glance checks the token itself",
        );
    }
    if is(&["PROXY", "TUNNEL"]) {
        return Cause::new(
            None,
            told(&format!("a proxy stands between the browser and {at}, and did not answer as one")),
            "see the browser's proxy settings",
        );
    }
    if is(&["INVALID_HTTP_RESPONSE", "RESPONSE_HEADERS", "HTTP2_PROTOCOL", "QUIC", "INVALID_CHUNKED", "CONTENT_LENGTH"])
    {
        return Cause::new(
            None,
            told(&format!("{at} answered with what is no HTTP to the browser")),
            "see what listens there, and whether the catalog's scheme and port are right",
        );
    }
    if entry.is_tls_broken() {
        return Cause::new(
            None,
            format!(
                "no TLS connection to {at} came about: the browser does not trust its certificate, or the two have no version in common"
            ),
            "open Glance's public URL in the same browser: it says what is wrong with the certificate, or that the port does not speak https",
        );
    }
    let said = if error.is_empty() { "this recording does not say why".to_owned() } else { error.to_owned() };
    Cause::new(
        None,
        format!("the browser got no answer from {at} ({said})"),
        "open Glance's public URL in the same browser: where it does not show Glance's list of versions, the name, the port or a firewall is wrong (DU010)",
    )
}

/// Why an upload that its preflight granted ended without an answer.
pub fn cut(entry: &Entry) -> Cause {
    let seconds = entry.seconds();
    let error = entry.error();
    let said = if error.is_empty() { "the browser does not say why" } else { error };
    if seconds >= 10.0 {
        let verdict =
            format!("the upload ended after {seconds:.0} s without an answer that the page may read ({said})");
        return Cause::new(
            Rule::TooSlow,
            verdict,
            "a time-out or a body limit before Glance ends requests so: raise the one, lift the other",
        );
    }
    if error.is_empty() && seconds < 1.0 {
        return Cause::new(
            None,
            "the preflight was granted, and the recording has no answer to the upload: it was saved before the upload ended, or the connection ended at once",
            "record again, and save the log when the page says that the upload failed",
        );
    }
    if error.contains("ERR_FAILED") {
        return Cause::new(
            Rule::CorsOnTheWay,
            format!("the preflight was granted, and the page was not let read the upload's own answer ({said})"),
            "let what stands before Glance pass its CORS headers on for PUT as it does for OPTIONS",
        );
    }
    Cause::new(
        Rule::BodyLimit,
        format!("the connection ended {seconds:.0} s after the upload began, without an answer ({said})"),
        "a body limit that closes the connection looks so (client_max_body_size, LimitRequestBody); then a crash of Glance or of what stands before it: see their logs",
    )
}

//! What a browser's own error name means for a request without an answer.
//!
//! Chromium's names come from net/base/net_error_list.h. Firefox records none.

use direct_upload_api::Rule;
use direct_upload_api::web::{Endpoint, Origin};

use super::recording::Entry;

/// What happened, the rule where one explains it, and what to do.
pub struct Cause {
    pub verdict: String,
    pub rule: Option<Rule>,
    pub fix: String,
}

impl Cause {
    pub fn new(rule: impl Into<Option<Rule>>, verdict: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: verdict.into(), rule: rule.into(), fix: fix.into() }
    }
}

const RULE: &str = "the rule's page says where to change it";

/// Faults for which the browser itself blocked the request.
pub fn blocked(error: &str) -> Option<Cause> {
    let error = error.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if has(&["csp", "content_security"]) {
        Some(Cause::new(Rule::Csp, "the page's Content-Security-Policy blocked the request to Glance", RULE))
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
            "upload again in a private window without extensions",
        ))
    } else if has(&["err_aborted"]) {
        Some(Cause::new(
            None,
            "the page ended the upload itself: it was closed, reloaded or left, or the user cancelled",
            "upload again, and stay on the page until the upload ends",
        ))
    } else if has(&["upload_file_changed", "file_not_found", "access_denied"]) {
        Some(Cause::new(
            None,
            "the browser could not read the whole file: it was changed, moved or locked during the upload",
            "upload a file that no other program changes",
        ))
    } else if has(&["internet_disconnected", "network_changed", "network_io_suspended"]) {
        Some(Cause::new(None, "the browser lost its network during the upload", "upload again on a stable network"))
    } else {
        None
    }
}

/// Why nobody answered a preflight, or an upload of the same origin.
pub fn cause(entry: &Entry, endpoint: &Endpoint) -> Cause {
    let at = endpoint.origin();
    let failed = Failed { error: entry.error().trim_start_matches("net::"), at };
    if let Some(cause) = failed.in_tls().or_else(|| failed.in_connection()).or_else(|| failed.in_http()) {
        return cause;
    }
    if entry.is_tls_broken() {
        return Cause::new(
            None,
            format!(
                "the TLS connection to {at} failed: the browser does not trust its certificate, or they share no TLS version"
            ),
            "open Glance's public URL in the same browser: it says what is wrong with the certificate, or that the port does not use https",
        );
    }
    silent(at, failed.error)
}

/// A request without an answer, and the browser's name for why.
struct Failed<'a> {
    error: &'a str,
    at: &'a Origin,
}

impl Failed<'_> {
    fn is(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.error.contains(word))
    }

    fn told(&self, what: &str) -> String {
        format!("{what} ({})", self.error)
    }

    /// The certificate, or TLS.
    fn in_tls(&self) -> Option<Cause> {
        let at = self.at;
        if self.is(&["ERR_CERT_"]) {
            return Some(Cause::new(
                None,
                self.told(&format!("the browser does not trust the certificate of {at}: {}", distrust(self.error))),
                "give Glance's public URL a certificate that users' browsers trust, with its whole chain; accepting the warning in another tab helps only in that browser",
            ));
        }
        if self.is(&["CLIENT_AUTH", "CLIENT_CERT"]) {
            return Some(Cause::new(
                None,
                self.told(&format!("{at} requires a client certificate, which browsers never send with a preflight")),
                "in the server in front of Glance, set the verification of clients to off or optional",
            ));
        }
        if self.is(&["ERR_SSL_", "SOCKET_NOT_CONNECTED"]) {
            return Some(Cause::new(
                None,
                self.told(&format!("the TLS connection to {at} failed")),
                "check that this port uses https, not http, with TLS 1.2 or newer, and knows the name; then check the endpoint in the catalog",
            ));
        }
        None
    }

    /// The name, the address, or what listens there.
    fn in_connection(&self) -> Option<Cause> {
        let at = self.at;
        if self.is(&["NAME_NOT_RESOLVED"]) {
            return Some(Cause::new(
                Rule::NotPublic,
                self.told(&format!("the browser's machine cannot resolve the name in {at}")),
                "publish a name in the catalog that users' name servers know",
            ));
        }
        if self.is(&["CONNECTION_REFUSED", "ADDRESS_UNREACHABLE", "TIMED_OUT", "UNSAFE_PORT", "CONNECTION_FAILED"]) {
            return Some(Cause::new(
                Rule::NotPublic,
                self.told(&format!("the browser's machine cannot connect to {at}")),
                "check that users can reach the public endpoint's address and port, also through firewalls and security groups",
            ));
        }
        if self.is(&["EMPTY_RESPONSE", "CONNECTION_RESET", "CONNECTION_CLOSED", "CONNECTION_ABORTED"]) {
            return Some(Cause::new(
                None,
                self.told(&format!("{at} accepted the request and closed the connection without an answer")),
                if at.is_https() {
                    "look for a rule in front of Glance that drops OPTIONS (nginx return 444, HAProxy silent-drop), and read the log of that server"
                } else {
                    "check whether this port uses https while the catalog says http; then look for a rule in front of Glance that drops OPTIONS"
                },
            ));
        }
        None
    }

    /// A proxy, or an answer that is not HTTP.
    fn in_http(&self) -> Option<Cause> {
        let at = self.at;
        if self.is(&["UNEXPECTED_PROXY_AUTH"]) {
            return Some(Cause::new(
                Rule::OptionsFiltered,
                self.told(&format!(
                    "something in front of Glance answered the preflight to {at} with 407: it requires Proxy-Authorization"
                )),
                "let OPTIONS and PUT on /v2/images/ pass without that login: Glance checks the token itself",
            ));
        }
        if self.is(&["PROXY", "TUNNEL"]) {
            return Some(Cause::new(
                None,
                self.told(&format!("a proxy between the browser and {at} did not answer correctly")),
                "check the browser's proxy settings",
            ));
        }
        if self.is(&[
            "INVALID_HTTP_RESPONSE",
            "RESPONSE_HEADERS",
            "HTTP2_PROTOCOL",
            "QUIC",
            "INVALID_CHUNKED",
            "CONTENT_LENGTH",
        ]) {
            return Some(Cause::new(
                None,
                self.told(&format!("the browser does not understand the answer of {at} as HTTP")),
                "check what listens there, and whether the catalog's scheme and port are right",
            ));
        }
        None
    }
}

/// Why browsers do not trust a certificate.
fn distrust(error: &str) -> &'static str {
    match error {
        "ERR_CERT_DATE_INVALID" => "it has expired, or is not valid yet",
        "ERR_CERT_COMMON_NAME_INVALID" => "it is for another name",
        "ERR_CERT_AUTHORITY_INVALID" => {
            "its issuer is unknown to the browser, or the server does not send the intermediate certificate"
        }
        "ERR_CERT_REVOKED" => "it was revoked",
        _ => "it is not valid for a web server",
    }
}

/// No answer, and the browser does not say more.
fn silent(at: &Origin, error: &str) -> Cause {
    let said = if error.is_empty() { "this recording does not say why".to_owned() } else { error.to_owned() };
    Cause::new(
        None,
        format!("the browser got no answer from {at} ({said})"),
        format!(
            "open Glance's public URL in the same browser; if it does not show Glance's list of versions, the name, the port or a firewall is wrong ({})",
            Rule::NotPublic
        ),
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
            "a timeout or a body limit in front of Glance ends requests in this way: raise the timeout, remove the limit",
        );
    }
    if error.is_empty() && seconds < 1.0 {
        return Cause::new(
            None,
            "the preflight was granted, but the network log has no answer to the upload: it was saved before the upload ended, or the connection ended immediately",
            "record again, and save the log when the page says that the upload failed",
        );
    }
    if error.contains("ERR_FAILED") {
        return Cause::new(
            Rule::CorsOnTheWay,
            format!(
                "the preflight was granted, but the browser did not let the page read the answer to the upload ({said})"
            ),
            "let the server in front of Glance forward Glance's CORS headers for PUT as it does for OPTIONS",
        );
    }
    Cause::new(
        Rule::BodyLimit,
        format!("the connection ended {seconds:.0} s after the start of the upload, without an answer ({said})"),
        "a body limit may close the connection (client_max_body_size, LimitRequestBody), and so does a crash of Glance or of a server in front of it: read their logs",
    )
}

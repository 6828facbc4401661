//! Would a page's call of an API be let through? The question of one call, and the browser's decision. Pure.
//!
//! As [`super::cors`] for uploads (Fetch §4.8), for any service, method and headers. A page may send each of the
//! service's methods; GET, HEAD and POST need no place in the list (§2.2.1), their headers do.

use direct_upload_api::Rule;
use direct_upload_api::web::{Endpoint, Origin};

use super::browser::{is_loopback, preflight_headers};
use super::cors::{is_ok, is_safelisted, origin_allowed};
use super::explain::{grants_something, signature};
use super::failure::{Failure, Requirement};
use super::headers::{
    ALLOW_CREDENTIALS, ALLOW_HEADERS, ALLOW_METHODS, ALLOW_ORIGIN, Extracted, extract, get, received,
};
use super::preflight::{HttpRequest, blocked_port};
use super::response::Response;
use crate::model::{ApiCall, ProbeAnswer};
use crate::openstack::upload::Credentials;
use crate::openstack::{SWIFT, swift};

/// The preflight of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPreflight {
    pub origin: Origin,
    pub endpoint: Endpoint,
    /// Whose API it is.
    pub service: &'static str,
    pub method: &'static str,
    pub headers: Vec<String>,
    pub credentials: Credentials,
}

/// What a page needs that the answer does not give.
type Unmet = (Requirement, Rule, String, String);

impl CallPreflight {
    /// All headers with a method that is always allowed, then each method that must be listed.
    pub fn of(origin: &Origin, endpoint: &Endpoint, call: &ApiCall) -> Vec<Self> {
        let credentials = if call.credentials { Credentials::Include } else { Credentials::SameOrigin };
        let (origin, endpoint, service) = (origin.clone(), endpoint.clone(), call.service);
        let first = Self { origin, endpoint, service, method: "GET", headers: call.headers.clone(), credentials };
        let listed = call.methods.iter().filter(|method| !is_safelisted(method));
        let token = || vec!["x-auth-token".to_owned()];
        let methods = listed.map(|method| Self { method, headers: token(), ..first.clone() }).collect::<Vec<_>>();
        std::iter::once(first).chain(methods).collect()
    }

    /// The same question with fewer headers, to find out which one the filter refuses.
    #[must_use]
    pub fn with(&self, headers: Vec<String>) -> Self {
        Self { headers, ..self.clone() }
    }

    /// What is sent.
    pub fn request(&self) -> HttpRequest {
        let path = match self.endpoint.path() {
            path if self.is_swift() => swift::preflight_path(path),
            "" => "/".to_owned(),
            path => path.to_owned(),
        };
        let mut lines = vec![("Accept", "*/*".to_owned()), ("Access-Control-Request-Method", self.method.to_owned())];
        if !self.headers.is_empty() {
            lines.push(("Access-Control-Request-Headers", self.headers.join(",")));
        }
        lines.extend(preflight_headers(&self.origin, self.endpoint.origin()));
        HttpRequest { method: "OPTIONS", path, lines }
    }

    /// What makes the call fail whatever the answer would be. `redirected`: somebody said which address stands for
    /// the host, so its name does not count.
    pub fn objection(&self, redirected: bool) -> Option<Failure> {
        let (url, service) = (self.endpoint.origin(), self.service);
        if self.origin.is_https() && !url.is_https() && !is_loopback(url) {
            let message = format!("mixed content: the page is https and {service} is http; the browser sends nothing");
            let fix = format!("serve {service} over https, and put that URL into the Keystone catalog");
            return Some(failure((Requirement::SecureContext, Rule::MixedContent, message, fix), self.url()));
        }
        let why = url.unreachable().filter(|_| !redirected);
        let why = why.map(|why| format!("{} is {why}; a browser elsewhere cannot reach it", url.host()));
        let message = blocked_port(&self.endpoint).or(why)?;
        let fix = "put a URL that browsers reach into the Keystone catalog and into spec.publicURL".to_owned();
        Some(failure((Requirement::Reachable, Rule::NotPublic, message, fix), self.url()))
    }

    /// Judges an answer.
    pub fn judge(&self, answer: &Response) -> ProbeAnswer {
        match self.refusal(answer) {
            Some(refusal) => {
                let shown = match refusal.0 {
                    Requirement::AllowCredentials => received(&answer.headers, ALLOW_CREDENTIALS),
                    Requirement::AllowMethods => received(&answer.headers, ALLOW_METHODS),
                    Requirement::AllowHeaders => received(&answer.headers, ALLOW_HEADERS),
                    _ => format!("status {}{}", answer.status, signature(answer)),
                };
                ProbeAnswer::Refused(failure(refusal, shown).into())
            }
            None if get(&answer.headers, ALLOW_ORIGIN).as_deref() == Some("*") => {
                ProbeAnswer::Granted(vec![format!("`*` lets every web site call {}; list the origins", self.service)])
            }
            None => ProbeAnswer::Granted(Vec::new()),
        }
    }

    /// Whether the filter refused without any header, so that a smaller question can show the cause.
    pub fn is_silent(&self, answer: &Response) -> bool {
        is_ok(answer.status) && get(&answer.headers, ALLOW_ORIGIN).is_none()
    }

    /// The verdict if the question without these headers was granted.
    pub fn lacking(&self, names: &[String], answer: &Response) -> ProbeAnswer {
        let refusal = self.headers_missing(&names.join(", "));
        ProbeAnswer::Refused(failure(refusal, received(&answer.headers, ALLOW_HEADERS)).into())
    }

    /// The first check of a browser that the answer does not pass (Fetch §4.8, CORS-preflight fetch).
    fn refusal(&self, answer: &Response) -> Option<Unmet> {
        self.status_refused(answer)
            .or_else(|| self.other_origin(answer))
            .or_else(|| self.no_credentials(answer))
            .or_else(|| self.method_missing(answer))
            .or_else(|| self.header_missing(answer))
    }

    fn status_refused(&self, answer: &Response) -> Option<Unmet> {
        let (service, from) = (self.service, signature(answer));
        match answer.status {
            status if is_ok(status) => None,
            // Swift's own word for an origin or a method that it does not know.
            401 if self.is_swift() && is_of_swift(answer) => Some(self.origin_refused(answer)),
            status @ (401 | 403 | 405 | 407 | 501) => {
                let message = format!(
                    "a login or method filter{from} answered the preflight with {status}; a preflight never has a token"
                );
                let fix = if self.is_swift() {
                    "let OPTIONS reach Swift's proxy; [filter:authtoken] of its pipeline needs delay_auth_decision = true"
                        .to_owned()
                } else {
                    format!("let OPTIONS reach {service}, whose CORS filter comes before its token check")
                };
                Some((Requirement::Status, Rule::OptionsFiltered, message, fix))
            }
            _ => {
                let message = format!(
                    "the answer{from} is not from {service}'s CORS filter, which answers each OPTIONS with 200"
                );
                let fix =
                    format!("check where the URL leads, and whether {service} runs; browsers follow no redirect here");
                Some((Requirement::Status, Rule::CorsOnTheWay, message, fix))
            }
        }
    }

    fn other_origin(&self, answer: &Response) -> Option<Unmet> {
        let is_allowed = origin_allowed(&self.origin, self.credentials, &answer.headers);
        (!is_allowed).then(|| self.origin_refused(answer))
    }

    fn no_credentials(&self, answer: &Response) -> Option<Unmet> {
        let allows = get(&answer.headers, ALLOW_CREDENTIALS).is_some_and(|value| value == "true");
        if self.credentials != Credentials::Include || allows {
            return None;
        }
        let message =
            "the dashboard's pages send cookies, and browsers then require Access-Control-Allow-Credentials: true";
        let fix = if self.is_swift() {
            "send X-Auth-Token without cookies, and remove withCredentials: Swift never allows credentials"
        } else {
            "set spec.cors.allowCredentials: true, or withCredentials: false if its pages send no cookies"
        };
        Some((Requirement::AllowCredentials, Rule::NoCredentials, message.into(), fix.into()))
    }

    fn method_missing(&self, answer: &Response) -> Option<Unmet> {
        let Self { service, method, .. } = self;
        let lists = match extract(&answer.headers, ALLOW_METHODS) {
            Extracted::Values(listed) => is_safelisted(method) || listed.contains(method) || self.is_wild(&listed),
            Extracted::Null => is_safelisted(method),
            Extracted::Failure(_) => false,
        };
        if lists {
            return None;
        }
        let from = signature(answer);
        let message = format!("the answer does not allow the method {method}");
        let fix = format!(
            "a server between browser and {service} gave this answer{from}: list {method} there, or better let {service} answer"
        );
        Some((Requirement::AllowMethods, Rule::MethodMissing, message, fix))
    }

    fn header_missing(&self, answer: &Response) -> Option<Unmet> {
        let missing: Vec<_> = match extract(&answer.headers, ALLOW_HEADERS) {
            Extracted::Values(listed) if self.is_wild(&listed) => Vec::new(),
            Extracted::Values(listed) => self
                .headers
                .iter()
                .filter(|name| !listed.iter().any(|l| l.eq_ignore_ascii_case(name)))
                .cloned()
                .collect(),
            Extracted::Null | Extracted::Failure(_) => self.headers.clone(),
        };
        (!missing.is_empty()).then(|| self.headers_missing(&missing.join(", ")))
    }

    /// Whether a list allows everything: `*` does, unless the page sends cookies.
    fn is_wild(&self, listed: &[&str]) -> bool {
        self.credentials == Credentials::SameOrigin && listed.contains(&"*")
    }

    fn headers_missing(&self, names: &str) -> Unmet {
        let message = format!("{} may call {}, but not with the header {names}", self.origin, self.service);
        let fix = format!(
            "add {names} to spec.cors.allowHeaders, or to the server that answers preflights instead of {}",
            self.service
        );
        (Requirement::AllowHeaders, Rule::HeaderMissing, message, fix)
    }

    fn is_swift(&self) -> bool {
        self.service == SWIFT.name
    }

    fn origin_refused(&self, answer: &Response) -> Unmet {
        let Self { origin, service, method, .. } = self;
        let from = signature(answer);
        if self.is_swift() && !grants_something(answer) {
            return (
                Requirement::AllowOrigin,
                Rule::OriginMissing,
                format!("Swift's proxy does not know {origin}: cors_allow_origin does not have it"),
                "check that the proxy is started with the folder of the operator's file (docs/openstackapi.md), and that no `set cors_allow_origin` and no later file overrides it".into(),
            );
        }
        match get(&answer.headers, ALLOW_ORIGIN) {
            // Below the filter a program may answer OPTIONS itself, as Flask does for Keystone: with 200 and `Allow`.
            None if !grants_something(answer) => (
                Requirement::AllowOrigin,
                Rule::OriginMissing,
                format!(
                    "the answer{from} has no CORS headers for {origin}: {service}'s CORS filter leaves them out if the origin, {method} or a header is not allowed"
                ),
                format!(
                    "check that {service} reads the file (docs/openstackapi.md), that no later file replaces [cors], and that no server in front of it answers OPTIONS itself"
                ),
            ),
            None => (
                Requirement::AllowOrigin,
                Rule::CorsOnTheWay,
                format!("a server in front of the API{from} answers preflights and does not know {origin}"),
                format!("let OPTIONS reach {service}, or add the origin there, too"),
            ),
            Some(value) if value == "*" => (
                Requirement::AllowOrigin,
                Rule::AnyOrigin,
                "the dashboard's pages send cookies, and browsers then do not accept `*`".into(),
                format!("list {origin} instead of `*`"),
            ),
            Some(_) => (
                Requirement::AllowOrigin,
                Rule::CorsOnTheWay,
                format!(
                    "the answer names an origin other than {origin}, or several; {service} answers with the requesting origin, so a server in front of it{from} writes its own"
                ),
                format!("remove that header there, so that only {service} answers"),
            ),
        }
    }

    fn url(&self) -> String {
        format!("public URL {}", self.endpoint)
    }
}

/// Whether Swift's proxy itself gave the answer (`swift/common/swob.py`, `_resp_www_authenticate`).
fn is_of_swift(answer: &Response) -> bool {
    get(&answer.headers, "www-authenticate").is_some_and(|value| value.starts_with("Swift realm="))
}

fn failure((requirement, rule, message, fix): Unmet, received: String) -> Failure {
    Failure { requirement, rule, also: Vec::new(), received, message, fix }
}

//! What the dashboard's own page shows: is it a Horizon, and does its Content-Security-Policy allow it to
//! connect to Glance? Pure.
//!
//! In: the answer to a GET of the dashboard's address, after redirects within its origin, and the start of
//! its body. Out: a [`PartVerdict`]. A login of another program, a redirect elsewhere or a missing answer
//! mean nothing. A missing dashboard is a failure only if the origin is a guess.

use direct_upload_api::Rule;
use direct_upload_api::web::Origin;

use super::csp::{self, ConnectSources};
use super::explain::signature;
use super::failure::{Failure, Requirement};
use super::headers::{get, shown};
use super::outcome::PartVerdict;
use super::preflight::{Preflight, Request, agent};
use super::response::Response;
use super::unreachable::{Unreachable, UnreachableKind};
use crate::model::Page;

/// How many redirects to follow.
pub const REDIRECTS: usize = 4;

/// How much of a page to read.
pub const MOST: usize = 64 * 1024;

/// The final answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageWire {
    /// An answer, and the start of its body as text.
    Response(Response, String),
    /// A redirect to another origin.
    Elsewhere(String),
    /// No answer.
    Failed(Unreachable),
}

/// The request for a page.
pub fn request(path: &str) -> Request {
    let path = if path.is_empty() { "/" } else { path };
    let lines = vec![("Accept", "text/html,*/*;q=0.8".to_owned()), agent()];
    Request { method: "GET", path: path.to_owned(), lines }
}

/// Where a redirect leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// To this path of the same origin.
    Within(String),
    /// To another origin.
    Elsewhere(String),
}

/// Where an answer to the request for `path` redirects, if it does.
pub fn redirect(origin: &Origin, path: &str, answer: &Response) -> Option<Redirect> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let base = url::Url::parse(&format!("{origin}{}", if path.is_empty() { "/" } else { path })).ok()?;
    let target = base.join(&get(&answer.headers, "Location")?).ok()?;
    if target.origin() == base.origin() {
        let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
        return Some(Redirect::Within(format!("{}{query}", target.path())));
    }
    Some(Redirect::Elsewhere(target.origin().ascii_serialization()))
}

/// Judges the final answer.
pub fn judge(asked: &Preflight, page: &Page, wire: &PageWire) -> PartVerdict {
    let (answer, body) = match wire {
        PageWire::Response(answer, body) => (answer, body),
        PageWire::Elsewhere(origin) => {
            return unknown(format!("{} leads to {}, perhaps to single sign-on", asked.origin, shown(origin)));
        }
        // No server listens there. It is unknown whether the operator's own network is the cause.
        PageWire::Failed(why) if page.assumed && why.kind == UnreachableKind::Connect => {
            return missing(asked, &why.message);
        }
        PageWire::Failed(why) => return PartVerdict::Unknown(why.clone()),
    };
    if let Some(blocked) = blocked(asked, answer) {
        return PartVerdict::Refused(Box::new(blocked));
    }
    let code = answer.status;
    let from = signature(answer);
    let body = body.to_ascii_lowercase();
    let is_horizon = body.contains("horizon") || (body.contains("csrfmiddlewaretoken") && body.contains("password"));
    match code {
        200..=299 if is_horizon => PartVerdict::Passed(vec![]),
        200..=299 if body.contains("<form") || body.contains("<script") || body.contains("password") => {
            unknown(format!("a page{from} answers at {}, but it is not recognised as Horizon's", asked.origin))
        }
        200..=300 if body.trim().is_empty() => unknown(format!("an empty page{from} is at {}", asked.origin)),
        200..=300 | 404 | 410 | 421 if page.assumed => missing(asked, &format!("status {code}{from}, and no Horizon")),
        _ => unknown(format!("{} answers with status {code}{from}, which does not show Horizon's page", asked.origin)),
    }
}

fn unknown(message: String) -> PartVerdict {
    let fix =
        "open the dashboard in a browser once, and look there for a Content-Security-Policy (its console shows it)";
    PartVerdict::Unknown(Unreachable::new(UnreachableKind::Unclear, message, fix))
}

/// The guess is wrong.
fn missing(asked: &Preflight, why: &str) -> PartVerdict {
    PartVerdict::Refused(Box::new(Failure {
        requirement: Requirement::Dashboard,
        rule: Rule::OriginForm,
        also: vec![],
        received: shown(why),
        message: format!(
            "no dashboard is at {}, whose port is a guess: browsers come from another origin, which Glance does not accept",
            asked.origin
        ),
        fix: "set spec.publicURL of the Horizon to the URL that browsers use, with its port".into(),
    }))
}

/// The first policy that blocks the page from Glance.
fn blocked(asked: &Preflight, answer: &Response) -> Option<Failure> {
    blocked_by(&csp::enforced(&answer.headers), asked)
}

/// The first policy that does not allow the page to connect to Glance.
pub(crate) fn blocked_by(policies: &[ConnectSources], asked: &Preflight) -> Option<Failure> {
    let policy = policies.iter().find(|policy| !policy.admits(&asked.origin, &asked.endpoint))?;
    let sources = if policy.sources.is_empty() { "'none'".to_owned() } else { policy.sources.join(" ") };
    let (directive, glance) = (&policy.directive, asked.endpoint.origin());
    Some(Failure {
        requirement: Requirement::ContentSecurityPolicy,
        rule: Rule::Csp,
        also: vec![],
        received: shown(&format!("Content-Security-Policy: {directive} {sources}")),
        message: format!(
            "the dashboard's Content-Security-Policy does not let its page connect to {glance}; the browser sends nothing"
        ),
        fix: format!("add {glance} to {directive}, where the dashboard or a proxy in front of it sets the header"),
    })
}

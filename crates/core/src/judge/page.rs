//! What the dashboard's own page shows: is it a Horizon, and does its Content-Security-Policy allow it to
//! connect to Glance? Pure.
//!
//! In: the answer to a GET of the dashboard's address, after redirects within its origin, and the start of
//! its body. Out: a [`CheckVerdict`]. A login of another program, a redirect elsewhere or a missing answer
//! mean nothing. A missing dashboard is a failure only if the origin is a guess.

use direct_upload_api::Rule;
use direct_upload_api::web::Origin;

use super::browser::{Fetch, agent, hints};
use super::check_verdict::CheckVerdict;
use super::csp::{self, ConnectSources, Restriction};
use super::explain::signature;
use super::failure::{Failure, Requirement};
use super::headers::{get, lines, shown};
use super::html::head;
use super::preflight::{HttpRequest, Preflight};
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

/// The result for the dashboard's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOutcome {
    /// The last request: redirects are followed.
    pub request: HttpRequest,
    pub wire: PageWire,
    pub verdict: CheckVerdict,
}

impl PageOutcome {
    /// Whether something else than Horizon answered in its place, such as a login, that browsers may have passed.
    pub fn is_gate(&self) -> bool {
        let answered = match &self.wire {
            PageWire::Elsewhere(_) => true,
            PageWire::Response(answer, _) => answer.status < 500 && answer.status != 404,
            // Too many redirects, for example.
            PageWire::Failed(why) => why.kind == UnreachableKind::Unclear,
        };
        answered && matches!(self.verdict, CheckVerdict::Unknown(_))
    }
}

/// The request for a page, as Chromium sends it if a person opens that address.
pub fn request(origin: &Origin, path: &str) -> HttpRequest {
    const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
    let path = if path.is_empty() { "/" } else { path };
    let mut lines = hints(origin);
    lines.extend([("Upgrade-Insecure-Requests", "1".to_owned()), agent(), ("Accept", ACCEPT.to_owned())]);
    lines.extend(Fetch::Page.metadata(origin).into_iter().map(|(name, value)| (name, value.to_owned())));
    lines.push(("Accept-Language", "en-US,en;q=0.9".to_owned()));
    HttpRequest { method: "GET", path: path.to_owned(), lines }
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

/// Whether the page's requests to Glance name it in `Referer`. The last policy that browsers know counts (Referrer
/// Policy §4.1, §8.1); a `meta` element in the page's head replaces it.
pub fn refers(asked: &Preflight, wire: &PageWire) -> bool {
    const KNOWN: &[&str] = &[
        "no-referrer",
        "no-referrer-when-downgrade",
        "same-origin",
        "origin",
        "strict-origin",
        "origin-when-cross-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    ];
    // Of old, and in pages only (HTML §4.2.5.1, "referrer").
    const LEGACY: [(&str, &str); 4] = [
        ("never", "no-referrer"),
        ("default", "strict-origin-when-cross-origin"),
        ("always", "unsafe-url"),
        ("origin-when-crossorigin", "origin-when-cross-origin"),
    ];
    let PageWire::Response(answer, body) = wire else { return true };
    let today =
        |policy: String| LEGACY.iter().find(|(old, _)| *old == policy).map_or(policy, |(_, new)| (*new).to_owned());
    let in_page = head(body)
        .into_iter()
        .filter(|tag| tag.starts("meta") && tag.get("name").is_some_and(|name| name.eq_ignore_ascii_case("referrer")));
    let in_page = in_page.filter_map(|tag| Some(today(tag.get("content")?.trim().to_ascii_lowercase())));
    let in_header = lines(&answer.headers, "Referrer-Policy").flat_map(|line| line.split(','));
    let all = in_header.map(|policy| policy.trim().to_ascii_lowercase()).chain(in_page);
    let policy = all.filter(|policy| KNOWN.contains(&policy.as_str())).last();
    policy.is_none_or(|policy| match policy.as_str() {
        "same-origin" => asked.same_origin(),
        other => other != "no-referrer",
    })
}

/// Whether Chromium takes the page for one of a public address, whatever its own is (Private Network Access §3.2,
/// `treat-as-public-address`; measured in Chromium 156: in a header only).
pub fn is_treated_as_public(wire: &PageWire) -> bool {
    matches!(wire, PageWire::Response(answer, _) if csp::treats_as_public(&answer.headers))
}

/// Judges the final answer.
pub fn judge(asked: &Preflight, page: &Page, wire: &PageWire) -> CheckVerdict {
    let (answer, body) = match wire {
        PageWire::Response(answer, body) => (answer, body),
        PageWire::Elsewhere(origin) if *origin == secure(&asked.origin) => {
            let to = secure(&asked.origin);
            return CheckVerdict::Refused(Box::new(Failure {
                requirement: Requirement::Dashboard,
                rule: Rule::OriginForm,
                also: vec![],
                received: format!("a redirect to {to}"),
                message: format!(
                    "{} redirects to {to}: browsers load the dashboard from there, and send that as Origin",
                    asked.origin
                ),
                fix: format!("set spec.publicURL of the Horizon to {to}, so that Glance accepts this origin"),
            }));
        }
        PageWire::Elsewhere(origin) => {
            return unknown(format!("{} leads to {}, perhaps to single sign-on", asked.origin, shown(origin)));
        }
        // No server listens there. It is unknown whether the operator's own network is the cause.
        PageWire::Failed(why) if page.assumed && why.kind == UnreachableKind::Connect => {
            return missing(asked, &why.message);
        }
        PageWire::Failed(why) => return CheckVerdict::Unknown(why.clone()),
    };
    let code = answer.status;
    let from = signature(answer);
    let policies = || [csp::enforced(&answer.headers), csp::enforced_by_page(&head(&without_nul(body)))].concat();
    let body = body.to_ascii_lowercase();
    let is_horizon = body.contains("horizon") || (body.contains("csrfmiddlewaretoken") && body.contains("password"));
    match code {
        // The policy of another program's page is not the dashboard's.
        200..=299 if is_horizon => match blocked_by(&policies(), asked).or_else(|| not_listed(answer, asked)) {
            Some(blocked) => CheckVerdict::Refused(Box::new(blocked)),
            None => CheckVerdict::Passed(vec![]),
        },
        200..=299 if body.contains("<form") || body.contains("<script") || body.contains("password") => {
            unknown(format!("a page{from} answers at {}, but it is not recognised as Horizon's", asked.origin))
        }
        200..=300 if body.trim().is_empty() => unknown(format!("an empty page{from} is at {}", asked.origin)),
        200..=300 | 404 | 410 | 421 if page.assumed => missing(asked, &format!("status {code}{from}, and no Horizon")),
        _ => unknown(format!("{} answers with status {code}{from}, which does not show Horizon's page", asked.origin)),
    }
}

/// The parser drops NUL (HTML §13.2.6.4).
fn without_nul(body: &str) -> String {
    body.replace('\0', "")
}

/// Chromium connects only where the page's `Connection-Allowlist` allows it (WICG, Connection Allowlists). A pattern
/// with a wildcard may match.
fn not_listed(answer: &Response, asked: &Preflight) -> Option<Failure> {
    let glance = asked.endpoint.origin();
    let may_match = |list: &str| {
        let is_own = list.contains("response-origin") && asked.same_origin();
        let mut patterns = list.split('"').skip(1).step_by(2);
        is_own
            || patterns
                .any(|pattern| pattern.contains('*') || pattern.contains("/:") || pattern.contains(glance.host()))
    };
    let list = lines(&answer.headers, "Connection-Allowlist").find(|list| !may_match(list))?;
    Some(Failure {
        requirement: Requirement::ContentSecurityPolicy,
        rule: Rule::Csp,
        also: vec![],
        received: shown(&format!("Connection-Allowlist: {list}")),
        message: format!(
            "the dashboard's Connection-Allowlist does not let its page connect to {glance}; Chromium sends nothing"
        ),
        fix: format!("add \"{glance}\" to the list, where the dashboard or a proxy in front of it sets the header"),
    })
}

/// The same host by https, at its default port.
fn secure(origin: &Origin) -> String {
    Origin::from_parts(true, origin.host(), None).map(|secure| secure.to_string()).unwrap_or_default()
}

fn unknown(message: String) -> CheckVerdict {
    let fix =
        "open the dashboard in a browser once, and look there for a Content-Security-Policy (its console shows it)";
    CheckVerdict::Unknown(Unreachable::new(UnreachableKind::Unclear, message, fix))
}

/// The guess is wrong.
fn missing(asked: &Preflight, why: &str) -> CheckVerdict {
    CheckVerdict::Refused(Box::new(Failure {
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

/// The first restriction that keeps the page's upload from Glance.
pub(crate) fn blocked_by(policies: &[Restriction], asked: &Preflight) -> Option<Failure> {
    let restriction = policies.iter().find(|restriction| !restriction.admits(&asked.origin, &asked.endpoint))?;
    let glance = asked.endpoint.origin();
    let sets = "where the dashboard or a proxy in front of it sets the policy";
    let (received, message, fix) = match restriction {
        Restriction::Connections(ConnectSources { directive, sources }) => {
            let sources = if sources.is_empty() { "'none'".to_owned() } else { sources.join(" ") };
            (
                format!("{directive} {sources}"),
                format!("does not let its page connect to {glance}; the browser sends nothing"),
                format!("add {glance} to {directive}, {sets}"),
            )
        }
        Restriction::Opaque => (
            "sandbox".to_owned(),
            "puts its page into a sandbox: the browser sends Origin: null, which Glance does not accept".to_owned(),
            format!("add allow-same-origin to sandbox, or remove sandbox, {sets}"),
        ),
        Restriction::Scriptless => (
            "sandbox".to_owned(),
            "lets its page run no script, and a script sends the upload".to_owned(),
            format!("add allow-scripts to sandbox, or remove sandbox, {sets}"),
        ),
        Restriction::Upgrades => (
            "upgrade-insecure-requests".to_owned(),
            format!("makes the browser request https instead of {glance}"),
            format!(
                "serve Glance by https and put that URL into the Keystone catalog, or remove upgrade-insecure-requests, {sets}"
            ),
        ),
    };
    Some(Failure {
        requirement: Requirement::ContentSecurityPolicy,
        rule: Rule::Csp,
        also: vec![],
        received: shown(&format!("Content-Security-Policy: {received}")),
        message: format!("the dashboard's Content-Security-Policy {message}"),
        fix,
    })
}

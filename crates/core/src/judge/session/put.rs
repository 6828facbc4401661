//! What the answer to the data means, for the page and for the image. Pure.
//!
//! In: the answer ([`Wire`]) to the page's upload, with its token and all its data. Out: nothing, or why
//! the page reports a failed upload.

use direct_upload_api::Rule;

use super::Break;
use crate::judge::browser::request_headers;
use crate::judge::cors::{every, is_ok, readable};
use crate::judge::explain::signature;
use crate::judge::explain_status::{challenges, scheme};
use crate::judge::failure::Failure;
use crate::judge::headers::{ALLOW_ORIGIN, get, shown, starts_with};
use crate::judge::preflight::{HttpRequest, Preflight};
use crate::judge::response::Response;
use crate::judge::unreachable::UnreachableKind;
use crate::judge::upload::{Answerer, Wire, who};

/// The page's upload without its secrets: token, cookies and Horizon's own token.
pub fn request(asked: &Preflight, size: u64) -> HttpRequest {
    let mut lines = vec![
        ("Content-Length", size.to_string()),
        ("Accept", "*/*".to_owned()),
        ("Content-Type", "application/octet-stream".to_owned()),
    ];
    lines.extend(request_headers(&asked.origin, asked.endpoint.origin()));
    HttpRequest { method: asked.method(), path: asked.endpoint.upload_path(&asked.image), lines }
}

/// How much of the data was sent, and in what time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub sent: u64,
    pub size: u64,
    pub seconds: u64,
}

/// Judges Glance's answer.
///
/// # Errors
/// The page reports a failed upload.
pub fn judge(asked: &Preflight, wire: &Wire, progress: Progress) -> Result<(), Break> {
    let answer = match wire {
        Wire::Response(answer) => answer,
        Wire::Continue | Wire::Silence(_) | Wire::Failed(_) => return Err(unanswered(wire, progress, "Glance")),
    };
    let check =
        every(&asked.uploads, |upload| if asked.same_origin() { Ok(()) } else { readable(asked, upload, answer) });
    if !is_ok(answer.status) {
        return Err(refused(answer, progress));
    }
    // Glance's own 204 has text/html, too, without content.
    let is_page = get(&answer.headers, "Content-Type").is_some_and(|kind| starts_with(&kind, "text/html"));
    if is_page && answer.status != 204 && who(answer) != Answerer::Glance {
        return Err(Break::new(
            received(answer, progress),
            "a page, such as a login, answered the upload; Glance answers with 204 and no content",
            "let PUT on /v2/images/ pass the login or portal in front of Glance",
        )
        .by(&[Rule::OptionsFiltered, Rule::WrongEndpoint]));
    }
    check.map_err(|failure| unreadable(answer, failure))
}

/// Judges the answer for a file that goes through Horizon. The image shows whether it arrived.
///
/// # Errors
/// The page reports a failed upload.
pub fn judge_legacy(wire: &Wire, progress: Progress) -> Result<(), Break> {
    let answer = match wire {
        Wire::Response(answer) => answer,
        Wire::Continue | Wire::Silence(_) | Wire::Failed(_) => return Err(unanswered(wire, progress, "Horizon")),
    };
    let broken = |message: &str, fix: &str| Err(Break::new(received(answer, progress), message, fix));
    match answer.status {
        // The target of the Django panel's redirect shows what it means.
        200..=303 => Ok(()),
        413 | 411 => broken(
            "a body limit in front of Horizon refused the file",
            "lift the limit before Horizon: httpd LimitRequestBody (1 GiB by default), nginx client_max_body_size, ingress-nginx proxy-body-size; or let browsers upload straight to Glance",
        )
        .map_err(|broken| broken.by(&[Rule::BodyLimit])),
        408 | 504 | 522 | 524 => broken(
            "a timeout in front of Horizon ended the upload",
            "lengthen it (httpd RequestReadTimeout, Timeout; ingress-nginx proxy-read-timeout), or let browsers upload straight to Glance",
        )
        .map_err(|broken| broken.by(&[Rule::TooSlow])),
        401 | 403 => broken(
            "Horizon, or something in front of it, did not accept the upload",
            "look at CSRF_TRUSTED_ORIGINS of Horizon's settings, at a firewall for web applications in front of it, and at Horizon's log",
        ),
        _ => broken("Horizon, or a proxy in front of it, failed on the upload", "read Horizon's log, and check its disk: it stores files there first"),
    }
}

fn received(answer: &Response, progress: Progress) -> String {
    let challenge = challenges(answer).next().map(|c| format!(", WWW-Authenticate: {}", shown(scheme(c))));
    let sent = if progress.sent < progress.size {
        format!(", after {} of {} bytes", progress.sent, progress.size)
    } else {
        String::new()
    };
    format!("status {}{}{}{sent}", answer.status, signature(answer), challenge.unwrap_or_default())
}

/// Why a status is not from 200 to 299: the rules about it, the message, and what to do.
type Refusal = (&'static [Rule], String, &'static str);

/// Not a status from 200 to 299.
fn refused(answer: &Response, progress: Progress) -> Break {
    let (by_glance, from) = (who(answer) == Answerer::Glance, signature(answer));
    let status = answer.status;
    let own = if by_glance { refused_by_glance(status) } else { refused_in_front(status, &from) };
    let found = own.or_else(|| refused_anywhere(status, &from)).or_else(|| failed(status, by_glance, &from));
    let (rules, message, fix) = found.unwrap_or_else(|| {
        (
            &[Rule::CorsOnTheWay],
            format!("the upload was refused{from}"),
            "check what is in front of Glance, and read Glance's log",
        )
    });
    Break::new(received(answer, progress), message, fix).by(rules)
}

/// What only Glance means by a status.
fn refused_by_glance(status: u16) -> Option<Refusal> {
    let (message, fix) = match status {
        401 => (
            "Glance does not accept the token that Horizon gave the page",
            "look at [keystone_authtoken] of Glance and at its log: another Keystone or region than Horizon's, a clock that is wrong, a service_type with access rules",
        ),
        403 => (
            "Glance does not let this user upload",
            "look at the policy upload_image, at the user's roles, and at quotas",
        ),
        413 => (
            "Glance refuses the size: a quota, image_size_cap or the store's free space",
            "raise it: openstack registered limit, [DEFAULT] image_size_cap or user_storage_quota of Glance",
        ),
        409 => (
            "the image is in a state in which Glance accepts no data",
            "look at Glance's log; something else may have changed the image",
        ),
        400 | 415 | 422 => (
            "Glance refuses the data itself",
            "look at Glance's log: [image_format] require_image_format_match, an import plugin or a scanner may refuse random bytes",
        ),
        _ => return None,
    };
    Some((&[], message.to_owned(), fix))
}

/// What only something in front of Glance means by a status.
fn refused_in_front(status: u16, from: &str) -> Option<Refusal> {
    Some(match status {
        401 | 407 | 511 | 561 => (
            &[Rule::OptionsFiltered],
            format!(
                "a login in front of Glance{from} requires its own credentials; the upload has only Glance's token"
            ),
            "let PUT on /v2/images/ pass that login: Glance checks the token itself",
        ),
        411 | 413 => (
            &[Rule::BodyLimit],
            format!("a body limit in front of Glance{from} refused the upload"),
            "remove the limit in front of Glance: httpd LimitRequestBody 0, nginx client_max_body_size 0, ingress-nginx proxy-body-size \"0\"",
        ),
        _ => return None,
    })
}

/// What a status means, both of Glance and in front of it.
fn refused_anywhere(status: u16, from: &str) -> Option<Refusal> {
    Some(match status {
        403 | 405 | 451 | 501 => (
            &[Rule::OptionsFiltered],
            format!(
                "an access or method filter in front of Glance{from} refused the upload, although it lets OPTIONS pass"
            ),
            "let PUT on /v2/images/ pass as OPTIONS does, up to Glance",
        ),
        404 | 410 => (
            &[Rule::WrongEndpoint],
            format!(
                "the image is not there{from}: this is not the Glance in which it was created, or a proxy changes the path"
            ),
            "compare the public endpoint of service type image in the catalog with what is routed there, and with the region",
        ),
        408 | 504 | 522 | 524 => (
            &[Rule::TooSlow],
            format!("a timeout in front of Glance{from} ended the upload"),
            "lengthen it: httpd RequestReadTimeout and Timeout, nginx client_body_timeout and proxy_send_timeout, uWSGI harakiri, a route's timeouts",
        ),
        301..=308 => (
            &[Rule::WrongEndpoint, Rule::OptionsFiltered],
            format!("a redirect{from} answered the upload: Glance itself never redirects an upload"),
            "let PUT on /v2/images/ lead to Glance without a redirect",
        ),
        _ => return None,
    })
}

/// What the other errors of servers mean.
fn failed(status: u16, by_glance: bool, from: &str) -> Option<Refusal> {
    let found = if by_glance {
        (
            &[][..],
            "Glance failed to store the data".to_owned(),
            "check Glance's log and its store: free space, rights, credentials",
        )
    } else {
        (
            &[Rule::CorsOnTheWay][..],
            format!("a proxy{from} lost its connection to Glance during the upload, or has no route to Glance for PUT"),
            "check what is routed to Glance for PUT, whether its pods are ready, and Glance's log",
        )
    };
    (500..=599).contains(&status).then_some(found)
}

/// Glance has the data, but the page may not read its answer.
fn unreadable(answer: &Response, failure: Failure) -> Break {
    let from = signature(answer);
    let more =
        if get(&answer.headers, ALLOW_ORIGIN).is_some() { format!(" ({})", failure.message) } else { String::new() };
    let mut rules = vec![Rule::CorsOnTheWay];
    rules.extend([failure.rule].into_iter().chain(failure.also).filter(|rule| *rule != Rule::CorsOnTheWay));
    Break::new(
        format!("status {}{from}, {}", answer.status, failure.received),
        format!(
            "the server accepted the data, but the page may not read the answer, so it tells its user that the upload failed; the preflight was granted, so something in front of Glance removes CORS headers from the answer to PUT, or adds its own{more}"
        ),
        "find what changes CORS headers in front of Glance (httpd: `Header ... Access-Control-...`; nginx: add_header, proxy_hide_header; HAProxy: http-response set-header, del-header; an HTTPRoute's filters) and remove it, so that Glance's own CORS headers reach the browser unchanged",
    )
    .by(&rules)
}

/// No answer came: the data, or the answer, was cut.
fn unanswered(wire: &Wire, progress: Progress, to: &str) -> Break {
    let Progress { sent, size, seconds } = progress;
    let received = format!("{sent} of {size} bytes sent in {seconds} s");
    match wire {
        Wire::Failed(why) if why.kind != UnreachableKind::Http => {
            Break { received, ..Break::from(why.clone()) }
        }
        Wire::Failed(_) if sent < size => Break::new(
            received,
            format!("something in front of {to} cut the connection in the middle of the data"),
            format!(
                "check what is in front of {to}: a limit that counts bytes cuts at the same size again, a timeout after the same time (httpd RequestReadTimeout, nginx client_body_timeout, HAProxy timeout client, uWSGI harakiri, a route's timeouts)"
            ),
        )
        .by(&[Rule::TooSlow, Rule::BodyLimit]),
        Wire::Failed(why) => Break::new(
            format!("{received}; {}", why.message),
            format!("the connection ended without an answer once all data was sent to {to}"),
            format!("check the timeouts in front of {to} (it answers only when the data is stored), and its log"),
        )
        .by(&[Rule::TooSlow, Rule::CorsOnTheWay]),
        Wire::Response(_) | Wire::Continue | Wire::Silence(_) => {
            let data = if sent < size { "accepts no more data" } else { "has all data" };
            Break::new(
                received,
                format!("{to}, or a proxy in front of it, hangs: it {data}, and does not answer"),
                format!("check the log of {to} and of proxies in front of it, and the store"),
            )
            .by(&[Rule::TooSlow])
        }
    }
}

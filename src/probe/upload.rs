//! Two uploads without a token, after a granted preflight: within limits, without data, and closed
//! immediately. [`judge::upload`](direct_upload_core::judge::upload) decides what they mean.

use std::net::SocketAddr;
use std::time::Duration;

use direct_upload_core::judge::upload::Repeated;
use direct_upload_core::judge::{
    HttpRequest, PageOutcome, Preflight, PutOutcome, Unreachable, UploadVerdict, Wire, success, upload,
};
use tokio::time::{sleep, timeout};

use super::http::{Exchange, FirstResponse};
use super::request::{self, AFTER_LIMIT, Depth, Probe, Site};

/// How long the complete PUT may take, with its connection.
const COMPLETE: Duration = Duration::from_secs(10);

/// How long the announced PUT may take. A server that stores requests first never answers it.
const ANNOUNCED: Duration = Duration::from_secs(5);

/// The complete PUT, to the address that answered the preflight.
pub async fn complete(
    probe: &Probe,
    site: &Site,
    address: SocketAddr,
    asked: &Preflight,
    page: Option<&PageOutcome>,
) -> PutOutcome {
    let ask = async |request: &HttpRequest| exchange(probe, site, address, request, COMPLETE).await;
    let mut request = upload::complete(asked);
    let mut wire = ask(&request).await;
    let mut settled = None;
    if upload::is_worth_waiting(&wire) {
        sleep(AFTER_LIMIT).await;
        wire = ask(&request).await;
        if !upload::is_worth_waiting(&wire) {
            // Once more as a browser does: no pause between the two.
            sleep(AFTER_LIMIT).await;
            ask(&asked.request()).await;
            let after_preflight = ask(&request).await;
            if upload::is_worth_waiting(&after_preflight) {
                settled = Some(upload::limited(&after_preflight));
                wire = after_preflight;
            }
        }
    }
    if upload::is_worth_a_token(&wire) {
        let with_token = upload::with_token(asked);
        let answer = ask(&with_token).await;
        if upload::is_glances(&answer) {
            (request, wire) = (with_token, answer);
        } else {
            settled = upload::checks_tokens(&wire, &answer);
        }
    }
    let by_answer = upload::judge_complete(asked, &wire);
    if settled.is_none() && probe.depth == Depth::Panels {
        settled = repeat(probe, site, address, asked, &request, &by_answer).await;
    }
    if settled.is_none() && success::is_worth_asking(&wire, &by_answer) {
        let versions = ask(&success::request(asked)).await;
        let compares = success::is_worth_comparing(&by_answer);
        let refusal = if compares { Some(ask(&success::refused(asked)).await) } else { None };
        settled = success::judge(asked, &wire, &by_answer, &versions, refusal.as_ref());
    }
    let mut verdict = settled.clone().unwrap_or(by_answer);
    let mut with_cookies = page.and_then(|page| upload::has_passed_login(asked, &wire, page));
    if !matches!(verdict, UploadVerdict::Refused { .. }) {
        with_cookies = timeout(COMPLETE, share(probe, site, address, asked, &request)).await.ok().flatten();
    }
    if let Some(other) = &with_cookies {
        verdict = upload::stricter(asked, verdict, other);
    }
    PutOutcome { request, length: 0, wire, verdict, settled, with_cookies }
}

/// The PUT that announces this size. If its answer requires it, another one announces one byte.
pub async fn announced(probe: &Probe, site: &Site, address: SocketAddr, asked: &Preflight, bytes: u64) -> PutOutcome {
    let request = upload::announced(asked, bytes);
    let mut wire = exchange(probe, site, address, &request, ANNOUNCED).await;
    if upload::is_worth_waiting(&wire) {
        sleep(AFTER_LIMIT).await;
        wire = exchange(probe, site, address, &request, ANNOUNCED).await;
    }
    let verdict = if upload::is_worth_comparing(&wire) {
        let small = exchange(probe, site, address, &upload::announced(asked, 1), ANNOUNCED).await;
        upload::compare(bytes, &wire, &small)
    } else {
        upload::judge_announced(bytes, &wire)
    };
    PutOutcome { request, length: bytes, wire, verdict, settled: None, with_cookies: None }
}

/// The verdict if the same requests, repeated, have other results: several servers may take turns behind one address.
/// The order is such that each of two gets a preflight and a PUT. The operator comes again and again, and so meets each
/// of them without that; and firewalls count refused PUTs.
async fn repeat(
    probe: &Probe,
    site: &Site,
    address: SocketAddr,
    asked: &Preflight,
    request: &HttpRequest,
    first: &UploadVerdict,
) -> Option<UploadVerdict> {
    let is_refused = matches!(first, UploadVerdict::Refused { .. });
    for is_put in [true, false, false, true] {
        if !is_put && is_refused {
            continue;
        }
        // Each is about another image, because some servers take turns by path.
        let next = Preflight { image: uuid::Uuid::new_v4().to_string(), ..asked.clone() };
        let path = next.request().path;
        let repeated = if is_put { HttpRequest { path, ..request.clone() } } else { next.request() };
        let wire = exchange(probe, site, address, &repeated, COMPLETE).await;
        let other = match &wire {
            _ if is_put => upload::differs(&next, first, &Repeated::Put(&wire)),
            Wire::Response(answer) => upload::differs(&next, first, &Repeated::Preflight(answer)),
            _ => None,
        };
        if other.is_some() {
            return other;
        }
    }
    None
}

/// Another verdict on the complete PUT, if the announced one contradicts it.
pub(super) async fn by_size(
    probe: &Probe,
    site: &Site,
    address: SocketAddr,
    asked: &Preflight,
    complete: &PutOutcome,
    announced: &PutOutcome,
) -> Option<UploadVerdict> {
    let ask = async |request: &HttpRequest| exchange(probe, site, address, request, COMPLETE).await;
    if upload::may_filter_tokens(&complete.verdict, &announced.wire) {
        let (with, without) = (upload::with_token(asked), upload::complete(asked));
        let verdict = upload::refuses_tokens(asked, &ask(&with).await, &ask(&with).await)?;
        // A limit of requests would refuse this one, too.
        return upload::is_glances(&ask(&without).await).then_some(verdict);
    }
    if let Some(verdict) = upload::outweighed(complete, announced) {
        // Servers that take turns may have answered in two ways.
        return (!upload::is_glances(&ask(&complete.request).await)).then_some(verdict);
    }
    upload::unreadable_with_token(asked, &complete.verdict, &announced.wire)?;
    let again = exchange(probe, site, address, &announced.request, ANNOUNCED).await;
    upload::unreadable_with_token(asked, &complete.verdict, &again)
}

/// The verdict on the PUT if browsers send it on their connection to the dashboard, and it fails there.
async fn share(
    probe: &Probe,
    site: &Site,
    address: SocketAddr,
    asked: &Preflight,
    request: &HttpRequest,
) -> Option<UploadVerdict> {
    let dashboard = probe.site(&asked.origin);
    let is_other = dashboard.host.port == site.host.port && dashboard.host.name != site.host.name;
    let is_direct = probe.proxy(&dashboard).is_none() && probe.proxy(site).is_none();
    if !(is_other && is_direct && upload::may_share(asked)) {
        return None;
    }
    if !request::addresses(probe, &dashboard).await.is_ok_and(|addresses| addresses.contains(&address)) {
        return None;
    }
    let mut exchange = Exchange::share(&dashboard, probe, site, address, request).await.ok()??;
    let response = exchange.response().await.ok()?;
    upload::judge_shared(asked, &response)
}

async fn exchange(probe: &Probe, site: &Site, address: SocketAddr, request: &HttpRequest, bound: Duration) -> Wire {
    match timeout(bound, send(probe, site, address, request)).await {
        Ok(Ok(wire)) => wire,
        Ok(Err(why)) => Wire::Failed(why),
        Err(_) => Wire::Silence(bound.as_secs()),
    }
}

async fn send(probe: &Probe, site: &Site, address: SocketAddr, asked: &HttpRequest) -> Result<Wire, Unreachable> {
    let mut exchange = Exchange::send(probe, site, &[address], asked).await?;
    Ok(match exchange.answer().await? {
        FirstResponse::Response(response) => Wire::Response(response),
        FirstResponse::Continue => Wire::Continue,
    })
}

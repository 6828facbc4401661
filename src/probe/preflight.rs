//! One preflight over the network, or its replacement if browsers send none, within limits: no redirects,
//! no body, no excluded address, and ten seconds. Then, on request, the dashboard's page ([`super::page`])
//! and the uploads without a token ([`super::upload`]).

use std::net::SocketAddr;

use direct_upload_api::{Panel, Rule};
use direct_upload_core::judge::{
    Failure, Preflight, PreflightOutcome, PreflightVerdict, ProbeResult, PutOutcome, Response, Unreachable, Wire,
    diagnose, is_limit, judge, may_be_login, mixed, same_origin,
};
use direct_upload_core::model::{Advice, Page};
use tokio::time::{sleep, timeout};

use super::host::Host;
use super::http::exchange;
use super::page;
use super::request::{AFTER_LIMIT, Depth, Probe, Site, TOTAL, addresses, late};
use super::upload;

/// Sends the requests and judges the answers.
pub async fn probe(probe: &Probe) -> ProbeResult {
    // The image does not exist. The id need not be unguessable.
    let image = uuid::Uuid::new_v4().to_string();
    let asked = Preflight::upload(probe.origin.clone(), probe.endpoint.clone(), image, probe.panel);
    let glance = probe.site(probe.endpoint.origin());
    let preflight = preflight(probe, &asked).await;
    let mut observed =
        ProbeResult { asked, preflight, put: None, size: None, page: None, addresses: None, panels: vec![] };
    if let Some(page) = &probe.page {
        past_login(probe, &mut observed, page).await;
    }
    if probe.depth == Depth::Panels {
        observed.panels = panels(probe, &glance, &observed.asked, &observed.preflight).await;
    }
    let PreflightOutcome::Judged { address, verdict, .. } = &observed.preflight else { return observed };
    if !verdict.granted() || probe.depth == Depth::Preflight {
        return observed;
    }
    let address = *address;
    if let Some(page) = &probe.page
        && observed.page.is_none()
    {
        let page = page::ask(probe, &observed.asked, page).await;
        observed.asked.refers = direct_upload_core::judge::page::refers(&observed.asked, &page.wire);
        observed.page = Some(page);
    }
    if probe.address_spaces {
        observed.addresses = Some(page::addresses(probe, &glance, observed.page.as_ref()).await);
    }
    if let Some(uploads) = probe.uploads {
        if !observed.asked.same_origin() {
            let page = observed.page.as_ref();
            observed.put = Some(upload::complete(probe, &glance, address, &observed.asked, page).await);
        }
        let size = upload::announced(probe, &glance, address, &observed.asked, uploads.size).await;
        if let Some(put) = &mut observed.put
            && let Some(verdict) = upload::by_size(probe, &glance, address, &observed.asked, put, &size).await
        {
            (put.settled, put.verdict) = (Some(verdict.clone()), verdict);
        }
        observed.size = Some(size);
    }
    observed
}

/// Of the same origin, a login that browsers have passed may have answered the upload. The dashboard's page decides:
/// if it is Horizon's own, there is no such login.
async fn past_login(probe: &Probe, observed: &mut ProbeResult, page: &Page) {
    let PreflightOutcome::Judged { answer, verdict, .. } = &mut observed.preflight else { return };
    if verdict.granted() || !observed.asked.same_origin() || !may_be_login(answer) {
        return;
    }
    let page = page::ask(probe, &observed.asked, page).await;
    if let Some(unknown) = same_origin::behind_login(answer, &page) {
        **verdict = PreflightVerdict { failure: None, advice: vec![] };
        observed.put = Some(PutOutcome {
            request: observed.asked.request(),
            length: 0,
            wire: Wire::Response(answer.clone()),
            verdict: unknown.clone(),
            settled: Some(unknown),
            with_cookies: None,
        });
    }
    observed.page = Some(page);
}

/// The preflight of one upload, judged.
pub(crate) async fn preflight(probe: &Probe, asked: &Preflight) -> PreflightOutcome {
    let glance = probe.site(probe.endpoint.origin());
    match asked.objection(glance.host.address.is_some()) {
        Some(failure) => PreflightOutcome::Objection(Box::new(failure)),
        None => ask_and_judge(probe, &glance, asked).await.unwrap_or_else(PreflightOutcome::Unreachable),
    }
}

/// The result for each panel's upload. If an answer grants more than was requested, another request is not
/// needed.
async fn panels(
    probe: &Probe,
    site: &Site,
    asked: &Preflight,
    outcome: &PreflightOutcome,
) -> Vec<(Panel, Option<PreflightVerdict>)> {
    let mut panels = Vec::new();
    for panel in [Panel::Angular, Panel::Django] {
        panels.push((panel, of_panel(probe, site, asked, outcome, panel).await));
    }
    panels
}

async fn of_panel(
    probe: &Probe,
    site: &Site,
    asked: &Preflight,
    outcome: &PreflightOutcome,
    panel: Panel,
) -> Option<PreflightVerdict> {
    let (address, answer, verdict) = match outcome {
        PreflightOutcome::Objection(failure) => {
            return Some(PreflightVerdict { failure: Some((**failure).clone()), advice: vec![] });
        }
        PreflightOutcome::Unreachable(_) => return None,
        PreflightOutcome::Judged { address, answer, verdict } => (*address, answer, verdict),
    };
    if panel == asked.panel() || asked.same_origin() {
        return Some((**verdict).clone());
    }
    let question = asked.for_panel(panel);
    let (wanted, had) = (question.headers(), asked.headers());
    let by_same = judge(&question, answer);
    if by_same.granted() && wanted.iter().all(|name| had.contains(name)) {
        return Some(by_same);
    }
    // The same request, whose verdict may know more.
    if wanted == had {
        return Some((**verdict).clone());
    }
    let (_, answer) = timeout(TOTAL, exchange(probe, site, &[address], &question.request())).await.ok()?.ok()?;
    let mut by_own = judge(&question, &answer);
    if diagnose::is_worth_asking(&question, &answer) && !verdict.granted() {
        // A refusal without a reason, whose cause was found with smaller requests.
        return Some((**verdict).clone());
    }
    if let Some(failure) = by_own.failure.take() {
        by_own.failure = Some(narrowed(probe, site, address, &question, &answer, failure).await);
    }
    Some(by_own)
}

async fn ask_and_judge(probe: &Probe, site: &Site, asked: &Preflight) -> Result<PreflightOutcome, Unreachable> {
    let first = async {
        let addresses = addresses(probe, site).await?;
        exchange(probe, site, &addresses, &asked.request()).await
    };
    let (address, mut answer) = timeout(TOTAL, first).await.unwrap_or_else(|_| Err(late()))?;
    if is_limit(&answer) {
        sleep(AFTER_LIMIT).await;
        let again = timeout(TOTAL, exchange(probe, site, &[address], &asked.request())).await;
        if let Ok(Ok((_, again))) = again {
            answer = again;
        }
    }
    if asked.same_origin()
        && probe.page.is_none()
        && let Some(why) = same_origin::login(asked, &answer)
    {
        return Err(why);
    }
    let mut verdict = judge(asked, &answer);
    if asked.same_origin()
        && let Some(request) = same_origin::follow(asked, &answer)
    {
        let followed = timeout(TOTAL, exchange(probe, site, &[address], &request)).await;
        if let Ok(Ok((_, answer))) = followed
            && judge(asked, &answer).granted()
        {
            verdict = judge(asked, &answer);
        }
    }
    if asked.same_origin() && same_origin::is_worth_asking(&answer) {
        let versions = timeout(TOTAL, exchange(probe, site, &[address], &asked.versions())).await;
        if versions.is_ok_and(|answered| answered.is_ok_and(|(_, answer)| same_origin::lists_versions(&answer))) {
            verdict = PreflightVerdict { failure: None, advice: same_origin::advice(true) };
        }
    }
    if let Some(failure) = verdict.failure.take() {
        let failure = if repeated(probe, site, address, asked, &answer).await {
            mixed(asked, failure)
        } else {
            narrowed(probe, site, address, asked, &answer, failure).await
        };
        verdict.failure = Some(failure);
    }
    if probe.proxy(site).is_none() {
        verdict.advice.extend(reached_here_only(&site.host, asked, address));
    }
    Ok(PreflightOutcome::Judged { address, answer, verdict: Box::new(verdict) })
}

/// Whether the same preflight passes when it is repeated: several servers may take turns behind one address.
async fn repeated(probe: &Probe, site: &Site, address: SocketAddr, asked: &Preflight, answer: &Response) -> bool {
    if probe.depth != Depth::Panels || asked.same_origin() || matches!(answer.status, 403 | 429 | 503) {
        return false;
    }
    let request = asked.request();
    for _ in 0..2 {
        if let Ok(Ok((_, answer))) = timeout(TOTAL, exchange(probe, site, &[address], &request)).await
            && judge(asked, &answer).granted()
        {
            return true;
        }
    }
    false
}

/// A server that answers here may not exist for a browser elsewhere (DU010).
fn reached_here_only(host: &Host, asked: &Preflight, address: SocketAddr) -> Option<Advice> {
    let why = match asked.endpoint.origin().unreachable() {
        Some(why) => why,
        None if host.address.is_none() && address.ip().to_canonical().is_loopback() => "here a loopback address",
        None => return None,
    };
    let name = &host.name;
    Some(
        Advice::new(format!("{name} is {why}: it answers here, but not for a browser on another machine"))
            .rule(Rule::NotPublic),
    )
}

/// The failure. If it names no cause, up to five smaller requests may find it.
async fn narrowed(
    probe: &Probe,
    site: &Site,
    address: SocketAddr,
    asked: &Preflight,
    answer: &Response,
    failure: Failure,
) -> Failure {
    if !diagnose::is_worth_asking(asked, answer) {
        return failure;
    }
    let questions = diagnose::questions(asked);
    let answers = async {
        let mut granted = Vec::new();
        for question in &questions {
            let (_, answer) = exchange(probe, site, &[address], &question.request()).await.ok()?;
            granted.push(diagnose::granted(question, &answer));
        }
        Some(granted)
    };
    let granted = timeout(TOTAL, answers).await.ok().flatten().unwrap_or_default();
    diagnose::conclude(asked, answer, &failure, &granted).unwrap_or(failure)
}

//! The preflights of a page's calls of an API, over the network, within the same bounds as those of uploads.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use direct_upload_core::judge::{CallPreflight, Response, Unreachable};
use direct_upload_core::model::{ApiCall, Observation, ProbeAnswer};
use tokio::time::timeout;

use super::http::exchange;
use super::request::{Probe, Site, TOTAL, addresses, late};

/// Asks for each of the service's headers and methods; the first refusal counts.
pub async fn call(probe: &Probe, call: &ApiCall) -> Observation {
    let site = probe.site(probe.endpoint.origin());
    let questions = CallPreflight::of(&probe.origin, &probe.endpoint, call);
    let redirected = site.host.address.is_some();
    let objection = questions.first().and_then(|question| question.objection(redirected));
    if let Some(failure) = objection {
        return Observation::of_preflight(probe.panel, ProbeAnswer::Refused(failure.into()));
    }
    let (answer, reached) = match timeout(TOTAL, all(probe, &site, &questions)).await.unwrap_or_else(|_| Err(late())) {
        Ok((answer, address)) => (answer, Some(address.ip().to_canonical())),
        Err(why) => (ProbeAnswer::Unknown(why.into()), None),
    };
    Observation { reached, ..Observation::of_preflight(probe.panel, answer) }
}

async fn all(
    probe: &Probe,
    site: &Site,
    questions: &[CallPreflight],
) -> Result<(ProbeAnswer, SocketAddr), Unreachable> {
    let mut at = addresses(probe, site).await?;
    let mut advice = BTreeSet::new();
    for question in questions {
        let (address, answer) = exchange(probe, site, &at, &question.request()).await?;
        at = vec![address];
        match question.judge(&answer) {
            ProbeAnswer::Granted(more) => advice.extend(more),
            refused => return Ok((narrowed(probe, site, address, question, &answer, refused).await, address)),
        }
    }
    let address = at.first().copied().ok_or_else(late)?;
    Ok((ProbeAnswer::Granted(advice.into_iter().collect()), address))
}

/// Explains a refusal without a message: which headers caused it, if headers did.
async fn narrowed(
    probe: &Probe,
    site: &Site,
    address: SocketAddr,
    question: &CallPreflight,
    answer: &Response,
    refused: ProbeAnswer,
) -> ProbeAnswer {
    let granted = async |headers: Vec<String>| {
        let less = question.with(headers);
        let (_, answer) = exchange(probe, site, &[address], &less.request()).await.ok()?;
        Some(matches!(less.judge(&answer), ProbeAnswer::Granted(_)))
    };
    if !question.is_silent(answer) || question.headers.is_empty() || granted(Vec::new()).await != Some(true) {
        return refused;
    }
    let mut lacking = Vec::new();
    for name in &question.headers {
        if granted(vec![name.clone()]).await == Some(false) {
            lacking.push(name.clone());
        }
    }
    if lacking.is_empty() { refused } else { question.lacking(&lacking, answer) }
}

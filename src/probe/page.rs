//! Requests the dashboard's page, and resolves the addresses of dashboard and Glance, within limits: no
//! redirect to another origin, and only a little of the page.
//! [`judge::page`](direct_upload_core::judge::page) and
//! [`judge::address_space`](direct_upload_core::judge::address_space) decide what they mean.

use std::net::{IpAddr, SocketAddr};

use direct_upload_core::judge::page::{self, MOST, REDIRECTS};
use direct_upload_core::judge::{
    AddressOutcome, CheckVerdict, PageOutcome, PageWire, Preflight, Redirect, Response, Unreachable, UnreachableKind,
    address_space,
};
use direct_upload_core::model::Page;
use tokio::time::timeout;

use super::http::Exchange;
use super::request::{self, Probe, Site, TOTAL};

/// The dashboard's page at the origin that the preflight named.
pub async fn ask(probe: &Probe, asked: &Preflight, page: &Page) -> PageOutcome {
    let dashboard = probe.site(&asked.origin);
    let mut path = format!("{}/", page.path);
    let wire = timeout(TOTAL, follow(probe, &dashboard, &mut path)).await;
    let wire = wire.unwrap_or_else(|_| Err(request::late())).unwrap_or_else(PageWire::Failed);
    let verdict = page::judge(asked, page, &wire);
    PageOutcome { request: page::request(&dashboard.origin, &path), wire, verdict }
}

/// The addresses of both, as this machine resolves them, and what their spaces mean.
pub async fn addresses(probe: &Probe, glance: &Site, page: Option<&PageOutcome>) -> AddressOutcome {
    let dashboard = probe.site(&probe.origin);
    let (here, there) = tokio::join!(resolved(probe, &dashboard), resolved(probe, glance));
    let (here, there) = match (here, there) {
        (Ok(here), Ok(there)) => (here, there),
        (Err(why), _) | (_, Err(why)) => {
            return AddressOutcome { dashboard: vec![], glance: vec![], verdict: CheckVerdict::Unknown(why) };
        }
    };
    let is_public = page.is_some_and(|page| page::is_treated_as_public(&page.wire));
    let verdict = address_space::judge(&here, &there, is_public);
    AddressOutcome { dashboard: here, glance: there, verdict }
}

/// Addresses that tell something about those which browsers use.
async fn resolved(probe: &Probe, site: &Site) -> Result<Vec<IpAddr>, Unreachable> {
    let unclear = |why: &str| {
        let message = format!("this program does not know which address of {} browsers use: {why}", site.host.name);
        Unreachable::new(
            UnreachableKind::Unclear,
            message,
            "check whether users resolve both names to public addresses",
        )
    };
    if site.host.address.is_some() {
        return Err(unclear("another one was given for it"));
    }
    if probe.proxy(site).is_some() {
        return Err(unclear("a proxy leads there"));
    }
    let mut addresses: Vec<_> =
        timeout(TOTAL, request::addresses(probe, site)).await.unwrap_or_else(|_| Err(request::late()))?;
    addresses.sort();
    Ok(addresses.into_iter().map(|address| address.ip()).collect())
}

/// `path` becomes that of the last request.
async fn follow(probe: &Probe, dashboard: &Site, path: &mut String) -> Result<PageWire, Unreachable> {
    let addresses = request::addresses(probe, dashboard).await?;
    for _ in 0..=REDIRECTS {
        let (answer, body) = get(probe, dashboard, &addresses, path).await?;
        match page::redirect(&dashboard.origin, path, &answer) {
            None => return Ok(PageWire::Response(answer, body)),
            Some(Redirect::Elsewhere(origin)) => return Ok(PageWire::Elsewhere(origin)),
            Some(Redirect::Within(next)) => *path = next,
        }
    }
    let message = format!("{} redirects more than {REDIRECTS} times", dashboard.origin);
    Err(Unreachable::new(UnreachableKind::Unclear, message, "open the dashboard in a browser"))
}

async fn get(
    probe: &Probe,
    dashboard: &Site,
    addresses: &[SocketAddr],
    path: &str,
) -> Result<(Response, String), Unreachable> {
    let request = page::request(&dashboard.origin, path);
    let mut exchange = Exchange::send(probe, dashboard, addresses, &request).await?;
    Ok((exchange.response().await?, exchange.body(MOST).await))
}

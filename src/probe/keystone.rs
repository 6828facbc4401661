//! Requests a token and the catalog from Keystone, with limits: no redirects, a maximum size of the answer,
//! no excluded address, and ten seconds in total. The credential's secret does not leave this file. The
//! token goes only to [`canary`](super::canary).

use std::time::Duration;

use direct_upload_api::web::{Endpoint, PublicUrl};
use direct_upload_core::judge::session::{RequestUrl, Secret};
use direct_upload_core::judge::{TokenScope, read, request};
use direct_upload_core::model::{CatalogQuery, PublicEndpoints};
use tokio::time::timeout;

use super::connect::Trust;
use super::gate::Gate;
use super::host::Host;
use super::session::{Client, Reach};

/// How long it may take in total.
const TOTAL: Duration = Duration::from_secs(10);

/// An application credential.
pub struct Credential {
    pub id: String,
    pub secret: Secret,
}

/// Keystone's answer to a credential.
pub(super) struct Login {
    pub token: Secret,
    pub scope: TokenScope,
    pub published: PublicEndpoints,
}

/// Requests the catalog once.
///
/// # Errors
/// Why there is no catalog, without anything that was sent.
pub async fn ask(query: &CatalogQuery, credential: &Credential, gate: &Gate) -> Result<PublicEndpoints, String> {
    let port = Endpoint::from(query.auth_url.clone()).port();
    let hosts = query.reach.hosts.iter();
    let reach = Reach {
        hosts: hosts.map(|(name, address)| Host { name: name.clone(), port, address: Some(*address) }).collect(),
        trust: Trust::with(query.reach.ca.as_bytes())?,
        gate: gate.clone(),
    };
    log_in(reach, &query.auth_url, credential).await.map(|login| login.published)
}

/// Requests a token and its catalog once.
///
/// # Errors
/// Why there is no token. The text has nothing of the request.
pub(super) async fn log_in(reach: Reach, auth_url: &PublicUrl, credential: &Credential) -> Result<Login, String> {
    let mut client = Client::new(reach);
    let place = RequestUrl::at(auth_url, "/auth/tokens");
    let json = [("Content-Type", "application/json"), ("Accept", "application/json")];
    let body = request(&credential.id, credential.secret.expose()).to_string();
    let asked = client.ask("POST", &place, &json, body);
    let late = |_| format!("no answer within {} s", TOTAL.as_secs());
    let reply = timeout(TOTAL, asked).await.map_err(late)?.map_err(|why| why.message)?;
    match reply.head.status {
        201 => {}
        401 => return Err("it refuses the application credential (401)".to_owned()),
        status => return Err(format!("it answers {status}")),
    }
    let token = reply.head.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("X-Subject-Token"));
    Ok(Login {
        token: Secret::new(token.map(|(_, value)| value.clone()).unwrap_or_default()),
        scope: TokenScope::read(&reply.body),
        published: read(&reply.body)?,
    })
}

//! Asks Keystone for its catalog, within bounds: no redirect is followed, the answer is read up to a
//! size, no refused address is asked, and it ends after ten seconds. Neither the secret nor the token
//! leaves this file.

use std::time::Duration;

use direct_upload_api::web::Endpoint;
use direct_upload_core::judge::{read, request, user_agent};
use direct_upload_core::model::{CatalogQuery, PublicEndpoints};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::connect::{self, Host, Stream, Trust};
use super::gate::{Gate, Passage};

/// How long it may take in all.
const TOTAL: Duration = Duration::from_secs(10);

/// A catalog is some tens of kilobytes.
const LARGEST: usize = 4 << 20;

/// An application credential.
pub struct Credential {
    pub id: String,
    pub secret: String,
}

/// Asks once.
///
/// # Errors
/// Why there is no catalog, without a word of what was sent.
pub async fn ask(query: &CatalogQuery, credential: &Credential, gate: &Gate) -> Result<PublicEndpoints, String> {
    let answer = exchange(query, credential, gate);
    timeout(TOTAL, answer).await.unwrap_or_else(|_| Err(format!("no answer within {} s", TOTAL.as_secs())))
}

async fn exchange(query: &CatalogQuery, credential: &Credential, gate: &Gate) -> Result<PublicEndpoints, String> {
    let stream = open(query, gate).await?;
    let no_answer = |why: hyper::Error| format!("no readable HTTP answer: {why}");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
    let connection = tokio::spawn(connection);
    let origin = query.auth_url.origin().as_str();
    let authority = origin.split_once("://").map_or("", |(_, rest)| rest);
    let body = request(&credential.id, &credential.secret).to_string();
    let request = Request::post(format!("{}/auth/tokens", query.auth_url.path()))
        .header(header::HOST, authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, user_agent())
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| "the URL cannot be asked".to_owned())?;
    let answer = sender.send_request(request).await.map_err(no_answer)?;
    let status = answer.status().as_u16();
    let body = match status {
        201 => Limited::new(answer.into_body(), LARGEST).collect().await.map_err(|why| why.to_string())?,
        401 => return Err("it refuses the application credential (401)".to_owned()),
        _ => return Err(format!("it answers {status}")),
    };
    connection.abort();
    read(&body.to_bytes())
}

async fn open(query: &CatalogQuery, gate: &Gate) -> Result<Box<dyn Stream>, String> {
    let origin = query.auth_url.origin();
    let name = origin.host().to_owned();
    let address = query.reach.hosts.get(&name).copied();
    let host = Host { port: Endpoint::from(query.auth_url.clone()).port(), name, address };
    let trust = Trust::with(query.reach.ca.as_bytes())?;
    let Passage { stream, .. } = gate.connect(origin, &host, &[]).await.map_err(|why| why.message)?;
    if !origin.is_https() {
        return Ok(Box::new(stream));
    }
    connect::secure(stream, &host, &trust).await.map_err(|why| why.message)
}

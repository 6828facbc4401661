//! Two uploads without a token, after a granted preflight: within limits, without data, and closed
//! immediately. [`judge::upload`](direct_upload_core::judge::upload) decides what they mean.

use std::net::SocketAddr;
use std::time::Duration;

use direct_upload_core::judge::{Preflight, PutOutcome, Request, Unreachable, Unreadable, Wire, head, success, upload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::preflight::{self, Probe, Site};

/// How long the complete PUT may take, with its connection.
const COMPLETE: Duration = Duration::from_secs(10);

/// How long to wait before the same request, where a rate limit may have answered.
const AFTER_LIMIT: Duration = Duration::from_secs(3);

/// How long the announced PUT may take. A server that stores requests first never answers it.
const ANNOUNCED: Duration = Duration::from_secs(5);

/// How long to wait for an answer after `100 Continue`. Servers that forward requests immediately send
/// both.
const AFTER_CONTINUE: Duration = Duration::from_secs(2);

/// The complete PUT, to the address that answered the preflight.
pub async fn complete(probe: &Probe, site: &Site, address: SocketAddr, asked: &Preflight) -> PutOutcome {
    let mut request = upload::complete(asked);
    let mut wire = exchange(probe, site, address, &request, COMPLETE).await;
    if upload::is_worth_waiting(&wire) {
        sleep(AFTER_LIMIT).await;
        wire = exchange(probe, site, address, &request, COMPLETE).await;
    }
    if upload::is_worth_a_token(&wire) {
        let with_token = upload::with_token(asked);
        let answer = exchange(probe, site, address, &with_token, COMPLETE).await;
        if upload::is_glances(&answer) {
            (request, wire) = (with_token, answer);
        }
    }
    let mut verdict = upload::judge_complete(asked, &wire);
    if success::is_worth_asking(&wire, &verdict) {
        let versions = exchange(probe, site, address, &success::request(asked), COMPLETE).await;
        verdict = success::judge(asked, verdict, &versions);
    }
    PutOutcome { request, length: 0, wire, verdict }
}

/// The PUT that announces this size. If its answer requires it, another one announces one byte.
pub async fn announced(probe: &Probe, site: &Site, address: SocketAddr, asked: &Preflight, bytes: u64) -> PutOutcome {
    let request = upload::announced(asked, bytes);
    let wire = exchange(probe, site, address, &request, ANNOUNCED).await;
    let verdict = if upload::is_worth_comparing(&wire) {
        let small = exchange(probe, site, address, &upload::announced(asked, 1), ANNOUNCED).await;
        upload::compare(bytes, &wire, &small)
    } else {
        upload::judge_announced(bytes, &wire)
    };
    PutOutcome { request, length: bytes, wire, verdict }
}

async fn exchange(probe: &Probe, site: &Site, address: SocketAddr, request: &Request, bound: Duration) -> Wire {
    match timeout(bound, send(probe, site, address, request)).await {
        Ok(Ok(wire)) => wire,
        Ok(Err(why)) => Wire::Failed(why),
        Err(_) => Wire::Silence(bound.as_secs()),
    }
}

async fn send(probe: &Probe, site: &Site, address: SocketAddr, asked: &Request) -> Result<Wire, Unreachable> {
    let (mut stream, address, request) = preflight::open(probe, site, &[address], asked).await?;
    let failed = |error: &std::io::Error| preflight::no_answer(&site.host, address, error);
    stream.write_all(request.as_bytes()).await.map_err(|e| failed(&e))?;
    stream.flush().await.map_err(|e| failed(&e))?;
    let mut bytes = Vec::new();
    loop {
        let continues = head::continues(&bytes);
        let more = stream.read_buf(&mut bytes);
        let read = if continues {
            let Ok(read) = timeout(AFTER_CONTINUE, more).await else { return Ok(Wire::Continue) };
            read
        } else {
            more.await
        };
        match read {
            Ok(0) if continues => return Ok(Wire::Continue),
            Ok(0) => return Err(failed(&std::io::Error::other(Unreadable::Cut))),
            Ok(_) => {}
            Err(error) => return Err(failed(&error)),
        }
        match head::read(&bytes) {
            Ok(Some(answer)) => return Ok(Wire::Response(answer)),
            Ok(None) => {}
            Err(error) => return Err(failed(&std::io::Error::other(error))),
        }
    }
}

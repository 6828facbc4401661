//! Allows writes only while this replica leads.
//!
//! In: until when this replica may start a write. Out: a client whose writes wait for that, and fail once
//! another replica may lead. The API server knows no such limit, so each write has its own timeouts.

use std::time::Duration;

use kube::Client;
use kube::client::Body;
use rustix::time::{ClockId, clock_gettime};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::timeout;
use tower::{BoxError, service_fn};

use crate::observe::Connections;

/// The API server ends a write after this time, including its queues and webhooks. A webhook may take 10
/// seconds by default. If its failure may be ignored, the write passes after that.
const SERVER: Duration = Duration::from_secs(11);

/// This process ends a write a little later, so that it gets the API server's answer.
const CLIENT: Duration = Duration::from_millis(11_500);

/// The longest time that a write which starts now may take, including the path to the API server.
pub const MARGIN: Duration = Duration::from_secs(12);

/// Whether writes may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permit {
    /// Not now, and never again.
    Closed,
    /// Until this time. Later writes wait for the next permit.
    Until(Duration),
    /// At any time: no other replica runs.
    Always,
}

/// Why a write was not sent, or was ended.
#[derive(Debug, Error)]
enum Withheld {
    #[error("not sent: this replica does not lead any more, or stops")]
    Closed,
    #[error("no answer within {} s", CLIENT.as_secs_f32())]
    Late,
}

/// Lets writes pass while this replica leads.
#[derive(Clone, Debug)]
pub struct Fence(watch::Sender<Permit>);

impl Fence {
    /// A fence for a replica that leads because no other one runs.
    pub fn open() -> Self {
        Self(watch::Sender::new(Permit::Always))
    }

    /// A fence for a replica that must become the leader first.
    pub fn shut() -> Self {
        Self(watch::Sender::new(Permit::Until(Duration::ZERO)))
    }

    /// Writes may start until then, on the clock of [`now`].
    pub fn permit(&self, until: Duration) {
        self.0.send_if_modified(|permit| {
            let may = matches!(permit, Permit::Until(_));
            if may {
                *permit = Permit::Until(until);
            }
            may
        });
    }

    /// No write starts any more.
    pub fn close(&self) {
        self.0.send_replace(Permit::Closed);
    }

    async fn pass(&self) -> Result<(), Withheld> {
        let mut permit = self.0.subscribe();
        loop {
            match *permit.borrow_and_update() {
                Permit::Closed => return Err(Withheld::Closed),
                Permit::Always => return Ok(()),
                Permit::Until(end) if now() < end => return Ok(()),
                Permit::Until(_) => {}
            }
            permit.changed().await.map_err(|_| Withheld::Closed)?;
        }
    }

    /// A client that always reads, and writes through this fence. It repeats nothing itself, because each
    /// attempt must pass the fence.
    ///
    /// # Errors
    /// The configuration cannot be used.
    pub fn client(&self, connections: &Connections) -> kube::Result<Client> {
        let client = connections.client(false)?;
        let namespace = client.default_namespace().to_owned();
        let fence = self.clone();
        let service = service_fn(move |request: ApiRequest| {
            let (fence, client) = (fence.clone(), client.clone());
            async move {
                if request.method().is_safe() {
                    return Ok(client.send(request).await?);
                }
                let request = with_deadline(request)?;
                fence.pass().await?;
                timeout(CLIENT, answer(&client, request)).await.map_err(|_| Withheld::Late)?
            }
        });
        Ok(Client::new(service, namespace))
    }
}

type ApiRequest = hyper::Request<Body>;

/// Reads the whole answer, because a write has not ended before.
async fn answer(client: &Client, request: ApiRequest) -> Result<hyper::Response<Body>, BoxError> {
    let (head, body) = client.send(request).await?.into_parts();
    Ok(hyper::Response::from_parts(head, Body::from(body.collect_bytes().await?.to_vec())))
}

/// Tells the API server how long it may take.
fn with_deadline(request: ApiRequest) -> Result<ApiRequest, hyper::http::Error> {
    let (mut head, body) = request.into_parts();
    let joint = if head.uri.query().is_some() { '&' } else { '?' };
    head.uri = format!("{}{joint}timeout={}s", head.uri, SERVER.as_secs()).parse()?;
    Ok(ApiRequest::from_parts(head, body))
}

/// Whether a write was stopped because this replica does not lead.
pub(super) fn is_closed(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Service(why) if matches!(why.downcast_ref(), Some(Withheld::Closed)))
}

/// The time since the machine started. Unlike other clocks that nobody sets, this one also runs while the
/// machine is suspended.
pub fn now() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    async fn passes(fence: &Fence) -> Option<bool> {
        timeout(Duration::from_millis(50), fence.pass()).await.ok().map(|passed| passed.is_ok())
    }

    #[tokio::test]
    async fn a_write_waits_for_a_permit_and_fails_when_there_will_be_none() {
        let fence = Fence::shut();
        assert_eq!(passes(&fence).await, None, "not a leader yet");
        fence.permit(now() + Duration::from_millis(200));
        assert_eq!(passes(&fence).await, Some(true));
        sleep(Duration::from_millis(200)).await;
        assert_eq!(passes(&fence).await, None, "the permit has run out");
        let waiting = tokio::spawn({
            let fence = fence.clone();
            async move { fence.pass().await.is_ok() }
        });
        tokio::task::yield_now().await;
        fence.close();
        assert!(!waiting.await.unwrap(), "one that waits hears that there will be none");
        fence.permit(now() + Duration::from_secs(60));
        assert_eq!(passes(&fence).await, Some(false), "closed for ever");
    }

    #[test]
    fn the_api_server_is_told_how_long_a_write_may_take() {
        for (before, after) in
            [("/api?fieldManager=x", "/api?fieldManager=x&timeout=11s"), ("/api", "/api?timeout=11s")]
        {
            let request = ApiRequest::new(Body::empty());
            let (mut head, body) = request.into_parts();
            head.uri = before.parse().unwrap();
            let request = with_deadline(ApiRequest::from_parts(head, body)).unwrap();
            assert_eq!(request.uri().to_string(), after);
        }
    }

    #[test]
    fn a_write_ends_within_the_margin() {
        assert!(SERVER < CLIENT && CLIENT < MARGIN);
    }
}

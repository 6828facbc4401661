//! The operator's own upload: a private image in the project of an application credential. It is sent as
//! the dashboard's page does, awaited, compared and deleted.
//!
//! In: a [`CanaryQuery`] and the contents of the Secret. Out: a [`CanaryOutcome`]. The credential goes to
//! the Keystone that the Secret names, the token to the public image endpoint in that Keystone's catalog,
//! and both only over https. [`judge::session::canary`](direct_upload_core::judge::session::canary) decides
//! what answers mean.

use std::time::Duration;

use direct_upload_api::web::{Endpoint, PublicUrl};
use direct_upload_core::judge::session::canary::{self, Stop};
use direct_upload_core::judge::session::image::{self, State};
use direct_upload_core::judge::session::panel::carries_csrf;
use direct_upload_core::judge::session::put::{self, Progress};
use direct_upload_core::judge::session::{Content, Reply, RequestUrl, Secret};
use direct_upload_core::judge::{Preflight, TokenScope, Unreachable};
use direct_upload_core::model::{CanaryOutcome, CanaryQuery, StuckImages, StuckReading};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::connect::Trust;
use super::gate::Gate;
use super::host::Host;
use super::http;
use super::keystone::{self, Credential, Login};
use super::session::{Client, Data, Reach, send};

/// The longest silence while data is sent, and the longest wait until the image is active.
const PATIENCE: Duration = Duration::from_secs(120);

/// The longest pause between two requests for the image's state.
const PAUSE: Duration = Duration::from_secs(5);

/// How many leftovers to delete before one upload.
const AT_MOST: usize = 20;

/// One upload to make.
pub struct CanaryUpload<'a> {
    pub query: &'a CanaryQuery,
    /// Keystone's URL with its version. It comes from the Secret, like everything below.
    pub auth_url: PublicUrl,
    pub credential: Credential,
    /// Certificate authorities in PEM form, in addition to those that all browsers trust. Never those of a
    /// resource, because its editor could then take the credential.
    pub ca: String,
    pub gate: Gate,
}

/// Makes the upload once, and removes what it made. Also counts the stuck images of its project, unless
/// another credential lists them.
pub async fn upload(asked: &CanaryUpload<'_>) -> (CanaryOutcome, Option<StuckReading>) {
    match begin(asked).await {
        Ok(mut canary) => {
            let ended = canary.run().await;
            let stuck = match asked.query.stuck_secret {
                None => Some(canary.stuck().await),
                Some(_) => None,
            };
            let endpoint = canary.endpoint;
            let outcome = match ended {
                Ok(()) => CanaryOutcome::Passed(endpoint),
                Err(stop) => stop.outcome(endpoint),
            };
            (outcome, stuck)
        }
        Err(why) => (CanaryOutcome::Unknown(why), None),
    }
}

/// Counts the stuck images of all projects that the credential sees. It only sends two list requests.
pub async fn stuck(asked: &CanaryUpload<'_>) -> StuckReading {
    begin(asked).await?.stuck().await
}

/// Logs in, and finds out where images go.
async fn begin<'a>(asked: &'a CanaryUpload<'a>) -> Result<CanaryRun<'a>, String> {
    if !asked.auth_url.origin().is_https() {
        return Err(
            "the Secret's key \"authURL\" is not an https URL, and the credential is sent only over https".into()
        );
    }
    let trust = Trust::with(asked.ca.as_bytes()).map_err(|why| format!("the Secret's key \"ca.crt\": {why}"))?;
    let reach = |endpoint: &Endpoint| Reach {
        hosts: asked
            .query
            .hosts
            .iter()
            .map(|(name, address)| Host { name: name.clone(), port: endpoint.port(), address: Some(*address) })
            .collect(),
        trust: trust.clone(),
        gate: asked.gate.clone(),
    };
    let to_keystone = reach(&asked.auth_url.clone().into());
    let login = keystone::log_in(to_keystone, &asked.auth_url, &asked.credential).await;
    let Login { token, scope, published } = login.map_err(|why| format!("Keystone at {}: {why}", asked.auth_url))?;
    let endpoint = match &asked.query.region {
        Some(region) => published
            .get(region)
            .ok_or_else(|| format!("the catalog has no public image endpoint in region {region}"))?,
        None if published.len() == 1 => published.values().next().ok_or("the catalog has no image endpoint")?,
        None => {
            let regions: Vec<_> = published.keys().map(String::as_str).collect();
            let regions = regions.join(", ");
            return Err(format!("the catalog has several regions ({regions}): name them in spec.directUpload.regions"));
        }
    };
    if !endpoint.origin().is_https() {
        return Err(format!(
            "the public image endpoint in the catalog is {endpoint}: the token is sent only over https"
        ));
    }
    if let Some(version) = endpoint.version() {
        return Err(format!("the public image endpoint in the catalog is {endpoint}: remove /{version} from it"));
    }
    let client = Client::new(reach(endpoint));
    Ok(CanaryRun { query: asked.query, client, token, scope, endpoint: endpoint.clone() })
}

struct CanaryRun<'a> {
    query: &'a CanaryQuery,
    client: Client,
    token: Secret,
    scope: TokenScope,
    endpoint: Endpoint,
}

impl CanaryRun<'_> {
    async fn run(&mut self) -> Result<(), Stop> {
        let left = self.clean_up().await?;
        if left >= canary::LEFT {
            return Err(Stop::Unknown(format!(
                "{left} images of earlier uploads cannot be deleted: look at the credential's access rules (DELETE) and at Glance's policy delete_image"
            )));
        }
        let pace = self.query.pace;
        match self.whole(pace).await {
            // With this pace, bytes and time grow together. Only another pace shows which of them was the
            // cause.
            Err(Stop::Cut(broken, progress)) if !pace.is_zero() && progress.sent < progress.size => {
                Err(match self.whole(Duration::ZERO).await {
                    Ok(()) => canary::cut(*broken, progress, true),
                    Err(Stop::Cut(..)) => canary::cut(*broken, progress, false),
                    Err(_) => Stop::Cut(broken, progress),
                })
            }
            ended => ended,
        }
    }

    /// Deletes what earlier uploads left. Returns how many cannot be deleted.
    async fn clean_up(&mut self) -> Result<usize, Stop> {
        let mark = self.query.mark();
        let reply = self.ask("GET", &format!("?{}", canary::listed(&mark)), String::new()).await?;
        let left = canary::leftovers(&reply, &mark, &self.scope)?;
        let mut kept = 0;
        for id in left.iter().take(AT_MOST) {
            if self.delete(id).await.is_err() {
                kept += 1;
            }
        }
        Ok(kept + left.len().saturating_sub(AT_MOST))
    }

    /// The images that have been `queued` or `saving` for long, from one list for each state.
    async fn stuck(&mut self) -> StuckReading {
        let after = SignedDuration::try_from(self.query.stuck_after).unwrap_or(SignedDuration::MAX);
        let before = Timestamp::now().checked_sub(after).unwrap_or(Timestamp::MIN);
        let mut counted = StuckImages::default();
        for status in canary::STUCK {
            let list = self.ask("GET", &format!("?{}", canary::listed_stuck(status, before)), String::new()).await;
            let list = list.map_err(|why| format!("{}; {}", why.message, why.fix))?;
            canary::count_stuck(&mut counted, &list, status, before, &self.scope)?;
        }
        Ok(counted)
    }

    /// One image from its creation to its deletion.
    async fn whole(&mut self, pace: Duration) -> Result<(), Stop> {
        let name = format!("{}{}", canary::PREFIX, uuid::Uuid::new_v4());
        let body = canary::described(&name, &self.query.mark()).to_string();
        let reply = self.ask("POST", "", body).await?;
        let id = canary::created(&reply, &self.scope)?;
        let ended = self.fill(&id, pace).await;
        if let Err(why) = self.delete(&id).await {
            tracing::warn!(horizon = %self.query.horizon, image = id, "the canary's image is not deleted, and is tried again: {why}");
        }
        ended
    }

    async fn fill(&mut self, id: &str, pace: Duration) -> Result<(), Stop> {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        let content = Content { size: self.query.size, seed: high ^ low };
        self.put(id, content, pace).await?;
        let state = self.wait(id).await?;
        image::compare(content, &state).map_err(canary::differs)?;
        Ok(())
    }

    /// Sends the data as the dashboard's page does.
    async fn put(&mut self, id: &str, content: Content, pace: Duration) -> Result<(), Stop> {
        let query = self.query;
        let asked = Preflight::upload(query.origin.clone(), self.endpoint.clone(), id, query.panel);
        let mut request = put::request(&asked, content.size);
        request.lines.push(("X-Auth-Token", self.token.expose().to_owned()));
        if asked.uploads.iter().any(carries_csrf) {
            // Horizon's own boundary has this length; Glance does not read it.
            request.lines.push(("X-CSRFToken", format!("{0}{0}", uuid::Uuid::new_v4().simple())));
        }
        let (stream, address, host) = self.client.open(self.endpoint.origin()).await?;
        let text = Secret::new(http::request(self.endpoint.origin(), &request, None));
        // Each value leaves its scope as a secret.
        request.lines.into_iter().for_each(|(_, value)| drop(Secret::new(value)));
        let began = Instant::now();
        let data = Data { before: String::new(), content, after: String::new(), pace };
        let (wire, sent) = send(stream, (&host, address), &text, &data, PATIENCE, |_| {}).await;
        let progress = Progress { sent, size: content.size, seconds: began.elapsed().as_secs() };
        put::judge(&asked, &wire, progress).map_err(|broken| canary::broken(&wire, progress, broken))
    }

    async fn wait(&mut self, id: &str) -> Result<State, Stop> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(250);
        loop {
            let state = State::read(&self.ask("GET", &format!("/{id}"), String::new()).await?);
            let waited = began.elapsed();
            if let Some(state) = state.clone().filter(State::is_active) {
                return Ok(state);
            }
            let may_change = state.as_ref().is_none_or(State::is_under_way);
            if !may_change || waited >= PATIENCE {
                return Err(canary::not_active(state.as_ref(), waited.as_secs()));
            }
            sleep(pause.min(PATIENCE.saturating_sub(waited))).await;
            pause = (pause * 2).min(PAUSE);
        }
    }

    async fn delete(&mut self, id: &str) -> Result<(), String> {
        match self.ask("DELETE", &format!("/{id}"), String::new()).await {
            Ok(reply) if matches!(reply.head.status, 200..=299 | 404) => Ok(()),
            Ok(reply) => Err(format!("status {}", reply.head.status)),
            Err(why) => Err(why.message),
        }
    }

    /// A request to Glance's API, below `/v2/images`.
    async fn ask(&mut self, method: &str, below: &str, body: String) -> Result<Reply, Unreachable> {
        let origin = self.endpoint.origin().clone();
        let place = RequestUrl { origin, path: format!("{}/v2/images{below}", self.endpoint.path()) };
        let headers = [
            ("X-Auth-Token", self.token.expose()),
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
        ];
        let headers = if method == "POST" { &headers[..] } else { &headers[..2] };
        self.client.ask(method, &place, headers, body).await
    }
}

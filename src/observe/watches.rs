//! Which watches run, and their streams.
//!
//! In: what decisions need ([`Needs`]), and which kinds are served. Out: the [`Live`] snapshot. Of
//! foreign namespaces nothing is kept ([`super::scope`]).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use direct_upload_api::{MANAGED_BY, OPERATOR};
use direct_upload_core::model::{Key, Kind, Needs, Selected, Unknown, Watched};
use futures::{StreamExt, TryStreamExt};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Config, Event, watcher};
use tokio::task::AbortHandle;

use super::discovery::{self, Availability, Served};
use super::live::{Live, identity};
use super::scope::{Scope, Widths, narrow, too_many};

/// How long a watch that failed waits before it is tried again; doubled each time …
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// … up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

type Watch = (Kind, Scope, ApiResource);

/// The running watches.
pub struct Watches {
    client: Client,
    live: Arc<Live>,
    /// Namespaces that the operator is restricted to; empty: all.
    namespaces: BTreeSet<String>,
    running: HashMap<Watch, AbortHandle>,
    widths: HashMap<Kind, Widths>,
    served: tokio::sync::watch::Receiver<Served>,
    discovery: AbortHandle,
    /// What the snapshot was told of each kind that may not be served.
    told: Served,
}

impl Watches {
    /// Starts the watches of the resources themselves.
    pub fn start(client: Client, live: Arc<Live>, namespaces: BTreeSet<String>) -> Self {
        let (served, discovery) = discovery::start(client.clone());
        let (running, widths) = (HashMap::new(), HashMap::new());
        let mut watches = Self { client, live, namespaces, running, widths, served, discovery, told: Served::new() };
        watches.restrict();
        watches.set(&Needs::default());
        watches
    }

    /// Waits until other kinds are served than before.
    pub async fn changed(&mut self) {
        // Its task runs as long as this.
        if self.served.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Makes the running watches those that are needed.
    pub fn set(&mut self, needs: &Needs) {
        let served = self.served.borrow_and_update().clone();
        let wanted = self.wanted(needs, &served);
        let stopped: Vec<_> = self.running.keys().filter(|w| !wanted.contains(*w)).cloned().collect();
        for watch in stopped {
            if let Some(task) = self.running.remove(&watch) {
                task.abort();
            }
            // Where another one takes over, what was seen stays.
            let (kind, scope, _) = &watch;
            if let Some(rest) = scope.beside(wanted.iter().filter(|w| w.0 == *kind).map(|w| &w.1)) {
                self.live.forget(*kind, &rest);
            }
        }
        self.tell(served);
        for watch in wanted {
            if !self.running.contains_key(&watch) {
                let task = tokio::spawn(follow(self.client.clone(), self.live.clone(), watch.clone()));
                self.running.insert(watch, task.abort_handle());
            }
        }
    }

    fn wanted(&mut self, needs: &Needs, served: &Served) -> HashSet<Watch> {
        let mut wanted = HashSet::new();
        for kind in Kind::ALL.iter().copied() {
            let resource = if kind.registration().optional {
                let Some(Ok(Some(resource))) = served.get(&kind) else { continue };
                resource.clone()
            } else {
                kind.resource()
            };
            wanted.extend(self.scopes(kind, needs).into_iter().map(|scope| (kind, scope, resource.clone())));
        }
        wanted
    }

    /// Where a kind is watched.
    fn scopes(&mut self, kind: Kind, needs: &Needs) -> Vec<Scope> {
        let restricted = !self.namespaces.is_empty();
        let mut namespaces = needs.namespaces.clone();
        match kind.registration().watched {
            Watched::Own => return self.own_scopes(),
            Watched::Cluster if restricted => return Vec::new(),
            Watched::Cluster => return vec![Scope::All],
            Watched::Named => {
                let names = if kind == Kind::Gateway { &needs.gateways } else { &needs.config_maps };
                // ConfigMaps are never watched all over: most are nobody's business here.
                if kind == Kind::Gateway && !restricted && too_many(names.len()) {
                    return vec![Scope::All];
                }
                return names.iter().cloned().map(Scope::Named).collect();
            }
            Watched::Resources => {}
            Watched::Routes => namespaces.extend(needs.routes_of.iter().cloned()),
        }
        if restricted { narrow(&namespaces).collect() } else { self.widths.entry(kind).or_default().cover(&namespaces) }
    }

    /// Tells the snapshot what it will not hear from any watch: of a kind that is not served there is
    /// no object, and of one that may be served nothing is known.
    fn tell(&mut self, served: Served) {
        for (kind, answer) in &served {
            if self.told.get(kind) == Some(answer) {
                continue;
            }
            let unknown = |why: Unknown| self.live.unknown(*kind, &Scope::All, why);
            match answer {
                Availability::Ok(None) => self.live.none(*kind, &Scope::All),
                Availability::Ok(Some(_)) => unknown(Unknown { why: "not read yet".into(), pending: true }),
                Availability::Err(why) => unknown(why.clone()),
            }
        }
        self.told = served;
    }

    /// What a restricted operator will never see is unknown, and not merely not read yet.
    fn restrict(&self) {
        if self.namespaces.is_empty() {
            return;
        }
        for kind in own_kinds().chain([Kind::Namespace]) {
            let why = format!("{kind:?} objects outside of --watch-namespace cannot be seen");
            self.live.unknown(kind, &Scope::All, Unknown { why, pending: false });
        }
        for (kind, scope) in own_kinds().flat_map(|k| self.own_scopes().into_iter().map(move |s| (k, s))) {
            self.live.unknown(kind, &scope, Unknown { why: "not read yet".into(), pending: true });
        }
    }

    fn own_scopes(&self) -> Vec<Scope> {
        if self.namespaces.is_empty() {
            return vec![Scope::All];
        }
        self.namespaces.iter().cloned().map(Scope::Namespace).collect()
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        self.running.values().chain([&self.discovery]).for_each(AbortHandle::abort);
    }
}

/// The resources themselves.
fn own_kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.iter().copied().filter(|kind| kind.registration().watched == Watched::Own)
}

/// Runs one watch for ever.
async fn follow(client: Client, live: Arc<Live>, (kind, scope, resource): Watch) {
    let api: Api<DynamicObject> = match &scope {
        Scope::All | Scope::Namespaces(_) => Api::all_with(client.clone(), &resource),
        Scope::Namespace(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        Scope::Named(key) => Api::namespaced_with(client.clone(), &key.namespace, &resource),
    };
    let config = match (&scope, kind.registration().selected) {
        (Scope::Named(key), _) => Config::default().fields(&format!("metadata.name={}", key.name)),
        (_, Selected::Fields(fields)) => Config::default().fields(fields),
        (_, Selected::Managed) => Config::default().labels(&format!("{MANAGED_BY}={OPERATOR}")),
        (_, Selected::All) => Config::default(),
    };
    let mut events = watcher(api, config).default_backoff().into_stream().boxed();
    let (mut seen, mut asked) = (HashSet::new(), live.moment());
    let mut wait = FIRST_WAIT;
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => {
                seen.clear();
                asked = live.moment();
            }
            Ok(Event::InitApply(object)) => {
                if let Some(object) = value(&resource, &scope, object) {
                    seen.insert(identity(kind, &object).0);
                    live.put(kind, object);
                }
            }
            Ok(Event::InitDone) => {
                for key in live.listed(kind, &scope, &seen, asked) {
                    confirm(&client, &live, kind, &resource, &key).await;
                }
                seen = HashSet::new();
                wait = FIRST_WAIT;
            }
            Ok(Event::Apply(object)) => {
                if let Some(object) = value(&resource, &scope, object) {
                    live.put(kind, object);
                }
            }
            Ok(Event::Delete(object)) => {
                if let Some(object) = value(&resource, &scope, object) {
                    live.remove(kind, &object);
                }
            }
            Err(error) => {
                trouble(&live, kind, &scope, &error);
                // The watcher's own backoff starts anew with each list that it begins.
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

/// Asks for an object that we wrote while a list was under way that does not hold it. Without an answer it
/// stays: a watch of the time after the list tells of its end.
async fn confirm(client: &Client, live: &Live, kind: Kind, resource: &ApiResource, key: &Key) {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &key.namespace, resource);
    match api.get_opt(&key.name).await {
        Ok(Some(object)) => {
            if let Some(object) = value(resource, &Scope::All, object) {
                live.put(kind, object);
            }
        }
        Ok(None) => live.forget_object(kind, key),
        Err(error) => tracing::warn!(?kind, object = %key, %error, "cannot ask whether this object is there"),
    }
}

/// A refusal makes the scope unknown at once; a lost connection does not: the reflector comes back
/// by itself, and until then what was seen is the best answer.
fn trouble(live: &Live, kind: Kind, scope: &Scope, error: &watcher::Error) {
    let refusal = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => Some(status.message.clone()),
        _ => None,
    };
    if matches!(error, watcher::Error::WatchError(status) if status.code == 410) {
        // The API server says so when too much has happened since: the kind is listed anew.
        tracing::debug!(?kind, ?scope, %error, "watch expired");
    } else {
        tracing::warn!(?kind, ?scope, %error, "watch failed; it is tried again");
    }
    if let Some(message) = refusal {
        let why = format!("{kind:?} objects cannot be read: {message}");
        live.unknown(kind, scope, Unknown { why, pending: false });
    }
}

/// What is to be kept of an event. Items of a list lack apiVersion and kind.
fn value(resource: &ApiResource, scope: &Scope, object: DynamicObject) -> Option<serde_json::Value> {
    let metadata = &object.metadata;
    let key = Key::new(metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default());
    if !scope.holds(&key) {
        return None;
    }
    let mut value = serde_json::to_value(object).ok()?;
    value["apiVersion"] = resource.api_version.clone().into();
    value["kind"] = resource.kind.clone().into();
    Some(value)
}

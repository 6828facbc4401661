//! Which watches run, and their streams.
//!
//! In: what decisions need ([`Needs`]), and which kinds are served. Out: the [`Live`] snapshot. It keeps
//! nothing of foreign namespaces ([`super::scope`]).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use direct_upload_api::{MANAGED_BY, OPERATOR};
use direct_upload_core::derive::ReferencedConfigMaps;
use direct_upload_core::model::{Key, Kind, Needs, Selected, Unknown, Watched};
use futures::StreamExt;
use futures::stream::BoxStream;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Config, Event, watcher};
use serde_json::Value;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::discovery::{self, Availability, Served};
use super::live::{Live, identity};
use super::scope::{Scope, Widths, narrow, too_many};

/// How long to wait before a failed watch is tried again; doubled each time …
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// … up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A watch without a failure for this time is healthy. One that fails for this time sees nothing.
const CALM: Duration = Duration::from_secs(60);

/// So many objects are read at once: all kinds are listed together, and a page is decoded as a whole.
const PAGE: u32 = 50;

/// A list that returns nothing for this time starts again.
const LIST_PATIENCE: Duration = Duration::from_secs(60);

type Watch = (Kind, Scope, ApiResource);

/// The running watches.
pub struct Watches {
    client: Client,
    live: Arc<Live>,
    /// The namespaces to which the operator is restricted; empty: all.
    namespaces: BTreeSet<String>,
    running: HashMap<Watch, AbortHandle>,
    /// What the running watches are for.
    asked: Option<(Arc<Needs>, Arc<ReferencedConfigMaps>)>,
    widths: HashMap<Kind, Widths>,
    served: tokio::sync::watch::Receiver<Served>,
    discovery: AbortHandle,
    /// What the snapshot already knows about each kind that may not be served.
    told: Served,
}

impl Watches {
    /// Starts the watches of the resources themselves.
    pub fn start(client: Client, live: Arc<Live>, namespaces: BTreeSet<String>) -> Self {
        let (served, discovery) = discovery::start(client.clone());
        let (running, widths) = (HashMap::new(), HashMap::new());
        let (asked, told) = (None, Served::new());
        let mut watches = Self { client, live, namespaces, running, asked, widths, served, discovery, told };
        watches.restrict();
        watches.set(&Arc::default(), &Arc::default());
        watches
    }

    /// Waits until the set of served kinds changes.
    pub async fn changed(&mut self) {
        // The task runs as long as this handle exists.
        if self.served.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// A task that has ended although it is needed.
    pub fn ended(&self) -> Option<String> {
        let watch = self.running.iter().find(|(_, task)| task.is_finished());
        let watch = watch.map(|((kind, scope, _), _)| format!("the watch of {kind:?} in {scope:?} has ended"));
        watch.or_else(|| self.discovery.is_finished().then(|| "the discovery of kinds has ended".to_owned()))
    }

    /// Forgets everything, and reads it again. A watch may be late by any time; what the last leader saw and
    /// acted on may be newer than what this replica has seen.
    pub fn renew(&mut self) {
        self.asked = None;
        for ((kind, scope, _), task) in self.running.drain() {
            task.abort();
            self.live.forget(kind, &scope, Some(&scope));
        }
    }

    /// Starts and ends watches until exactly the needed ones run.
    pub fn set(&mut self, needs: &Arc<Needs>, config_maps: &Arc<ReferencedConfigMaps>) {
        let served = self.served.borrow_and_update().clone();
        let are_same = |(n, c): &(_, _)| Arc::ptr_eq(n, needs) && Arc::ptr_eq(c, config_maps);
        if served == self.told && self.asked.as_ref().is_some_and(are_same) {
            return;
        }
        self.asked = Some((needs.clone(), config_maps.clone()));
        let wanted = self.wanted(needs, config_maps, &served);
        let stopped: Vec<_> = self.running.keys().filter(|w| !wanted.contains(*w)).cloned().collect();
        for watch in stopped {
            if let Some(task) = self.running.remove(&watch) {
                task.abort();
            }
            // If another watch takes over, what was seen stays.
            let (kind, scope, _) = &watch;
            let rest = scope.beside(wanted.iter().filter(|w| w.0 == *kind).map(|w| &w.1));
            self.live.forget(*kind, scope, rest.as_ref());
        }
        self.tell(served);
        for watch in wanted {
            if !self.running.contains_key(&watch) {
                let task = tokio::spawn(follow(self.client.clone(), self.live.clone(), watch.clone()));
                self.running.insert(watch, task.abort_handle());
            }
        }
    }

    fn wanted(&mut self, needs: &Needs, config_maps: &ReferencedConfigMaps, served: &Served) -> HashSet<Watch> {
        let mut wanted = HashSet::new();
        for kind in Kind::ALL.iter().copied() {
            let resource = if kind.registration().optional {
                let Some(Ok(Some(resource))) = served.get(&kind) else { continue };
                resource.clone()
            } else {
                kind.resource()
            };
            wanted
                .extend(self.scopes(kind, needs, config_maps).into_iter().map(|scope| (kind, scope, resource.clone())));
        }
        wanted
    }

    /// Where a kind is watched.
    fn scopes(&mut self, kind: Kind, needs: &Needs, config_maps: &ReferencedConfigMaps) -> Vec<Scope> {
        let restricted = !self.namespaces.is_empty();
        let mut namespaces = needs.namespaces.clone();
        match kind.registration().watched {
            Watched::Own => return self.own_scopes(),
            Watched::Cluster if restricted => return Vec::new(),
            Watched::Cluster => return vec![Scope::All],
            Watched::Named => {
                // ConfigMaps are never watched in all namespaces, because most are of no interest here.
                if kind == Kind::ReferencedConfigMap {
                    return config_maps.iter().cloned().map(Scope::Named).collect();
                }
                let names = needs.named.get(&kind).into_iter().flatten();
                if !restricted && too_many(names.clone().count()) {
                    return vec![Scope::All];
                }
                return names.cloned().map(Scope::Named).collect();
            }
            Watched::Resources => {}
            Watched::Policies => {
                let parents = [Kind::Gateway, Kind::ListenerSet, Kind::XListenerSet].into_iter();
                let parents = parents.filter_map(|kind| needs.named.get(&kind)).flatten().filter(|_| !restricted);
                namespaces.extend(parents.map(|parent| parent.namespace.clone()));
            }
            Watched::Routes => namespaces.extend(needs.routes_of.get(&kind).into_iter().flatten().cloned()),
        }
        if restricted { narrow(&namespaces).collect() } else { self.widths.entry(kind).or_default().cover(&namespaces) }
    }

    /// Puts into the snapshot what no watch reports. No object exists of a kind that is not served, and
    /// nothing is known about one that may be served.
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

    /// What a restricted operator never sees is unknown, and not merely unread.
    fn restrict(&self) {
        if self.namespaces.is_empty() {
            return;
        }
        for kind in own_kinds().chain([Kind::Namespace, Kind::GatewayClass]) {
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

/// Runs one watch forever. Only a list makes a scope known, and a resumed watch never lists. So if the
/// scope became unknown for any reason, the watch starts from the beginning.
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
    let config = config.page_size(PAGE);
    let watch = OneWatch { client, live, kind, scope, resource };
    let mut trouble = Trouble::default();
    loop {
        watch.live.watched(kind, &watch.scope);
        watch.run(watcher(api.clone(), config.clone()).default_backoff().boxed(), &mut trouble).await;
        tokio::time::sleep(trouble.wait()).await;
    }
}

/// What one watch reports, and to whom.
struct OneWatch {
    client: Client,
    live: Arc<Live>,
    kind: Kind,
    scope: Scope,
    resource: ApiResource,
}

impl OneWatch {
    /// Takes in events until the scope must be listed again.
    async fn run(&self, mut events: BoxStream<'_, watcher::Result<Event<DynamicObject>>>, trouble: &mut Trouble) {
        let Self { live, kind, scope, resource, .. } = self;
        let (mut seen, mut asked) = (HashSet::new(), live.moment());
        let mut listing = true;
        loop {
            let event = if listing {
                let Ok(event) = tokio::time::timeout(LIST_PATIENCE, events.next()).await else {
                    trouble.note();
                    return self.delayed();
                };
                event
            } else {
                events.next().await
            };
            match event {
                None => return,
                Some(Ok(Event::Init)) => {
                    seen.clear();
                    asked = live.moment();
                    listing = true;
                }
                Some(Ok(Event::InitApply(object))) => {
                    if let Some(object) = value(resource, scope, object) {
                        seen.insert(identity(*kind, &object).0);
                        live.put(*kind, object);
                    }
                }
                Some(Ok(Event::InitDone)) => {
                    listing = false;
                    trouble.listed();
                    for (key, uid) in live.listed(*kind, scope, &seen, asked) {
                        self.confirm(&key, &uid).await;
                    }
                    seen = HashSet::new();
                }
                Some(Ok(Event::Apply(object))) => {
                    if let Some(object) = value(resource, scope, object) {
                        live.put(*kind, object);
                    }
                }
                Some(Ok(Event::Delete(object))) => {
                    if let Some(object) = value(resource, scope, object) {
                        live.remove(*kind, &object);
                    }
                }
                Some(Err(error)) => {
                    trouble.note();
                    if self.is_blinded(&error, trouble) {
                        return;
                    }
                    // The watcher's own backoff restarts with each list.
                    tokio::time::sleep(trouble.wait()).await;
                }
            }
        }
    }

    /// Asks for an object that we wrote during a list that does not contain it. Without an answer it stays;
    /// a later watch reports its end.
    async fn confirm(&self, key: &Key, uid: &str) {
        let Self { client, live, kind, resource, .. } = self;
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &key.namespace, resource);
        match api.get_opt(&key.name).await {
            Ok(Some(object)) => {
                if let Some(object) = value(resource, &Scope::All, object) {
                    live.put(*kind, object);
                }
            }
            Ok(None) => live.forget_object(*kind, key, uid),
            Err(error) => tracing::warn!(?kind, object = %key, %error, "cannot ask whether this object is there"),
        }
    }

    /// A refusal makes the scope unknown immediately. A lost connection does so only if it lasts: the watch
    /// returns by itself, and until then what was seen is the best answer.
    fn is_blinded(&self, error: &watcher::Error, trouble: &Trouble) -> bool {
        let Self { live, kind, scope, .. } = self;
        let refusal = match error {
            // The kind itself is gone. Its objects went before it, and that was seen.
            watcher::Error::InitialListFailed(kube::Error::Api(status))
            | watcher::Error::WatchStartFailed(kube::Error::Api(status))
                if status.code == 404 =>
            {
                None
            }
            watcher::Error::InitialListFailed(kube::Error::Api(status))
            | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => Some(status.message.clone()),
            _ => trouble.lasts().then(|| error.to_string()),
        };
        if matches!(error, watcher::Error::WatchError(status) if status.code == 410) {
            // The API server says this if too much has happened since. The kind is then listed again.
            tracing::debug!(?kind, ?scope, %error, "watch expired");
        } else {
            tracing::warn!(?kind, ?scope, %error, "watch failed; it is tried again");
        }
        let Some(message) = refusal else { return false };
        let why = format!("{kind:?} objects cannot be read: {message}");
        live.blinded(*kind, scope, Unknown { why, pending: false });
        true
    }

    /// The API server does not continue a list.
    fn delayed(&self) {
        let Self { live, kind, scope, .. } = self;
        tracing::warn!(?kind, ?scope, "the list does not end; it starts again");
        let seconds = LIST_PATIENCE.as_secs();
        let why = format!("{kind:?} objects cannot be read: the API server has not continued a list for {seconds} s");
        live.delayed(*kind, scope, Unknown { why, pending: false });
    }
}

/// Consecutive failures of a watch.
#[derive(Debug, Default)]
struct Trouble(Option<Series>);

#[derive(Debug)]
struct Series {
    /// The first of them, or the last list that ended.
    since: Instant,
    last: Instant,
    count: u32,
}

impl Trouble {
    /// Adds one.
    fn note(&mut self) {
        let now = Instant::now();
        match &mut self.0 {
            Some(series) if now - series.last < CALM => (series.last, series.count) = (now, series.count + 1),
            _ => self.0 = Some(Series { since: now, last: now, count: 1 }),
        }
    }

    /// Everything was seen now. This does not end the series, because a watch may be refused after each
    /// list.
    fn listed(&mut self) {
        if let Some(series) = &mut self.0 {
            series.since = Instant::now();
        }
    }

    /// Whether it has lasted so long that the earlier state says nothing any more.
    fn lasts(&self) -> bool {
        self.0.as_ref().is_some_and(|series| series.last.duration_since(series.since) > CALM)
    }

    /// How long to wait now.
    fn wait(&self) -> Duration {
        let doubled = self.0.as_ref().map_or(0, |series| series.count - 1).min(10);
        (FIRST_WAIT * 2u32.pow(doubled)).min(LONGEST_WAIT)
    }
}

/// What to keep of an event. Items of a list lack apiVersion and kind.
fn value(resource: &ApiResource, scope: &Scope, object: DynamicObject) -> Option<Value> {
    let metadata = &object.metadata;
    let key = Key::new(metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default());
    if !scope.holds(&key) {
        return None;
    }
    let DynamicObject { metadata, data: Value::Object(mut fields), .. } = object else { return None };
    fields.insert("metadata".to_owned(), serde_json::to_value(metadata).ok()?);
    fields.insert("apiVersion".to_owned(), resource.api_version.clone().into());
    fields.insert("kind".to_owned(), resource.kind.clone().into());
    Some(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Failures in a row wait longer and longer. They make a scope unknown only after they have lasted
    /// without a list.
    #[tokio::test]
    async fn failures_that_follow_each_other() {
        let mut trouble = Trouble::default();
        assert_eq!(trouble.wait(), FIRST_WAIT);
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        for expected in [500, 1000, 2000, 4000, 8000, 10000, 10000] {
            trouble.note();
            assert_eq!(trouble.wait(), Duration::from_millis(expected));
        }
        assert!(!trouble.lasts());
        let began = |trouble: &mut Trouble, since| trouble.0.as_mut().unwrap().since = since;
        began(&mut trouble, ago(61));
        assert!(trouble.lasts());
        trouble.listed();
        assert!(!trouble.lasts());
        assert_eq!(trouble.wait(), LONGEST_WAIT, "a watch that is refused after each list is not tried at once");
        trouble.0.as_mut().unwrap().last = ago(60);
        trouble.note();
        assert_eq!(trouble.wait(), FIRST_WAIT, "it was well for a minute");
    }
}

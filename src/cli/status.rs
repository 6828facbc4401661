//! `status`: how far each dashboard's uploads get, and what blocks them.

pub mod text;
pub mod tree;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use direct_upload_api::{Glance, Horizon, MANAGED_BY, OPERATOR, OpenStackAPI};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::api::{Api, ListParams};
use kube::core::NamespaceResourceScope;
use kube::runtime::watcher;
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use super::exit::ended;
use super::output;
use crate::cli::status::tree::upload_paths;

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  kubectl direct-upload status
  kubectl direct-upload status -n openstack --watch
  kubectl direct-upload status -A -o yaml > status.yaml    # to attach to a bug report

Shows what the operator wrote into the statuses, in the order of an upload's path, up to the first failure.
Uses your own rights, and changes nothing. -o yaml and json print the resources, the ConfigMaps that the
operator made for them, and its events. It reads no Secret.";

/// How long to collect changes before they are shown together.
const TOGETHER: Duration = Duration::from_millis(200);

/// Arguments of `status`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Namespace to read; default: the kubeconfig's
    #[arg(short, long)]
    namespace: Option<String>,
    /// Read all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Continue, and show each dashboard again when something about it changes; Ctrl-C ends it
    #[arg(short, long, conflicts_with = "output")]
    watch: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for people.
    Text,
    /// A YAML List of all objects that the status comes from.
    Yaml,
    /// The same as JSON.
    Json,
}

#[derive(Debug, Error)]
enum StatusError {
    #[error("no cluster: {0}; set KUBECONFIG, or name a context with kubectl config use-context")]
    Client(#[source] kube::Error),
    #[error("{0} objects cannot be listed: {1}")]
    List(String, #[source] kube::Error),
    #[error("{0} is not known to this cluster: install the custom resource definitions (direct-upload-operator crd)")]
    NotInstalled(String),
    #[error("{0} objects cannot be watched: {1}")]
    Watch(String, #[source] watcher::Error),
    #[error("{0}")]
    Output(#[from] std::io::Error),
    #[error("an object cannot be printed: {0}")]
    Encode(#[from] serde_json::Error),
}

/// Runs the command.
pub async fn main(args: Args) -> ExitCode {
    ended(show(&args).await)
}

async fn show(args: &Args) -> Result<(), StatusError> {
    let scope = Lister { client: Client::try_default().await.map_err(StatusError::Client)?, args };
    if args.watch {
        return follow(&scope).await;
    }
    let (horizons, glances) = (scope.list::<Horizon>("").await?, scope.list::<Glance>("").await?);
    let apis = scope.list::<OpenStackAPI>("").await?;
    if horizons.is_empty() && glances.is_empty() && apis.is_empty() {
        let place = if args.all_namespaces { "in this cluster" } else { "in this namespace (-A looks at all)" };
        output::say(format_args!("no Horizon, no Glance and no OpenStackAPI {place}"));
    }
    match args.output {
        Format::Text => {
            let ways = upload_paths(&horizons, &glances, &apis);
            let trees: Vec<_> = ways.iter().map(|way| text::text(way, output::coloured())).collect();
            output::data(&trees.join("\n"))?;
        }
        format => {
            let mut objects = values(&horizons)?;
            objects.extend(values(&glances)?);
            objects.extend(values(&apis)?);
            objects.extend(values(&scope.list::<ConfigMap>(&format!("{MANAGED_BY}={OPERATOR}")).await?)?);
            let events = scope.list::<Event>("").await?;
            let ours = events.into_iter().filter(|event| event.reporting_component.as_deref() == Some(OPERATOR));
            objects.extend(values(&ours.collect::<Vec<_>>())?);
            let list = output::list(&objects);
            let printed =
                if format == Format::Json { list } else { super::yaml::document(&serde_json::from_str(&list)?) };
            output::data(&printed)?;
        }
    }
    Ok(())
}

/// Objects as a user would write them, without what only the API server needs.
fn values<K: Resource<DynamicType = ()> + Serialize>(objects: &[K]) -> Result<Vec<Value>, StatusError> {
    let printed = objects.iter().map(|object| {
        let mut value = serde_json::to_value(object)?;
        value["apiVersion"] = K::api_version(&()).into();
        value["kind"] = K::kind(&()).into();
        if let Some(metadata) = value["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        if let Some(annotations) = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        Ok(value)
    });
    printed.collect()
}

/// Prints changes until the user stops it.
async fn follow(scope: &Lister<'_>) -> Result<(), StatusError> {
    let (mut horizons, mut glances, mut apis) =
        (scope.watch::<Horizon>(), scope.watch::<Glance>(), scope.watch::<OpenStackAPI>());
    let (mut seen_horizons, mut seen_glances, mut seen_apis) = (Seen::default(), Seen::default(), Seen::default());
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    let mut changed = true;
    loop {
        let complete = seen_horizons.complete && seen_glances.complete && seen_apis.complete;
        tokio::select! {
            Some(event) = horizons.next() => changed |= seen_horizons.take(event)?,
            Some(event) = glances.next() => changed |= seen_glances.take(event)?,
            Some(event) = apis.next() => changed |= seen_apis.take(event)?,
            () = tokio::time::sleep(TOGETHER), if complete && changed => {
                changed = false;
                let now = upload_paths(&seen_horizons.all(), &seen_glances.all(), &seen_apis.all());
                let now: BTreeMap<_, _> = now.iter().map(|way| (way.of.clone(), text::text(way, output::coloured()))).collect();
                for tree in now.iter().filter(|(of, tree)| shown.get(*of) != Some(tree)).map(|(_, tree)| tree) {
                    output::data(&format!("{tree}\n"))?;
                }
                for gone in shown.keys().filter(|of| !now.contains_key(*of)) {
                    output::data(&format!("{gone}  is gone\n\n"))?;
                }
                shown = now;
            }
        }
    }
}

/// The objects of a kind, from a watch.
struct Seen<K> {
    objects: BTreeMap<(Option<String>, String), K>,
    /// Whether all objects of the first list have arrived.
    complete: bool,
}

impl<K> Default for Seen<K> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), complete: false }
    }
}

impl<K: Resource<DynamicType = ()> + Clone> Seen<K> {
    /// Takes in an event. Returns whether there may be something new to show.
    fn take(&mut self, event: watcher::Result<watcher::Event<K>>) -> Result<bool, StatusError> {
        match event {
            Ok(watcher::Event::Init) => self.objects.clear(),
            Ok(watcher::Event::InitApply(object) | watcher::Event::Apply(object)) => {
                self.objects.insert((object.namespace(), object.name_any()), object);
            }
            Ok(watcher::Event::Delete(object)) => {
                self.objects.remove(&(object.namespace(), object.name_any()));
            }
            Ok(watcher::Event::InitDone) => self.complete = true,
            // A watch that broke off starts again. One that never worked will not work.
            Err(error) if !self.complete => return Err(StatusError::Watch(K::kind(&()).into_owned(), error)),
            Err(_) => return Ok(false),
        }
        Ok(true)
    }

    fn all(&self) -> Vec<K> {
        self.objects.values().cloned().collect()
    }
}

struct Lister<'a> {
    client: Client,
    args: &'a Args,
}

impl Lister<'_> {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match &self.args.namespace {
            _ if self.args.all_namespaces => Api::all(self.client.clone()),
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::default_namespaced(self.client.clone()),
        }
    }

    async fn list<K>(&self, labels: &str) -> Result<Vec<K>, StatusError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned,
    {
        match self.api::<K>().list(&ListParams::default().labels(labels)).await {
            Ok(list) => Ok(list.items),
            Err(kube::Error::Api(status)) if status.code == 404 => {
                Err(StatusError::NotInstalled(K::kind(&()).into_owned()))
            }
            Err(error) => Err(StatusError::List(K::kind(&()).into_owned(), error)),
        }
    }

    fn watch<K>(&self) -> impl futures::Stream<Item = watcher::Result<watcher::Event<K>>> + use<K> + Unpin
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Send
            + 'static,
    {
        Box::pin(watcher(self.api(), watcher::Config::default()))
    }
}

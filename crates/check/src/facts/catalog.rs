//! What Keystone's catalog says about Glance, if manifests show it.
//!
//! In: objects. Out: each statement about a public image endpoint: openstack-helm's endpoint jobs and
//! openstack-k8s-operators' KeystoneEndpoint.

use direct_upload_api::web::{Origin, PublicUrl};
use serde_json::Value;

use crate::finding::Location;
use crate::objects::Object;
use crate::unit::Program;

/// A URL that is published for Glance.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    pub url: String,
    pub place: Location,
    pub scope: Vec<String>,
    pub source: UrlSource,
}

/// The source of a published URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlSource {
    /// What fills the catalog.
    Catalog,
    /// Glance's own `public_endpoint`.
    Glance,
    /// The URL where Glance is exposed.
    Exposed,
    /// Glance's own `public_endpoint`, which has the host where it is exposed.
    Both,
}

impl Published {
    /// All of some objects.
    pub fn find(objects: &[Object]) -> Vec<Self> {
        objects.iter().flat_map(|object| [endpoint_job(object), keystone_endpoint(object)].concat()).collect()
    }

    /// The path below which it publishes Glance's own paths. A version at its end is a mistake of its own (DU011), and not one
    /// of what is in front of Glance.
    pub(crate) fn prefix(&self) -> Option<String> {
        let url = PublicUrl::parse(&self.url).ok()?;
        let path = url.path().trim_end_matches('/');
        Some(version_of(path).map_or(path, |version| &path[..path.len() - version.len() - 1]).to_owned())
    }

    fn new(object: &Object, url: &str, path: &[&str]) -> Self {
        Self {
            url: url.to_owned(),
            place: object.place(path),
            scope: vec![object.namespace().to_owned()],
            source: UrlSource::Catalog,
        }
    }
}

/// The version at the end of a path: `v2`, `v2.1`.
pub(crate) fn version_of(path: &str) -> Option<&str> {
    let last = path.rsplit('/').next()?;
    let digits = last.strip_prefix('v').filter(|digits| !digits.is_empty())?;
    digits.chars().all(|c| c.is_ascii_digit() || c == '.').then_some(last)
}

/// openstack-helm's Job `…-ks-endpoints`: a container for each interface.
fn endpoint_job(object: &Object) -> Vec<Published> {
    if object.kind() != "Job" {
        return Vec::new();
    }
    let containers = object.value.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let mut found = Vec::new();
    for (at, container) in containers.into_iter().flatten().enumerate() {
        let env = |name: &str| {
            let variables = container["env"].as_array()?;
            let at = variables.iter().position(|v| v["name"] == name)?;
            Some((at, variables[at]["value"].as_str()?))
        };
        let is = |name: &str, value: &str| env(name).is_some_and(|(_, v)| v == value);
        if !is("OS_SVC_ENDPOINT", "public") || !is("OS_SERVICE_TYPE", "image") {
            continue;
        }
        if let Some((variable, url)) = env("OS_SERVICE_ENDPOINT") {
            let (at, variable) = (at.to_string(), variable.to_string());
            let path = ["spec", "template", "spec", "containers", &at, "env", &variable, "value"];
            found.push(Published::new(object, url, &path));
        }
    }
    found
}

fn keystone_endpoint(object: &Object) -> Vec<Published> {
    let glance = object.value.pointer("/spec/serviceName").and_then(Value::as_str) == Some("glance");
    let url = object.value.pointer("/spec/endpoints/public").and_then(Value::as_str);
    match url {
        Some(url) if object.kind() == "KeystoneEndpoint" && glance => {
            vec![Published::new(object, url, &["spec", "endpoints", "public"])]
        }
        _ => Vec::new(),
    }
}

/// What is published below a host where Glance is exposed: a route's own prefix need not be a part of it, and something before
/// a route without TLS may end TLS.
pub(super) fn confirm(own: &mut Published, endpoints: &[Published]) {
    let origin = |text: &str| PublicUrl::parse(text).ok().map(|url| url.origin().clone());
    let is_behind_tls = |other: &Origin, own: &Origin| {
        let is_usual = |origin: &Origin| origin.as_str().ends_with(&format!("://{}", origin.host()));
        other.is_https() && !own.is_https() && other.host() == own.host() && is_usual(own) && is_usual(other)
    };
    let is_it = |other: &&Published| {
        if other.scope != own.scope {
            return false;
        }
        let (Some(theirs), Some(ours)) = (origin(&other.url), origin(&own.url)) else { return false };
        theirs == ours || is_behind_tls(&theirs, &ours)
    };
    let Some(stated) = endpoints.iter().find(is_it).filter(|_| own.source == UrlSource::Exposed) else { return };
    if stated.url.trim_end_matches('/') != own.url.trim_end_matches('/') {
        (own.url, own.place) = (stated.url.clone(), stated.place.clone());
    }
    own.source = UrlSource::Both;
}

/// Names of hosts that only one of the two programs has. `of_horizon`: those of dashboards.
pub(super) fn known_hosts(of_horizon: &[String], endpoints: &[Published]) -> Vec<(String, Program)> {
    // Below a path of the dashboard's host, the host is still the dashboard's.
    let of_endpoint = |published: &Published| {
        let url = PublicUrl::parse(&published.url).ok()?;
        let host = url.origin().host().to_owned();
        (url.path().is_empty() || !of_horizon.contains(&host)).then_some(host)
    };
    let of_glance: Vec<String> = endpoints.iter().filter_map(of_endpoint).collect();
    let only = |own: &[String], other: &[String], program: Program| {
        own.iter().filter(|host| !other.contains(host)).map(|host| (host.clone(), program)).collect::<Vec<_>>()
    };
    [only(of_horizon, &of_glance, Program::Horizon), only(&of_glance, of_horizon, Program::Glance)].concat()
}

//! What each kind of exposing object has to say: its URLs, what was assumed or left out, and which hosts it claims.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{ExposedBy, ExposureKind};

use super::backends::Backends;
use crate::derive::exposing_object::ExposingObject;
use crate::model::{Advice, FieldPath, Id, Key, Needs, Observed, Problem, Snapshot, Store};

/// One URL and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    pub url: PublicUrl,
    pub source: ExposureSource,
    /// No object states its port, so the scheme's default is assumed.
    pub port_assumed: bool,
}

/// What gives a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExposureSource {
    /// `spec.publicURL` of the resource.
    Stated,
    /// An exposing object.
    Object(Id),
}

impl ExposureSource {
    /// The same advice, about what gives the URL.
    pub(crate) fn advised(&self, advice: Advice) -> Advice {
        match self {
            Self::Stated => advice.field(FieldPath::new(&["spec", "publicURL"])),
            Self::Object(object) => advice.object(object.clone()),
        }
    }

    /// The exposing object, if one gives the URL.
    pub fn object(&self) -> Option<&Id> {
        match self {
            Self::Stated => None,
            Self::Object(object) => Some(object),
        }
    }
}

/// `spec.publicURL` or e.g. `Ingress openstack/horizon`.
impl fmt::Display for ExposureSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stated => f.write_str("spec.publicURL"),
            Self::Object(object) => object.fmt(f),
        }
    }
}

impl Exposure {
    /// Whether browsers may also come from that origin: it differs only in the port, which is assumed here.
    pub fn may_be(&self, origin: &Origin) -> bool {
        self.port_assumed && self.url.origin().without_port() == origin.without_port()
    }
}

/// All URLs of one service. The first is the primary: `publicURL` if given, else https before http, then
/// the order of `exposedBy`, else of kind (as in `KINDS`) and name, then as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposures {
    pub urls: Vec<Exposure>,
    /// What was assumed or left out.
    pub notes: Vec<Advice>,
    /// The objects that lead there, if they can block uploads.
    pub exposing: Vec<ExposingObject>,
}

impl Exposures {
    /// The primary URL.
    pub fn primary(&self) -> Option<&PublicUrl> {
        self.urls.first().map(|e| &e.url)
    }

    /// Whether `spec.publicURL` alone decides.
    pub fn is_stated(&self) -> bool {
        self.urls.first().is_some_and(|exposure| exposure.source == ExposureSource::Stated)
    }

    /// The objects that give an origin, or may. `resource` is the one whose `spec.publicURL` states it.
    pub fn sources_of(&self, origin: &Origin, resource: &Id) -> BTreeSet<Id> {
        let here = self.urls.iter().filter(|exposure| exposure.url.origin() == origin || exposure.may_be(origin));
        here.map(|exposure| exposure.source.object().unwrap_or(resource).clone()).collect()
    }

    /// Adds a URL that the object of these notes gives.
    pub(super) fn add(&mut self, notes: &Notes<'_>, url: PublicUrl, port_assumed: bool) {
        self.urls.push(Exposure { url, source: ExposureSource::Object(notes.object()), port_assumed });
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.urls.extend(other.urls);
        self.notes.extend(other.notes);
        self.exposing.extend(other.exposing);
    }

    /// The same in order, without what browsers cannot or need not use. `namespace`: the workload's.
    pub(super) fn for_browsers(mut self, namespace: &str) -> Self {
        let internal = |url: &PublicUrl| {
            let origin = url.origin();
            // `horizon.openstack` and similar names work only inside the cluster. An Ingress of openstack-helm
            // has one.
            let short = origin.host().split_once('.').is_some_and(|(_, rest)| rest == namespace);
            origin.unreachable().or(short.then_some("a cluster-internal name"))
        };
        // A stable sort keeps the order otherwise.
        self.urls.sort_by_key(|e| (internal(&e.url).is_some(), !e.url.origin().is_https()));
        let mut seen = BTreeSet::new();
        self.urls.retain(|e| seen.insert(e.url.clone()));
        let public = self.urls.iter().any(|e| internal(&e.url).is_none());
        let secure = self.urls.iter().map(|e| e.url.origin()).filter(|o| o.is_https());
        let secure: BTreeSet<String> = secure.map(|o| o.host().to_owned()).collect();
        let mut left_out: Vec<Advice> = Vec::new();
        self.urls.retain(|e| {
            let origin = e.url.origin();
            let why = match internal(&e.url) {
                Some(why) if public => format!("{origin} is {why} and is left out"),
                _ if !origin.is_https() && secure.contains(origin.host()) => {
                    format!("{origin} is left out: the same host is served by https; let {} redirect to it", e.source)
                }
                _ => return true,
            };
            let note = e.source.advised(Advice::new(why));
            if !left_out.contains(&note) {
                left_out.push(note);
            }
            false
        });
        self.notes.extend(left_out);
        let Self { urls, notes, exposing } = &mut self;
        urls.shrink_to_fit();
        notes.shrink_to_fit();
        exposing.shrink_to_fit();
        self
    }

    /// Ends with the object that led there.
    pub(super) fn finish(mut self, notes: Notes<'_>, through: impl FnOnce() -> Option<ExposingObject>) -> Self {
        self.notes = notes.found;
        if !self.urls.is_empty() {
            self.exposing.extend(through());
        }
        self
    }
}

/// What to report about one object, each thing once.
pub(crate) struct Notes<'a> {
    kind: ExposureKind,
    key: &'a Key,
    found: Vec<Advice>,
}

impl<'a> Notes<'a> {
    pub(super) const fn new(kind: ExposureKind, key: &'a Key) -> Self {
        Self { kind, key, found: Vec::new() }
    }

    pub(super) fn object(&self) -> Id {
        Id { kind: self.kind.to_string(), key: self.key.clone() }
    }

    pub(super) fn add(&mut self, what: impl fmt::Display) {
        let note = Advice::new(what.to_string()).object(self.object());
        if !self.found.contains(&note) {
            self.found.push(note);
        }
    }
}

/// How a resource says that it is exposed.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    pub public_url: Option<&'a str>,
    pub exposed_by: Option<&'a [ExposedBy]>,
}

/// The object that an entry of `exposedBy` names.
pub(super) fn key_of(named: &ExposedBy, namespace: &str) -> Key {
    Key::new(named.namespace.as_deref().unwrap_or(namespace), named.name.clone())
}

/// Called for each host and path that an object claims, with the object.
pub(crate) type HostClaims<'a> = &'a mut dyn FnMut(&str, &str, ExposureKind, &Key);

/// A kind of object through which browsers may reach a workload.
pub(super) trait Exposing: Observed + 'static {
    /// All objects of this kind.
    fn store(snapshot: &Snapshot) -> &Store<Self>;

    /// Other namespaces whose objects may lead to Services of this one without being named.
    fn other_namespaces(_: &Snapshot, _: &str) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// The URLs under which an object exposes any of the Services.
    ///
    /// # Errors
    /// [`Problem`] if something that the answer depends on cannot be seen.
    fn exposures(snapshot: &Snapshot, object: &Arc<Self>, backends: &Backends) -> Result<Exposures, Problem>;

    /// The hosts and paths that an object claims.
    fn claims(&self, snapshot: &Snapshot, found: HostClaims<'_>);

    /// What else must be watched to know the exposures of workloads in these namespaces.
    fn needs(_: &Snapshot, _: &BTreeSet<&str>, _: &mut Needs) {}
}

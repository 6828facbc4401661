//! Where uploads go: one Glance, or one for each region.

use std::collections::BTreeSet;

use direct_upload_api::web::{Endpoint, Origin, PublicUrl};
use direct_upload_api::{DirectUpload, GlanceRef};

use crate::model::{Epoch, FieldPath, Key, PathElement, Problem, Unknown};
use crate::workload::Unfinished;

/// Who answers the upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Partner {
    /// A Glance resource.
    Glance(Key),
    /// Only a URL: `glanceEndpoint` without any Glance resource.
    External(PublicUrl),
}

/// Why nobody is known who answers the upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPartner {
    /// There is no such Glance, or it does not allow this Horizon. No upload passes there.
    Lost(Problem),
    /// Several match, a field is mistyped, or something cannot be seen. No mode changes because of it.
    Undecided(Problem),
}

impl NoPartner {
    pub const fn problem(&self) -> &Problem {
        match self {
            Self::Lost(problem) | Self::Undecided(problem) => problem,
        }
    }
}

impl From<Problem> for NoPartner {
    fn from(problem: Problem) -> Self {
        Self::Undecided(problem)
    }
}

impl From<Unknown> for NoPartner {
    fn from(unknown: Unknown) -> Self {
        Self::Undecided(unknown.into())
    }
}

/// Why no URL for uploads is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoEndpoint {
    /// The spec states something that is no URL.
    Invalid(Problem),
    /// No browser can upload to the URL, whatever Glance answers.
    Unreachable(Problem),
    /// Nothing says where browsers upload to, or it cannot be seen.
    Unknown(Problem),
}

impl NoEndpoint {
    pub const fn problem(&self) -> &Problem {
        match self {
            Self::Invalid(problem) | Self::Unreachable(problem) | Self::Unknown(problem) => problem,
        }
    }
}

/// What a Horizon must know about its Glance. It is read from the cluster, never from a status.
#[derive(Clone, Debug, PartialEq)]
pub struct GlanceState {
    pub key: Key,
    /// Origins of this Horizon that every Glance pod accepts, or why that is unknown.
    pub accepts: Result<BTreeSet<Origin>, Problem>,
    /// Whether some pod refuses uploads from any origin, because it accepts images by import only.
    pub refuses: bool,
    /// Whether Glance's rollout is complete as far as this Horizon needs it, or why not.
    pub rolled_out: Result<(), Unfinished>,
    /// A digest of its files without their lists of origins; none while pods differ in more than those.
    pub besides_origins: Option<u64>,
    /// Why Glance cannot accept anything, if so.
    pub blocked: Option<Problem>,
}

impl GlanceState {
    /// What an answer to an accepted origin depends on.
    pub(super) fn epoch(&self) -> Epoch {
        self.besides_origins.map(|digest| format!("{digest:016x}"))
    }

    /// Without what concerns others, so that a Horizon's view changes only with its own data. `crossing`: the origins
    /// from which its browsers need CORS. If its pods upload directly and every Glance pod accepts those, it needs
    /// nothing of what Glance rolls out for others.
    #[must_use]
    pub fn seen_from(&self, crossing: &BTreeSet<Origin>, is_direct: bool) -> Self {
        let Self { key, accepts, refuses, rolled_out, besides_origins, blocked } = self;
        // Not the whole set, which has the origins of all dashboards.
        let own = |all: &BTreeSet<Origin>| crossing.intersection(all).cloned().collect();
        let accepts: Result<BTreeSet<_>, _> = accepts.as_ref().map(own).map_err(Clone::clone);
        let is_served = is_direct && !refuses && accepts.as_ref().is_ok_and(|accepts| accepts == crossing);
        Self {
            key: key.clone(),
            accepts,
            refuses: *refuses,
            rolled_out: if is_served { Ok(()) } else { rolled_out.clone() },
            besides_origins: *besides_origins,
            blocked: blocked.clone().filter(|_| !is_served),
        }
    }
}

/// One Glance to which a dashboard's users upload. A dashboard has one upload mode, so it may be direct
/// only while all of its destinations accept uploads.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    /// The region; none if the spec names no regions.
    pub region: Option<String>,
    /// The Glance resource that the spec names.
    pub named: Option<Key>,
    pub partner: Result<Partner, NoPartner>,
    /// The URL to which the browser will upload.
    pub endpoint: Result<Endpoint, NoEndpoint>,
    /// Neither the catalog nor the spec states the URL. It is where Glance is exposed.
    pub assumed: bool,
}

impl Destination {
    /// The dashboard's origins from which uploads here need CORS; all, if that is unknown.
    pub fn crossing(&self, mut origins: BTreeSet<Origin>) -> BTreeSet<Origin> {
        if let Ok(endpoint) = &self.endpoint {
            origins.remove(endpoint.origin());
        }
        origins
    }

    /// The Glance resource, if there is one.
    pub fn key(&self) -> Option<&Key> {
        match &self.partner {
            Ok(Partner::Glance(key)) => Some(key),
            Ok(Partner::External(_)) | Err(_) => None,
        }
    }

    /// A problem with the region's name, if regions have names.
    #[must_use]
    pub fn problem(&self, problem: &Problem) -> Problem {
        match &self.region {
            Some(region) => problem.within(format!("region {region}")),
            None => problem.clone(),
        }
    }
}

/// What the spec says about one destination.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub region: Option<&'a str>,
    pub glance_ref: Option<&'a GlanceRef>,
    pub glance_endpoint: Option<&'a str>,
}

impl<'a> Wish<'a> {
    /// One for each region, or the only one.
    pub fn list(direct_upload: &'a DirectUpload) -> Vec<Self> {
        if direct_upload.regions.is_empty() {
            let DirectUpload { glance_ref, glance_endpoint, .. } = direct_upload;
            return vec![Self {
                region: None,
                glance_ref: glance_ref.as_ref(),
                glance_endpoint: glance_endpoint.as_deref(),
            }];
        }
        let wish = |region: &'a direct_upload_api::Region| Self {
            region: Some(&region.name),
            glance_ref: region.glance_ref.as_ref(),
            glance_endpoint: region.glance_endpoint.as_deref(),
        };
        direct_upload.regions.iter().map(wish).collect()
    }

    /// The Glance resource that it names, from the view of a namespace.
    pub fn named(&self, namespace: &str) -> Option<Key> {
        let named = self.glance_ref?;
        Some(Key::new(named.namespace.as_deref().unwrap_or(namespace), named.name.clone()))
    }

    /// The path of a field of this destination.
    pub fn field(&self, name: &str) -> FieldPath {
        let path = FieldPath::new(&["spec", "directUpload"]);
        let path = match self.region {
            Some(region) => path.field("regions").then(PathElement::Key(region.to_owned())),
            None => path,
        };
        path.field(name)
    }
}

//! The same settings for a deployment tool that writes the files itself.
//!
//! In: rendered files of a service, and what of its resource is in no file. Out: a fragment that is merged into the
//! tool's own tree, with a comment that says where it goes and what comes next.
//!
//! What a fragment says is read from the rendered files, so it is what the operator would mount. The shapes are
//! those of the tools' sources, each named in its own file.

mod ansible;
mod contents;
mod fields;
mod helm;
mod kolla;
mod next;
mod rhoso;
mod snippet;
mod text;

use std::fmt;
use std::str::FromStr;

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{GlanceSpec, HorizonSpec, Panel, Severity};

use crate::model::FieldPath;
use crate::openstack::OpenStackService;
use contents::Contents;
use next::Next;

/// A deployment tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployer {
    OpenStackHelm,
    KollaAnsible,
    OpenStackAnsible,
    /// openstack-k8s-operators, and Red Hat OpenStack Services on OpenShift made of it.
    Rhoso,
}

/// Which service a fragment configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The first stage.
    Glance,
    /// The second, after Glance's pods or processes are new.
    Horizon,
    /// An API to which nobody uploads. It belongs to no stage.
    Api(&'static OpenStackService),
}

/// A resource, as its user wrote it.
#[derive(Clone, Copy, Debug)]
pub enum Spec<'a> {
    Glance(&'a GlanceSpec),
    Horizon(&'a HorizonSpec),
    /// All its fields are in the file.
    Api,
}

/// What a fragment is made of.
#[derive(Clone, Copy, Debug)]
pub struct FragmentInput<'a> {
    pub service: Component,
    pub spec: Spec<'a>,
    /// Name and contents of each rendered file.
    pub files: &'a [(&'a str, &'a str)],
    /// What shows that browsers are let through. Of a Horizon: only of Glances that have no fragment.
    pub preflights: &'a [PreflightCommand],
    /// The dashboard's own addresses at which its web server must pass requests to Glance.
    pub own_paths: &'a [Endpoint],
}

/// A `preflight` command to run before the next stage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PreflightCommand {
    pub origin: Origin,
    /// Where its pages call the API; none if the input does not say.
    pub url: Option<Endpoint>,
    /// The image panel, if it is stated.
    pub panel: Option<Panel>,
}

/// Text to merge into the tool's tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// None if the tool needs nothing.
    pub files: Vec<FragmentFile>,
    /// What the tool cannot express, or this fragment does not. The user must handle it.
    pub left_out: Vec<LeftOut>,
}

/// One file of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FragmentFile {
    /// Its path below the tool's own folder, or a name where the tool has no fixed one.
    pub path: String,
    pub text: String,
}

/// Something whose effect is in no fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub what: LeftOutPart,
    /// What to do instead.
    pub fix: String,
    /// A note if the tool itself does it, or if uploads work without it.
    pub severity: Severity,
}

/// What a fragment can leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOutPart {
    /// Fields of the spec that belong together.
    Fields(Vec<FieldPath>),
    /// A rule of Glance's policy.
    PolicyRule(String),
    /// A URL on the dashboard's own host.
    OwnPath(Endpoint),
}

impl fmt::Display for LeftOutPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(fields) => {
                let fields: Vec<_> = fields.iter().map(ToString::to_string).collect();
                f.write_str(&fields.join(" and "))
            }
            Self::PolicyRule(name) => write!(f, "the rule {name} of the policy"),
            Self::OwnPath(url) => write!(f, "the path of {url}, which is on the dashboard's own host"),
        }
    }
}

impl Deployer {
    pub const ALL: [Self; 4] = [Self::OpenStackHelm, Self::KollaAnsible, Self::OpenStackAnsible, Self::Rhoso];

    /// As the command line has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenStackHelm => "openstack-helm",
            Self::KollaAnsible => "kolla-ansible",
            Self::OpenStackAnsible => "openstack-ansible",
            Self::Rhoso => "rhoso",
        }
    }

    /// Whether the tool sets the direct mode by itself (kolla-ansible's `_9998-kolla-settings.py.j2`, `os_horizon`'s
    /// defaults, horizon-operator's `local_settings.py`).
    pub fn is_direct_by_default(self) -> bool {
        match self {
            Self::OpenStackHelm => false,
            Self::KollaAnsible | Self::OpenStackAnsible | Self::Rhoso => true,
        }
    }
}

impl fmt::Display for Deployer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Deployer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL.into_iter().find(|d| d.as_str() == text).ok_or_else(|| format!("{text:?} is not one of {}", names()))
    }
}

impl Component {
    /// The service's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Glance => "Glance",
            Self::Horizon => "Horizon",
            Self::Api(service) => service.name,
        }
    }
}

/// The fragment of one resource.
pub fn fragment(deployer: Deployer, source: &FragmentInput<'_>) -> Fragment {
    let contents = Contents::read(source);
    let next = Next::of(source, &contents);
    let files = match deployer {
        Deployer::OpenStackHelm => helm::files(source.service, &contents, &next),
        Deployer::KollaAnsible => kolla::files(source.service, &contents, &next),
        Deployer::OpenStackAnsible => ansible::files(source.service, &contents, &next),
        Deployer::Rhoso => rhoso::files(source.service, &contents, &next),
    };
    Fragment { files, left_out: fields::left_out(deployer, source, &contents) }
}

impl FragmentFile {
    fn new(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), text }
    }
}

//! The same settings for a deployment tool that writes the files itself.
//!
//! In: rendered files of a Glance or a Horizon. Out: a fragment that is merged into the tool's own tree, with a
//! comment that says where it goes and what comes next.
//!
//! What a fragment says is read from the rendered files, so it is what the operator would mount. The shapes are
//! those of the tools' sources, each named in its own file.

mod ansible;
mod helm;
mod kolla;
mod rhoso;
mod text;

use std::fmt;
use std::str::FromStr;

use direct_upload_api::web::Origin;

use super::file::HTTPD_FILE;
use super::horizon::snippet;
use super::oslo::read::{self, ListItem};

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
}

/// What a fragment is made of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub service: Component,
    /// Name and contents of each rendered file.
    pub files: &'a [(&'a str, &'a str)],
    /// Where browsers find Glance, for the command between the stages.
    pub glance_url: Option<&'a str>,
}

/// Text to merge into the tool's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Its file below the tool's own folder, or a name where the tool has no fixed one.
    pub path: &'static str,
    pub text: String,
    /// Rendered files, or parts of them, that this tool cannot express. The user must handle them.
    pub left_out: Vec<String>,
}

/// What the rendered files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Contents {
    /// Sections, in order, with the raw text of each value.
    options: Vec<(String, Vec<(String, String)>)>,
    /// Of `[cors]`.
    origins: Vec<Origin>,
    /// Whether the snippet sets the direct mode.
    direct: bool,
    /// What else it sets, as Python.
    python: String,
    /// Files of other formats.
    others: Vec<String>,
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

/// The fragment, or none if the files have nothing that the tool can express.
pub fn fragment(deployer: Deployer, source: &Source<'_>) -> Option<Fragment> {
    let contents = Contents::read(source.files);
    let next = next(source, &contents);
    match (deployer, source.service) {
        (Deployer::OpenStackHelm, Component::Glance) => helm::glance(&contents, &next),
        (Deployer::OpenStackHelm, Component::Horizon) => helm::horizon(&contents),
        (Deployer::KollaAnsible, Component::Glance) => kolla::glance(&contents, &next),
        (Deployer::KollaAnsible, Component::Horizon) => kolla::horizon(&contents),
        (Deployer::OpenStackAnsible, Component::Glance) => ansible::glance(&contents, &next),
        (Deployer::OpenStackAnsible, Component::Horizon) => ansible::horizon(&contents),
        (Deployer::Rhoso, Component::Glance) => rhoso::glance(&contents, &next),
        (Deployer::Rhoso, Component::Horizon) => rhoso::horizon(&contents),
    }
}

/// What to do between the stages, a command for each origin.
fn next(source: &Source<'_>, contents: &Contents) -> Vec<String> {
    let url = source.glance_url.unwrap_or("GLANCE'S-PUBLIC-ENDPOINT");
    let asked = |origin: &Origin| format!("  direct-upload-operator preflight --origin {origin} --url {url}");
    let mut lines =
        vec!["Continue with Horizon when Glance runs with it and each of these says \"granted\":".to_owned()];
    lines.extend(contents.origins.iter().map(asked));
    if contents.origins.is_empty() {
        return Vec::new();
    }
    lines
}

impl Contents {
    fn read(files: &[(&str, &str)]) -> Self {
        let mut contents = Self::default();
        for (name, text) in files {
            match name.rsplit_once('.').map(|(_, format)| format) {
                _ if *name == HTTPD_FILE => contents.others.push(format!("{name} (directives of httpd)")),
                Some("conf") => contents.add_options(text),
                Some("py") => {
                    contents.direct |= snippet::is_direct(text);
                    contents.python.push_str(&snippet::beyond_mode(text));
                }
                _ => contents.others.push((*name).to_owned()),
            }
        }
        contents
    }

    fn add_options(&mut self, text: &str) {
        for option in read::parse(text).assignments {
            if option.normalized_section() == "cors" && option.name == "allowed_origin" {
                let items = read::list(&option.value);
                self.origins = items.iter().filter_map(ListItem::known).flat_map(Origin::parse).collect();
            }
            match self.options.iter_mut().find(|(section, _)| *section == option.section) {
                Some((_, options)) => options.push((option.name, option.value)),
                None => self.options.push((option.section, vec![(option.name, option.value)])),
            }
        }
    }

    /// The sections as oslo.config reads them.
    fn ini(&self) -> String {
        let section = |(name, options): &(String, Vec<(String, String)>)| {
            let lines: Vec<_> = options.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
            format!("[{name}]\n{}", lines.concat())
        };
        self.options.iter().map(section).collect::<Vec<_>>().join("\n")
    }

    /// The settings as Python.
    fn settings(&self) -> String {
        let mode = if self.direct { snippet::mode() + "\n" } else { String::new() };
        mode + &self.python
    }

    /// Whether there are options that Glance itself reads, in addition to `[cors]`.
    fn has_own_options(&self) -> bool {
        self.options.iter().any(|(section, _)| section != "cors")
    }
}

//! Horizon's settings, in the order in which it reads them.

use std::collections::BTreeMap;

use direct_upload_api::Panel;

use super::horizons_names;
use crate::classify::{self, Kind};
use crate::finding::Location;
use crate::formats::python::{self, DjangoSettings, SettingAssignment, Value};
use crate::unit::{BYTE_ORDER_MARK, ConfigFile, Unit};

/// The setting that decides the mode.
pub const MODE: &str = "HORIZON_IMAGES_UPLOAD_MODE";

/// The setting that decides which panels are Angular's.
const FEATURES: &str = "ANGULAR_FEATURES";

/// kolla-ansible's own snippet.
const KOLLA: &str = "_9998-kolla-settings.py";

/// What openstack-k8s-operators make from customServiceConfig; their own settings file says 'direct'.
const RHOSO: &str = "9999_custom_settings.py";

/// The upload mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Direct,
    Legacy,
    Off,
    /// Nothing sets it: legacy.
    Unset,
    /// A value that Horizon does not know: legacy.
    Invalid,
    /// It depends on something that cannot be seen here.
    Unknown,
}

/// One settings file.
#[derive(Clone, Debug)]
pub struct Snippet<'a> {
    pub file: &'a ConfigFile,
    pub settings: DjangoSettings,
    /// Why Horizon does not read it, if so.
    pub unread: Option<String>,
}

/// One Horizon.
#[derive(Clone, Debug)]
pub struct HorizonFacts<'a> {
    pub unit: &'a Unit,
    /// In the order in which they are read.
    pub snippets: Vec<Snippet<'a>>,
}

impl<'a> HorizonFacts<'a> {
    /// Reads the files of a unit.
    pub fn read(unit: &'a Unit) -> Self {
        let mut files: Vec<&ConfigFile> = unit.of_kind(Kind::Settings).collect();
        files.sort_by_key(|file| order(file));
        let mut known = BTreeMap::new();
        let mut snippets: Vec<Snippet<'a>> = Vec::new();
        let own_names = horizons_names::all();
        let is_whole = unit.unseen.is_empty() && !files.iter().any(|file| file.partial);
        for file in files {
            let unread = unread(unit, file);
            // A file that is not read sets nothing for later ones.
            let mut own = known.clone();
            let plain = file.text.strip_prefix(BYTE_ORDER_MARK);
            let known = if unread.is_some() { &mut own } else { &mut known };
            // Horizon imports its main file as a module. A file that may set any name, or is not there, may set what a later
            // one changes.
            let is_main = order(file).0 == 0;
            let before = &snippets;
            let has_main = || before.first().is_some_and(|first| order(first.file).0 == 0);
            let is_known = is_whole && (is_main || has_main()) && before.iter().all(|own| own.settings.open.is_empty());
            let names: &[&str] = if is_main { &[] } else { &own_names };
            let mut settings = python::read(plain.unwrap_or(&file.text), known, is_known.then_some(names));
            // Python skips the mark in the file that Horizon imports, not in the text of a snippet, which Horizon runs.
            if plain.is_some() && order(file).0 > 0 {
                settings.error.get_or_insert((1, "a byte order mark, which exec() does not accept".to_owned()));
            }
            snippets.push(Snippet { file, settings, unread });
        }
        Self { unit, snippets }
    }

    /// Every assignment of a setting that is made or may be made, in order, with its file.
    pub fn assignments(&self, name: &str) -> Vec<(&Snippet<'a>, &SettingAssignment)> {
        let read = self.snippets.iter().filter(|s| s.unread.is_none() && s.settings.error.is_none());
        read.flat_map(|s| s.settings.assignments.iter().filter(|a| a.name == name).map(move |a| (s, a))).collect()
    }

    /// A setting's final value; none if nothing sets it.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let (_, last) = self.assignments(name).pop()?;
        Some(if last.certain { &last.value } else { &Value::Unknown })
    }

    /// The final mode.
    pub fn mode(&self) -> Mode {
        match self.value(MODE) {
            None if self.unit.unseen.is_empty() => Mode::Unset,
            None | Some(Value::Unknown) => Mode::Unknown,
            Some(value) => mode(value),
        }
    }

    /// The image panel from settings; none if they do not mention it. Horizon asks
    /// `get_dict_config('ANGULAR_FEATURES', 'images_panel')`
    /// (openstack_dashboard/dashboards/project/images/urls.py). A key that the dict lacks has the default,
    /// True (openstack_dashboard/defaults.py).
    pub fn chosen_panel(&self) -> Option<Panel> {
        let shown = match self.value(FEATURES)? {
            Value::Dict(features) => features.get("images_panel").map_or(Some(true), Value::truth),
            _ => None,
        };
        Some(shown.map_or(Panel::Unknown, |angular| if angular { Panel::Angular } else { Panel::Django }))
    }

    /// Whether all its settings are seen, if the input names them.
    pub fn is_whole(&self) -> bool {
        self.unit.unseen.is_empty()
    }

    /// Whether Horizon itself forwards images, now or in its current state.
    pub fn is_legacy(&self) -> bool {
        matches!(self.mode(), Mode::Legacy | Mode::Unset | Mode::Invalid)
    }

    /// Somebody wants direct uploads: the mode is set, or was meant to be where it has no effect.
    pub fn wants_direct(&self) -> bool {
        let meant = |a: &SettingAssignment| {
            (a.name == MODE && matches!(mode(&a.value), Mode::Direct | Mode::Invalid))
                || a.name.contains("DIRECT_UPLOAD")
        };
        // Deployers set it for everyone. A later setting is the administrator's decision.
        let own = self.snippets.iter().filter(|s| !self.is_deployers(s));
        !matches!(self.mode(), Mode::Legacy | Mode::Off) || own.flat_map(|s| &s.settings.assignments).any(meant)
    }

    /// Whether a deployment tool writes a file for everyone, and there is another one to change that.
    pub fn is_deployers(&self, snippet: &Snippet<'_>) -> bool {
        let has = |name: &str| self.snippets.iter().any(|s| s.file.name == name);
        let main = matches!(snippet.file.name.as_str(), "local_settings" | "local_settings.py");
        snippet.file.name == KOLLA || (main && has(RHOSO))
    }

    /// Where to report about the mode.
    pub fn place(&self) -> Location {
        if let Some((snippet, last)) = self.assignments(MODE).pop() {
            return snippet.file.option(last.line, MODE);
        }
        self.snippets.first().map(|s| s.file.at(1)).unwrap_or_default()
    }
}

/// What Horizon makes of a value.
pub fn mode(value: &Value) -> Mode {
    match value {
        Value::Unknown => Mode::Unknown,
        // A template that is not rendered.
        Value::Text(text) if text.contains("{{") || text.contains("{%") => Mode::Unknown,
        Value::Text(text) => match text.as_str() {
            "direct" => Mode::Direct,
            "legacy" => Mode::Legacy,
            "off" => Mode::Off,
            _ => Mode::Invalid,
        },
        _ => Mode::Invalid,
    }
}

/// The main file first. Then `local_settings.d`: its own files by name, then those of subfolders.
fn order(file: &ConfigFile) -> (u8, usize, String) {
    let path = path(file);
    let main = matches!(file.name.as_str(), "local_settings.py" | "local_settings");
    let inner = path.split_once("local_settings.d/").map_or(file.name.as_str(), |(_, inner)| inner);
    (u8::from(!main), inner.matches('/').count(), inner.to_owned())
}

fn path(file: &ConfigFile) -> &str {
    file.path.as_deref().or(file.place.file.as_deref().filter(|_| file.place.object.is_none())).unwrap_or(&file.name)
}

const ETC: &str = "/etc/openstack-dashboard/";

const OWN: &str = "/openstack_dashboard/local/";

fn unread(unit: &Unit, file: &ConfigFile) -> Option<String> {
    if path(file).contains("local_settings.d/") && !classify::ends_in(&file.name, "py") {
        return Some("Horizon reads only *.py from local_settings.d".into());
    }
    let path = file.path.as_deref()?;
    let snippets =
        path.starts_with(&format!("{ETC}local_settings.d/")) || path.contains(&format!("{OWN}local_settings.d/"));
    // An image may link its main file from anywhere.
    let main = matches!(classify::base(path), "local_settings.py" | "local_settings");
    if !snippets && !main {
        return Some(format!(
            "Horizon does not read {path}; it reads local_settings(.py) and local_settings.d/*.py in /etc/openstack-dashboard or in openstack_dashboard/local"
        ));
    }
    (snippets && is_unlinked(unit, path)).then(|| {
        "openstack-helm's Horizon reads snippets from site-packages; its start script links only those that the Helm value conf.horizon.local_settings_d names, and not this one".into()
    })
}

/// openstack-helm's start script links each snippet by name; what it does not link is never read.
fn is_unlinked(unit: &Unit, path: &str) -> bool {
    let helm = unit.commands.iter().any(|(command, _)| command.contains("/tmp/horizon.sh"));
    let script = unit.scripts.iter().find(|text| text.contains("openstack_dashboard/local"));
    helm && path.starts_with(ETC) && script.is_some_and(|text| !text.contains(path))
}

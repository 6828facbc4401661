//! Glance's options, as its CORS filter and Glance itself read them.

use std::collections::BTreeSet;

use direct_upload_core::render::oslo::read::{self, Assignment, Ini, ListItem};

use crate::classify::{self, Kind};
use crate::finding::Location;
use crate::unit::{ConfigFile, Unit};

/// One oslo.config file.
#[derive(Clone, Debug)]
pub struct Conf<'a> {
    pub file: &'a ConfigFile,
    pub ini: Ini,
    /// Files of a higher rank replace options of lower ones; none: the CORS filter does not read it.
    pub rank: Option<u8>,
}

/// An option as it is written somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub value: String,
    pub place: Location,
    /// The file, as the program sees it.
    pub source: String,
}

impl Setting {
    /// The items of a list whose parts can all be known.
    pub fn items(&self) -> Vec<String> {
        read::list(&self.value).iter().filter_map(ListItem::known).map(str::to_owned).collect()
    }

    /// Whether something in it depends on other options.
    pub fn is_substituted(&self) -> bool {
        read::list(&self.value).iter().any(|item| item.known().is_none())
    }
}

/// One Glance.
#[derive(Clone, Debug)]
pub struct GlanceFacts<'a> {
    pub unit: &'a Unit,
    /// Those that the CORS filter reads, in the order in which they are read.
    pub confs: Vec<Conf<'a>>,
    /// Those that it does not read.
    pub outside: Vec<Conf<'a>>,
    /// The paste file, if it is seen.
    pub paste: Option<(&'a ConfigFile, Ini)>,
}

impl<'a> GlanceFacts<'a> {
    /// Reads the files of a unit.
    pub fn read(unit: &'a Unit) -> Self {
        let read = |file: &'a ConfigFile| Conf { file, ini: read::parse(&file.text), rank: rank(file) };
        let (mut confs, outside): (Vec<_>, Vec<_>) =
            unit.of_kind(Kind::Glance).map(read).partition(|c| c.rank.is_some());
        confs.sort_by(|a, b| (a.rank, &a.file.name).cmp(&(b.rank, &b.file.name)));
        let paste = unit.of_kind(Kind::Paste).next().map(|file| (file, read::parse(&file.text)));
        Self { unit, confs, outside, paste }
    }

    /// An option of `[cors]` in every place where the filter reads it, the one in effect last.
    pub fn cors(&self, name: &str) -> Vec<Setting> {
        let mut settings: Vec<Setting> =
            self.confs.iter().filter_map(|conf| Some(setting(conf.file, conf.ini.get("cors", name)?))).collect();
        if let Some((file, ini)) = &self.paste {
            settings.extend(ini.get("filter:cors", name).map(|found| setting(file, found)));
        }
        settings
    }

    /// An option of `[cors]` in effect.
    pub fn cors_in_effect(&self, name: &str) -> Option<Setting> {
        self.cors(name).pop()
    }

    /// An option that Glance itself reads.
    pub fn option(&self, section: &str, name: &str) -> Option<Setting> {
        let all = self.confs.iter().chain(&self.outside);
        all.rev().find_map(|conf| Some(setting(conf.file, conf.ini.get(section, name)?)))
    }

    /// Entries of `allowed_origin` in effect, those of `[cors.NAME]` included if these are read.
    pub fn allowed_origins(&self, subgroups: bool) -> BTreeSet<String> {
        let mut items: BTreeSet<String> =
            self.cors_in_effect("allowed_origin").map(|s| s.items()).unwrap_or_default().into_iter().collect();
        if subgroups {
            items.extend(self.subgroups().into_iter().flat_map(|s| s.items()));
        }
        items
    }

    /// `allowed_origin` of each `[cors.NAME]`.
    pub fn subgroups(&self) -> Vec<Setting> {
        let is_one = |a: &&Assignment| a.normalized_section().starts_with("cors.") && a.name == "allowed_origin";
        let of = |conf: &Conf<'a>| {
            let found = conf.ini.assignments.iter().filter(is_one);
            found.map(|a| setting(conf.file, a)).collect::<Vec<_>>()
        };
        self.confs.iter().flat_map(of).collect()
    }

    /// Whether all that decides on `[cors]` is seen: not a fragment alone, and all that is mounted.
    pub fn is_whole(&self) -> bool {
        let has = |conf: &Conf<'_>, section: &str| conf.ini.assignments.iter().any(|a| a.section == section);
        let main = |conf: &Conf<'_>| matches!(conf.rank, Some(0 | 1)) || has(conf, "keystone_authtoken");
        self.confs.iter().any(main) && self.unit.unseen.is_empty()
    }

    /// Where to say that something is missing: the last file that says anything of `[cors]`, or the
    /// main file.
    pub fn place(&self) -> Location {
        let says = |conf: &&Conf<'_>| conf.ini.assignments.iter().any(|a| a.normalized_section() == "cors");
        let told = self.confs.iter().rfind(says).and_then(|conf| {
            let first = conf.ini.assignments.iter().find(|a| a.normalized_section() == "cors")?;
            Some(conf.file.option(first.line, "[cors]"))
        });
        let main = self.confs.iter().find(|c| c.rank == Some(1)).or(self.confs.first());
        told.or_else(|| main.map(|conf| conf.file.option(1, "[cors]"))).unwrap_or_default()
    }

    /// uWSGI's configuration, where Glance runs in it.
    pub fn uwsgi(&self) -> Option<(&'a ConfigFile, Ini)> {
        self.unit.of_kind(Kind::Uwsgi).next().map(|file| (file, read::parse(&file.text)))
    }
}

fn setting(file: &ConfigFile, found: &Assignment) -> Setting {
    let section = if found.section == "DEFAULT" { "[DEFAULT]".to_owned() } else { format!("[{}]", found.section) };
    let place = file.option(found.line, &format!("{section} {}", found.name));
    Setting { value: found.value.clone(), place, source: file.called().to_owned() }
}

/// oslo.config's default search path (find_config_files, find_config_dirs in `oslo_config/cfg.py`) for
/// project `glance`, program `glance-api`.
fn rank(file: &ConfigFile) -> Option<u8> {
    let path = file.path.as_deref().or(file.place.file.as_deref().filter(|_| file.place.object.is_none()));
    let path = path.unwrap_or(&file.name);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    let searched = |folder: &str| {
        file.path.is_none()
            || matches!(folder, "/etc/glance" | "/etc" | "/var/lib/glance" | "/root")
            || folder.ends_with("/.glance")
    };
    match (name, last) {
        (_, "glance.conf.d") => (searched(above) && classify::ends_in(name, "conf")).then_some(2),
        (_, "glance-api.conf.d") => (searched(above) && classify::ends_in(name, "conf")).then_some(3),
        ("glance.conf", _) => searched(folder).then_some(0),
        ("glance-api.conf", _) => searched(folder).then_some(1),
        // Where it lies in the end is not known: no claim that it is not read.
        _ if file.path.is_none() => Some(2),
        _ => None,
    }
}

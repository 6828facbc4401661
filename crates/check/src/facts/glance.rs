//! Glance's options, as its CORS filter and Glance itself read them.

use std::collections::BTreeSet;

use direct_upload_core::render::oslo::read::{self, Assignment, Ini, ListItem};

use super::filter::{self, Reading};
use super::paste::{Filter, LoadError, Paste, Pipeline};
use crate::classify::{self, Kind};
use crate::finding::Location;
use crate::unit::{ConfigFile, Unit};

/// One oslo.config file.
#[derive(Clone, Debug)]
pub struct Conf<'a> {
    pub file: &'a ConfigFile,
    pub ini: Ini,
    /// Files of a higher rank override options of lower ones; none: the CORS filter does not read it.
    pub rank: Option<u8>,
}

/// An option as it is written in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub value: String,
    pub place: Location,
    /// The file, as the program sees it.
    pub source: String,
    /// It is in the paste file.
    pub in_paste: bool,
    /// The operator writes the file.
    pub managed: bool,
}

impl Setting {
    /// The items of a list if all of them can be known.
    pub fn items(&self) -> Vec<String> {
        read::list(&self.value).iter().filter_map(ListItem::known).map(str::to_owned).collect()
    }

    /// Whether something in it depends on other options.
    pub fn is_substituted(&self) -> bool {
        read::list(&self.value).iter().any(|item| item.known().is_none())
    }
}

/// How the pipeline sets up the CORS filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterSetup {
    /// The project whose default search path it reads; none: the process's own configuration.
    pub project: Option<String>,
    pub program: String,
    /// `oslo_config_file`: replaces the main files.
    pub config_file: Option<String>,
    /// The filter of the paste file, if it is seen.
    pub filter: Option<Filter>,
}

/// One Glance.
#[derive(Clone, Debug)]
pub struct GlanceFacts<'a> {
    pub unit: &'a Unit,
    /// Files that the CORS filter reads, in the order in which it reads them.
    pub confs: Vec<Conf<'a>>,
    /// Files that it does not read.
    pub outside: Vec<Conf<'a>>,
    /// The paste file, if it is seen.
    pub paste: Option<(&'a ConfigFile, Paste)>,
    /// The pipeline of the flavor in effect, if the paste file is seen.
    pub pipeline: Option<Result<Pipeline, LoadError>>,
    pub filter: FilterSetup,
    /// `[cors]` in the filter.
    pub reading: Reading,
}

impl<'a> GlanceFacts<'a> {
    /// Reads the files of a unit.
    pub fn read(unit: &'a Unit) -> Self {
        let paste = unit.of_kind(Kind::Paste).next().map(|file| (file, Paste::read(&file.text)));
        let mut facts = Self {
            unit,
            confs: Vec::new(),
            outside: Vec::new(),
            paste,
            pipeline: None,
            filter: usual(),
            reading: Reading::Unknown,
        };
        facts.sort_files();
        let flavor = facts.option("paste_deploy", "flavor").map(|s| s.value.trim().to_owned()).unwrap_or_default();
        let whole = facts.paste.as_ref().filter(|(_, paste)| paste.is_whole() && !flavor.contains('$'));
        facts.pipeline = whole.map(|(_, paste)| paste.pipeline(&flavor));
        let filter = match &facts.pipeline {
            Some(pipeline) => pipeline.iter().flat_map(|p| &p.filters).find(|filter| filter.is_cors()).cloned(),
            // A fragment: its pipelines are Glance's own.
            None => facts.paste.as_ref().and_then(|(_, paste)| paste.loose("cors")),
        };
        if let Some(filter) = filter {
            facts.filter = setup(unit, &filter);
            facts.sort_files();
        }
        facts.reading = filter::reading(&facts);
        facts
    }

    /// Which files the filter reads, and in which order.
    fn sort_files(&mut self) {
        let setup = &self.filter;
        let read = |file: &'a ConfigFile| Conf { file, ini: read::parse(&file.text), rank: rank(file, setup) };
        let (mut confs, outside): (Vec<_>, Vec<_>) =
            self.unit.of_kind(Kind::Glance).map(read).partition(|c| c.rank.is_some());
        confs.sort_by(|a, b| (a.rank, &a.file.name).cmp(&(b.rank, &b.file.name)));
        (self.confs, self.outside) = (confs, outside);
    }

    /// An option of `[cors]` in every place where the filter reads it; the last one is in effect.
    pub fn cors(&self, name: &str) -> Vec<Setting> {
        let mut settings: Vec<Setting> =
            self.confs.iter().filter_map(|conf| Some(setting(conf.file, conf.ini.get("cors", name)?))).collect();
        settings.extend(self.environment("cors", name));
        if let (Some((file, _)), Some(filter)) = (&self.paste, &self.filter.filter) {
            settings.extend(filter.option(name).map(|found| Setting {
                value: found.value.clone(),
                place: file.option(found.line, &format!("[filter:{}] {name}", filter.name)),
                source: file.called().to_owned(),
                in_paste: true,
                managed: file.managed,
            }));
        }
        settings
    }

    /// An option's environment variable, which counts before files (oslo.config's environment driver, also in the
    /// configuration that the CORS filter reads for itself).
    fn environment(&self, section: &str, name: &str) -> Option<Setting> {
        let variable = format!("OS_{}__{}", section.to_uppercase(), name.to_uppercase());
        let (_, value, place) = self.unit.environment.iter().rfind(|(own, ..)| *own == variable)?;
        Some(Setting {
            value: value.clone(),
            place: place.clone(),
            source: format!("the environment variable {variable}"),
            in_paste: false,
            managed: false,
        })
    }

    /// An option of `[cors]` in effect.
    pub fn cors_in_effect(&self, name: &str) -> Option<Setting> {
        self.cors(name).pop()
    }

    /// An option that Glance itself reads.
    pub fn option(&self, section: &str, name: &str) -> Option<Setting> {
        if let Some(setting) = self.environment(section, name) {
            return Some(setting);
        }
        let all = self.confs.iter().chain(&self.outside);
        all.rev().find_map(|conf| Some(setting(conf.file, conf.ini.get(section, name)?)))
    }

    /// Where an option that nothing sets belongs: next to the first one of its section, in a file that the operator
    /// does not write.
    pub fn users_section(&self, section: &str, name: &str) -> Option<Location> {
        let all = self.confs.iter().chain(&self.outside).rev().filter(|conf| !conf.file.managed);
        let mut found = all.filter_map(|conf| {
            let first = conf.ini.assignments.iter().find(|assignment| assignment.section == section)?;
            Some(conf.file.option(first.line, &format!("[{section}] {name}")))
        });
        found.next()
    }

    /// Entries of `allowed_origin` in effect, including those of `[cors.NAME]` if these are read.
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

    /// Whether its main file is there, and not only fragments.
    pub fn has_main(&self) -> bool {
        let has = |conf: &Conf<'_>, section: &str| conf.ini.assignments.iter().any(|a| a.section == section);
        let named = |conf: &Conf<'_>| matches!(conf.file.name.as_str(), "glance-api.conf" | "glance.conf");
        let main = |conf: &Conf<'_>| matches!(conf.rank, Some(0 | 1)) || named(conf) || has(conf, "keystone_authtoken");
        self.confs.iter().chain(&self.outside).any(main)
    }

    /// Whether browsers reach Glance's own port: a public endpoint is known, and no proxy is needed.
    pub fn serves_itself(&self) -> bool {
        let own = |name: &str| self.option("DEFAULT", name).map(|s| s.value);
        let port = own("bind_port").unwrap_or_else(|| "9292".to_owned());
        let public = own("public_endpoint").unwrap_or_default();
        let local = own("bind_host").is_some_and(|host| matches!(host.as_str(), "127.0.0.1" | "::1" | "localhost"));
        let Ok(url) = url::Url::parse(&public) else { return false };
        !local && url.scheme() == "http" && url.port_or_known_default().is_some_and(|own| own.to_string() == port)
    }

    /// Whether everything that decides about `[cors]` is seen: not only a fragment, and all that is
    /// mounted.
    pub fn is_whole(&self) -> bool {
        self.has_main() && self.unit.unseen.is_empty() && !self.unit.files.iter().any(|file| file.partial)
    }

    /// Where to report that something is missing: the last file with `[cors]`, or the main file.
    pub fn place(&self) -> Location {
        let says = |conf: &&Conf<'_>| conf.ini.assignments.iter().any(|a| a.normalized_section() == "cors");
        let told = self.confs.iter().rfind(says).and_then(|conf| {
            let first = conf.ini.assignments.iter().find(|a| a.normalized_section() == "cors")?;
            Some(conf.file.option(first.line, "[cors]"))
        });
        let main = self.confs.iter().find(|c| c.rank == Some(1)).or(self.confs.first());
        told.or_else(|| main.map(|conf| conf.file.option(1, "[cors]"))).unwrap_or_default()
    }

    /// Whether oslo.config refuses a file that Glance or its filter reads.
    pub fn has_broken_file(&self) -> bool {
        let usual = usual();
        let read = |conf: &&Conf<'_>| conf.rank.is_some() || rank(conf.file, &usual).is_some();
        self.confs.iter().chain(&self.outside).filter(read).any(|conf| !conf.ini.errors.is_empty())
    }

    /// The file that the filter reads by name, if it is not among the seen ones.
    pub fn lacks_config_file(&self) -> Option<&str> {
        let file = self.filter.config_file.as_deref()?;
        let is_it = |conf: &Conf<'_>| conf.file.called() == file || conf.file.name == classify::base(file);
        (!self.confs.iter().any(is_it)).then_some(file)
    }

    /// Whether auth_token lets requests without a token pass.
    pub fn is_delayed(&self, filter: &Filter) -> bool {
        const NAME: &str = "delay_auth_decision";
        let own = filter.option(NAME).map(|option| option.value.clone());
        let value = own.or_else(|| self.option("keystone_authtoken", NAME).map(|setting| setting.value));
        value.is_some_and(|value| {
            matches!(value.trim().to_lowercase().as_str(), "true" | "1" | "yes" | "on" | "t" | "y")
        })
    }

    /// uWSGI's configuration, if Glance runs in it.
    pub fn uwsgi(&self) -> Option<(&'a ConfigFile, Ini)> {
        self.unit.of_kind(Kind::Uwsgi).next().map(|file| (file, read::parse(&file.text)))
    }
}

fn setting(file: &ConfigFile, found: &Assignment) -> Setting {
    let section = if found.section == "DEFAULT" { "[DEFAULT]".to_owned() } else { format!("[{}]", found.section) };
    let place = file.option(found.line, &format!("{section} {}", found.name));
    Setting {
        value: found.value.clone(),
        place,
        source: file.called().to_owned(),
        in_paste: false,
        managed: file.managed,
    }
}

/// As in Glance's own paste file.
fn usual() -> FilterSetup {
    FilterSetup { project: Some("glance".to_owned()), program: "glance-api".to_owned(), ..FilterSetup::default() }
}

/// What the paste file says about the filter's configuration.
fn setup(unit: &Unit, filter: &Filter) -> FilterSetup {
    let option = |name: &str| filter.option(name).map(|option| option.value.clone());
    // Without a program, oslo.config uses the process's name.
    let process = if unit.has(Kind::Uwsgi) { "uwsgi" } else { "glance-api" };
    let project = option("oslo_config_project");
    let program = match &project {
        Some(_) => option("oslo_config_program").unwrap_or_else(|| process.to_owned()),
        None => "glance-api".to_owned(),
    };
    // Without a project, the file does not matter.
    let config_file = option("oslo_config_file").filter(|_| project.is_some());
    FilterSetup { project, program, config_file, filter: Some(filter.clone()) }
}

/// oslo.config's default search path (find_config_files, find_config_dirs in `oslo_config/cfg.py`) for
/// the filter's project and program.
fn rank(file: &ConfigFile, setup: &FilterSetup) -> Option<u8> {
    let path = file.path.as_deref().or(file.place.file.as_deref().filter(|_| file.place.object.is_none()));
    let path = path.unwrap_or(&file.name);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    let project = setup.project.as_deref().unwrap_or("glance");
    let program = setup.program.as_str();
    let etc = format!("/etc/{project}");
    let home = format!("/.{project}");
    let searched = |folder: &str| {
        (file.path.is_none() && project == "glance")
            || folder == etc
            || matches!(folder, "/etc" | "/var/lib/glance" | "/root")
            || folder.ends_with(&home)
    };
    let stem = name.strip_suffix(".conf");
    let folder_stem = last.strip_suffix(".conf.d");
    if let Some(stem) = folder_stem.filter(|stem| *stem == project || *stem == program) {
        let rank = if stem == program { 3 } else { 2 };
        return (searched(above) && classify::ends_in(name, "conf")).then_some(rank);
    }
    if let Some(config_file) = &setup.config_file {
        let is_it = if file.path.is_some() { path == config_file } else { classify::base(config_file) == name };
        return is_it.then_some(1);
    }
    match stem {
        Some(stem) if stem == program => searched(folder).then_some(1),
        Some(stem) if stem == project => searched(folder).then_some(0),
        Some("glance" | "glance-api") => None,
        _ if matches!(folder_stem, Some("glance" | "glance-api")) => None,
        // Its final path is unknown, so nothing is claimed.
        _ if file.path.is_none() => Some(2),
        _ => None,
    }
}

//! The files of one API with oslo.middleware's CORS filter: which of them the filter reads, and what they say.
//!
//! In: a unit's files of one service. Out: each option in each place, in the order in which they count.

use std::collections::BTreeSet;

use direct_upload_core::openstack::{GLANCE, OpenStackService, PROGRAMS};
use direct_upload_core::render::oslo::read::{self, Assignment, Ini, ListItem};

use super::filter::{self, Reading};
use super::paste::{Filter, Paste};
use crate::classify::{self, Kind};
use crate::finding::{Location, OptionName};
use crate::unit::{CONFIG_DIR, ConfigFile, Unit};

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

/// One API.
#[derive(Clone, Debug)]
pub struct ApiFacts<'a> {
    pub unit: &'a Unit,
    /// The project's name in oslo.config.
    pub project: &'a str,
    /// What is known of the service; none for one that the operator does not configure.
    pub service: Option<&'static OpenStackService>,
    /// Files that the CORS filter reads, in the order in which it reads them.
    pub confs: Vec<Conf<'a>>,
    /// Files that it does not read.
    pub outside: Vec<Conf<'a>>,
    /// The paste file, if it is seen.
    pub paste: Option<(&'a ConfigFile, Paste)>,
    pub filter: FilterSetup,
    /// `[cors]` in the filter.
    pub reading: Reading,
    /// Names and values of environment variables that it reads, and their places.
    pub environment: Vec<(String, String, Location)>,
}

/// Services that give the filter their own configuration, with the files that they are started with
/// (`placement/deploy.py`, `ironic/api/app.py`, `octavia/api/app.py`).
const OF_PROCESS: [&str; 3] = ["placement", "ironic", "octavia"];

impl<'a> ApiFacts<'a> {
    /// Each other service of a unit. Files of one folder belong together.
    pub fn others(unit: &'a Unit) -> Vec<Self> {
        let mut places: Vec<(String, &'static str)> = Vec::new();
        let place = |file: &ConfigFile| unit.other_service(file).map(|project| (folder(file, project), project));
        for file in unit.of_kind(Kind::Oslo).chain(unit.of_kind(Kind::OsloPaste)) {
            places.extend(place(file).filter(|place| !places.contains(place)));
        }
        let read = |own: &(String, &'static str)| {
            let here = |kind| unit.of_kind(kind).filter(move |file| place(file).as_ref() == Some(own));
            let paste = here(Kind::OsloPaste).last().map(|file| (file, Paste::read(&file.text)));
            let filter = paste.as_ref().and_then(|(_, paste)| paste.loose("cors")).filter(Filter::is_cors);
            let mut facts = Self::new(unit, own.1, paste);
            facts.filter = filter.map_or_else(|| usual(own.1), |filter| setup(unit, own.1, &filter));
            facts.sort(&here(Kind::Oslo).collect::<Vec<_>>());
            facts.reading = filter::reading(&facts);
            facts
        };
        places.iter().map(read).collect()
    }

    /// Without files yet.
    pub(super) fn new(unit: &'a Unit, project: &'a str, paste: Option<(&'a ConfigFile, Paste)>) -> Self {
        Self {
            unit,
            project,
            service: OpenStackService::of_project(project),
            confs: Vec::new(),
            outside: Vec::new(),
            paste,
            filter: usual(project),
            reading: Reading::Unknown,
            environment: unit.environment.clone(),
        }
    }

    /// Which files the filter reads, and in which order.
    pub(super) fn sort(&mut self, files: &[&'a ConfigFile]) {
        let moved = self.environment.iter().rfind(|(name, ..)| name == CONFIG_DIR);
        let moved = moved.map(|(_, folder, _)| folder.trim().trim_end_matches('/'));
        let read = |file: &&'a ConfigFile| Conf {
            file,
            ini: read::parse(&file.text),
            // The filter does not know the folder.
            rank: rank(file, self.project, &self.filter).filter(|_| moved.is_none_or(|folder| !is_in(file, folder))),
        };
        let (mut confs, outside): (Vec<_>, Vec<_>) = files.iter().map(read).partition(|c| c.rank.is_some());
        confs.sort_by(|a, b| (a.rank, &a.file.name).cmp(&(b.rank, &b.file.name)));
        (self.confs, self.outside) = (confs, outside);
    }

    /// Its name in messages.
    pub fn name(&self) -> &'a str {
        self.service.map_or(self.project, |service| service.name)
    }

    /// An option of `[cors]` in every place where the filter reads it; the last one is in effect.
    pub fn cors(&self, name: &str) -> Vec<Setting> {
        let mut settings: Vec<Setting> =
            self.confs.iter().filter_map(|conf| Some(setting(conf.file, conf.ini.get("cors", name)?))).collect();
        settings.extend(self.environment("cors", name));
        if let (Some((file, _)), Some(filter)) = (&self.paste, &self.filter.filter) {
            settings.extend(filter.option(name).map(|found| Setting {
                value: found.value.clone(),
                place: file.option(found.line, OptionName::in_section(format!("filter:{}", filter.name), name)),
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
        let (_, value, place) = self.environment.iter().rfind(|(own, ..)| *own == variable)?;
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

    /// An option that the service itself reads.
    pub fn option(&self, section: &str, name: &str) -> Option<Setting> {
        if let Some(setting) = self.environment(section, name) {
            return Some(setting);
        }
        let all = self.confs.iter().chain(&self.outside);
        all.rev().find_map(|conf| Some(setting(conf.file, conf.ini.get(section, name)?)))
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

    /// Where to report that something is missing: the last file with `[cors]`, or the main file.
    pub fn place(&self) -> Location {
        let says = |conf: &&Conf<'_>| conf.ini.assignments.iter().any(|a| a.normalized_section() == "cors");
        let told = self.confs.iter().rfind(says).and_then(|conf| {
            let first = conf.ini.assignments.iter().find(|a| a.normalized_section() == "cors")?;
            Some(conf.file.option(first.line, OptionName::section("cors")))
        });
        let main = self.confs.iter().find(|c| c.rank == Some(1)).or(self.confs.first());
        told.or_else(|| main.map(|conf| conf.file.option(1, OptionName::section("cors")))).unwrap_or_default()
    }

    /// Whether oslo.config refuses a file that the service or its filter reads.
    pub fn has_broken_file(&self) -> bool {
        let usual = usual(self.project);
        let read = |conf: &&Conf<'_>| conf.rank.is_some() || rank(conf.file, self.project, &usual).is_some();
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
}

fn setting(file: &ConfigFile, found: &Assignment) -> Setting {
    let place = file.option(found.line, OptionName::in_section(&found.section, &found.name));
    Setting {
        value: found.value.clone(),
        place,
        source: file.called().to_owned(),
        in_paste: false,
        managed: file.managed,
    }
}

/// The folder of a service's files; a folder of fragments belongs to the one above it.
fn folder(file: &ConfigFile, project: &str) -> String {
    let path = file.path.as_deref().or(file.place.file.as_deref()).unwrap_or(&file.name);
    let own = format!("/etc/{project}");
    if file.path.as_deref().is_some_and(|path| path.starts_with(&own)) {
        return own;
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    match folder.rsplit_once('/') {
        Some((above, last)) if last.ends_with(".conf.d") => above.to_owned(),
        _ => folder.to_owned(),
    }
}

/// Whether a file, whose final path is not known, is in a folder of the host other than Glance's usual one.
fn is_in(file: &ConfigFile, folder: &str) -> bool {
    let usual = format!("/etc/{}", GLANCE.project);
    let on_disk = file.place.file.as_deref().filter(|_| file.path.is_none()).and_then(|path| path.rsplit_once('/'));
    folder != usual && on_disk.is_some_and(|(own, _)| format!("/{own}").ends_with(folder))
}

/// As in the service's own paste file, or in its sources.
fn usual(own: &str) -> FilterSetup {
    let project = (!OF_PROCESS.contains(&own)).then(|| own.to_owned());
    FilterSetup { project, program: program(own).to_owned(), ..FilterSetup::default() }
}

/// The program's name: Glance's paste file states it, and elsewhere it is what runs the service.
fn program(own: &str) -> &str {
    if own == GLANCE.project { "glance-api" } else { "" }
}

/// What the paste file says about the filter's configuration.
pub(super) fn setup(unit: &Unit, own: &str, filter: &Filter) -> FilterSetup {
    let option = |name: &str| filter.option(name).map(|option| option.value.clone());
    // Without a program, oslo.config uses the process's name.
    let process = if unit.has(Kind::Uwsgi) { "uwsgi" } else { program(own) };
    let project = option("oslo_config_project");
    let program = match &project {
        Some(_) => option("oslo_config_program").unwrap_or_else(|| process.to_owned()),
        None => program(own).to_owned(),
    };
    // Without a project, the file does not matter.
    let config_file = option("oslo_config_file").filter(|_| project.is_some());
    FilterSetup { project, program, config_file, filter: Some(filter.clone()) }
}

/// oslo.config's default search path (find_config_files, find_config_dirs in `oslo_config/cfg.py`) for
/// the filter's project and program.
fn rank(file: &ConfigFile, own: &str, setup: &FilterSetup) -> Option<u8> {
    let path = file.path.as_deref().or(file.place.file.as_deref().filter(|_| file.place.object.is_none()));
    let path = path.unwrap_or(&file.name);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    let project = setup.project.as_deref().unwrap_or(own);
    let etc = format!("/etc/{project}");
    let home = format!("/.{project}");
    let state = format!("/var/lib/{own}");
    let searched = |folder: &str| {
        (file.path.is_none() && project == own)
            || folder == etc
            || folder == state
            || matches!(folder, "/etc" | "/root")
            || folder.ends_with(&home)
    };
    let is_program = |stem: &str| match setup.program.as_str() {
        "" => PROGRAMS.contains(&stem) || stem.strip_prefix(project).is_some_and(|rest| rest.starts_with('-')),
        program => stem == program,
    };
    let stem = name.strip_suffix(".conf");
    let folder_stem = last.strip_suffix(".conf.d");
    if let Some(stem) = folder_stem.filter(|stem| *stem == project || is_program(stem)) {
        let rank = if is_program(stem) { 3 } else { 2 };
        return (searched(above) && classify::ends_in(name, "conf")).then_some(rank);
    }
    if let Some(config_file) = &setup.config_file {
        let is_it = if file.path.is_some() { path == config_file } else { classify::base(config_file) == name };
        return is_it.then_some(1);
    }
    let is_glances = |stem: Option<&str>| own == GLANCE.project && matches!(stem, Some("glance" | "glance-api"));
    match stem {
        Some(stem) if stem == project => searched(folder).then_some(0),
        Some(stem) if is_program(stem) => searched(folder).then_some(1),
        stem if is_glances(stem) || is_glances(folder_stem) => None,
        // Its final path is unknown, or what the service is started with, so nothing is claimed.
        _ if file.path.is_none() || OF_PROCESS.contains(&own) => Some(2),
        _ => None,
    }
}

//! Files that one program reads together.

mod systemd;

use direct_upload_api::WorkloadKind;
use direct_upload_core::manifests::Lines;
use direct_upload_core::model::Key;
use direct_upload_core::openstack::Release;

use super::classify::{self, Kind};
use super::finding::{Field, Location, OptionName};
use super::names;

/// The first bytes of a file that some editors write.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// One configuration file: a separate file, or one in a ConfigMap or Secret.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigFile {
    pub kind: Kind,
    /// Where the program sees it, if that is known.
    pub path: Option<String>,
    /// Its name without folders.
    pub name: String,
    pub text: String,
    /// The line of its start.
    pub place: Location,
    pub lines: Lines,
    /// The operator writes it. To change it, change a resource.
    pub managed: bool,
    /// Made from Helm values. The chart adds what is not written.
    pub partial: bool,
}

impl ConfigFile {
    /// A file on its own.
    pub fn on_disk(name: &str, text: &str) -> Option<Self> {
        let plain = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let kind = classify::kind(name, plain)?;
        // Programs that do not skip it refuse the file, or a part of it.
        let refuse = matches!(kind, Kind::Glance | Kind::Oslo | Kind::Paste | Kind::OsloPaste | Kind::Settings);
        let text = if refuse { text } else { plain };
        let place = Location { file: Some(name.to_owned()), ..Location::default() };
        Some(Self {
            kind,
            path: classify::program_path(name),
            name: classify::base(name).to_owned(),
            text: text.to_owned(),
            place,
            lines: Lines::From(1),
            managed: false,
            partial: false,
        })
    }

    /// The place of one of its lines.
    pub fn at(&self, line: usize) -> Location {
        Location { line: self.lines.line(line), ..self.place.clone() }
    }

    /// The place of one of its lines, and the option.
    pub fn option(&self, line: usize, option: impl Into<OptionName>) -> Location {
        let (at, option) = (self.at(line), option.into());
        let path = at.field.as_ref().map(|field| field.path.clone()).filter(|_| self.partial);
        let field = match (path, &option.section, &option.name) {
            // A Helm value has one path.
            (Some(path), Some(section), Some(name)) => path.field(section).field(name).into(),
            (Some(path), None, Some(name)) if self.kind == Kind::Uwsgi => path.field(name).into(),
            _ => Field { option: Some(option), ..at.field.clone().unwrap_or_default() },
        };
        at.field(field)
    }

    /// Its name in messages: where the program sees it, or its file name.
    pub fn called(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.name)
    }
}

/// Whose files they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    Glance,
    Horizon,
}

impl Program {
    /// The one that names show, if they show only one.
    pub(crate) fn named<'a>(all: impl Iterator<Item = &'a str>) -> Option<Self> {
        let (mut glance, mut horizon) = (false, false);
        for name in all {
            glance |= names::is_glances(name);
            horizon |= names::is_dashboards(name);
        }
        match (glance, horizon) {
            (true, false) => Some(Self::Glance),
            (false, true) => Some(Self::Horizon),
            _ => None,
        }
    }
}

/// Kind and key of a workload.
pub type WorkloadId = (WorkloadKind, Key);

/// The files of one workload, one folder or one namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unit {
    /// `Deployment openstack/glance-api`, or a folder: for readers.
    pub name: String,
    /// The workload whose pods read the files, if it is among the objects.
    pub workload: Option<WorkloadId>,
    /// Folders or namespace. Units that share more of it belong together.
    pub scope: Vec<String>,
    pub files: Vec<ConfigFile>,
    /// The release that the images' tags show.
    pub release: Option<Release>,
    pub images: Vec<String>,
    /// Commands of the containers, and their places.
    pub commands: Vec<(String, Location)>,
    /// Names and values of environment variables that oslo.config reads, and their places.
    pub environment: Vec<(String, String, Location)>,
    /// Texts of mounted scripts.
    pub scripts: Vec<String>,
    /// Folders into which a whole ConfigMap or Secret is mounted.
    pub folders: Vec<(String, Location)>,
    /// Files or volumes that it reads, but that cannot be seen here.
    pub unseen: Vec<String>,
}

impl Unit {
    /// The files of a kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &ConfigFile> {
        self.files.iter().filter(move |file| file.kind == kind)
    }

    /// Whether it has a file of a kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.of_kind(kind).next().is_some()
    }

    /// Whose files they are, by what only one of the two programs has.
    pub fn service(&self) -> Option<Program> {
        let glance = self.has(Kind::Glance) || self.has(Kind::Paste);
        let horizon = self.has(Kind::Settings);
        match (glance, horizon) {
            (true, false) => Some(Program::Glance),
            (false, true) => Some(Program::Horizon),
            (true, true) => None,
            (false, false) => self.named(),
        }
    }

    /// The other service whose file it is, by its path or the unit's name.
    pub fn other_service(&self, file: &ConfigFile) -> Option<&'static str> {
        let path = file.path.as_deref().or(file.place.file.as_deref()).unwrap_or(&file.name);
        classify::service_of(path).or_else(|| classify::service_of(&self.name))
    }

    /// Whether it is relevant here. A web server may be, no matter whose it is.
    pub fn matters(&self) -> bool {
        self.service().is_some()
            || [Kind::Httpd, Kind::Nginx, Kind::Haproxy, Kind::Oslo, Kind::OsloPaste, Kind::Swift, Kind::SwiftConf]
                .into_iter()
                .any(|kind| self.has(kind))
    }

    fn named(&self) -> Option<Program> {
        let files = self.files.iter().map(ConfigFile::called);
        Program::named(files.chain([self.name.as_str()]))
    }

    /// What systemd's units start, and the files that they name and that are missing.
    pub fn read_systemd(&mut self) {
        let systemd::Started { commands, environment, missing } = systemd::read(self.of_kind(Kind::Systemd), |path| {
            self.of_kind(Kind::Environment).find(|file| file.name == classify::base(path))
        });
        let named = commands.iter().flat_map(|(command, place)| config_files(command).map(move |path| (path, place)));
        let unread: Vec<String> = named
            .filter(|(path, _)| matches!(classify::base(path), "glance-api.conf" | "glance.conf"))
            .filter(|(path, _)| !self.files.iter().any(|file| file.called() == path))
            .map(|(path, place)| format!("{path}, which ExecStart ({place}) names"))
            .collect();
        self.unseen.extend(missing.into_iter().chain(unread));
        self.commands.extend(commands);
        self.environment.extend(environment.into_iter().filter(|(name, ..)| is_read(name)));
        self.unseen.extend(self.lacks_main());
    }

    /// Glance's main file in the folder that the environment names, if it is missing.
    fn lacks_main(&self) -> Option<String> {
        let (_, folder, place) = self.environment.iter().rfind(|(name, ..)| name == CONFIG_DIR)?;
        self.lacks_main_in(folder, place)
    }

    /// The same of a folder. Glance's own server, `glance-api`, does not ask for it.
    pub(crate) fn lacks_main_in(&self, folder: &str, place: &Location) -> Option<String> {
        let path = format!("{}/glance-api.conf", folder.trim().trim_end_matches('/'));
        let is_own = |word: &str| classify::base(word) == "glance-api";
        let starts_itself = self.commands.iter().any(|(command, _)| command.split_whitespace().any(is_own));
        let is_it =
            |file: &ConfigFile| file.called() == path || (file.path.is_none() && file.name == classify::base(&path));
        (!starts_itself && !self.files.iter().any(is_it)).then(|| format!("{path}, which {CONFIG_DIR} ({place}) names"))
    }

    /// Files in /etc that the commands of its containers name, and that nothing in the input brings. Others come with
    /// images.
    pub fn read_commands(&mut self) {
        let named =
            self.commands.iter().flat_map(|(command, place)| config_files(command).map(move |path| (path, place)));
        let is_missing = |path: &str| !self.files.iter().any(|file| file.called() == path);
        let missing: Vec<String> = named
            .filter(|(path, _)| path.starts_with("/etc/") && classify::ends_in(path, "conf") && is_missing(path))
            .map(|(path, place)| format!("{path}, which the command ({place}) names"))
            .collect();
        self.unseen.extend(missing);
        self.unseen.extend(self.lacks_main());
    }

    /// Applies kolla's copies: `config.json` says what is copied where. Nothing else of its folder is read,
    /// if the folder is `whole`.
    pub fn copy_as_kolla(&mut self, whole: bool) {
        let command = |file: &ConfigFile| {
            let json: serde_json::Value = serde_json::from_str(&file.text).ok()?;
            let line = file.text.lines().position(|line| line.contains("\"command\"")).unwrap_or_default() + 1;
            Some((json["command"].as_str()?.to_owned(), file.option(line, "command")))
        };
        let commands: Vec<_> = self.of_kind(Kind::Kolla).filter_map(command).collect();
        self.commands.extend(commands);
        let copies: Vec<(String, String, bool)> =
            self.of_kind(Kind::Kolla).flat_map(|file| copies(&file.text)).collect();
        if copies.is_empty() {
            return;
        }
        if whole {
            let missing = copies.iter().filter(|(source, dest, optional)| {
                let name = classify::base(source);
                !optional && is_needed(dest) && !name.contains('*') && self.files.iter().all(|file| file.name != name)
            });
            let missing: Vec<String> =
                missing.map(|(source, dest, _)| format!("{source}, which config.json copies to {dest}")).collect();
            self.unseen.extend(missing);
        }
        for file in self.files.iter_mut().filter(|f| f.kind != Kind::Kolla) {
            let seen = file.path.as_deref();
            let from = |source: &str| match seen {
                Some(path) if path.starts_with("/var/lib/") => source == path,
                Some(_) => false,
                None => classify::base(source) == file.name,
            };
            match copies.iter().find(|(source, ..)| from(source)) {
                Some((_, dest, _)) if dest.ends_with('/') => file.path = Some(format!("{dest}{}", file.name)),
                Some((_, dest, _)) => file.path = Some(dest.clone()),
                None if seen.is_none() && whole => {
                    file.path = Some(format!("/var/lib/kolla/config_files/{}", file.name));
                }
                None => {}
            }
        }
    }
}

/// Names the folder of Glance's own files where a WSGI server runs it (glance/common/wsgi_app.py).
pub(crate) const CONFIG_DIR: &str = "OS_GLANCE_CONFIG_DIR";

/// Whether Glance, its oslo.config or its uWSGI reads an environment variable: `OS_GROUP__OPTION`
/// (oslo_config/sources/_environment.py), [`CONFIG_DIR`], or `UWSGI_OPTION` (uwsgi-docs, Configuring uWSGI).
pub(crate) fn is_read(name: &str) -> bool {
    name == CONFIG_DIR || name.starts_with("UWSGI_") || name.strip_prefix("OS_").is_some_and(|rest| rest.contains("__"))
}

/// The files that a command names: `--config-file PATH`, `--config-file=PATH`.
fn config_files(command: &str) -> impl Iterator<Item = String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let of = |(at, word): (usize, &&str)| match word.strip_prefix("--config-file") {
        Some("") => words.get(at + 1).map(|path| (*path).to_owned()),
        Some(path) => path.strip_prefix('=').map(str::to_owned),
        None => None,
    };
    words.iter().enumerate().filter_map(of).collect::<Vec<_>>().into_iter()
}

/// Files that a service needs before anything can be said about it.
fn is_needed(dest: &str) -> bool {
    let name = classify::base(dest);
    matches!(name, "glance-api.conf" | "glance-api-paste.ini" | "local_settings" | "local_settings.py")
        || (dest.contains("local_settings.d/") && classify::ends_in(name, "py"))
}

fn copies(text: &str) -> Vec<(String, String, bool)> {
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let entries = json["config_files"].as_array().cloned().unwrap_or_default();
    let copy = |entry: serde_json::Value| {
        let (source, dest) = (entry["source"].as_str()?, entry["dest"].as_str()?);
        Some((source.to_owned(), dest.to_owned(), entry["optional"] == true))
    };
    entries.into_iter().filter_map(copy).collect()
}

/// Files on disk, grouped by machine or folder.
pub fn of_files(files: Vec<(String, ConfigFile)>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    let waits = |name: &String| is_merged(name, &names) || (is_not_enabled(name, &names) && !is_included(name, &files));
    let waiting: Vec<bool> = names.iter().map(waits).collect();
    for ((name, file), _) in files.into_iter().zip(waiting).filter(|(_, waits)| !waits) {
        let root = root(&name, file.kind);
        let group = group(&name, &file);
        let name = format!("{root}{group}");
        match units.iter_mut().find(|unit| unit.name == name) {
            Some(unit) => unit.files.push(file),
            None => units.push(Unit {
                scope: root.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
                name,
                files: vec![file],
                ..Unit::default()
            }),
        }
    }
    for unit in &mut units {
        unit.read_systemd();
        unit.copy_as_kolla(true);
    }
    units
}

/// Whether a file of httpd or nginx only waits to be enabled (Debian's `a2ensite`): it is in `sites-available` or the
/// like, next to files that the server reads.
fn is_not_enabled(name: &str, names: &[String]) -> bool {
    let folders: Vec<&str> = name.split('/').collect();
    let Some(at) = folders.iter().position(|part| part.ends_with("-available")) else { return false };
    let server = folders[..at].join("/");
    names.iter().any(|other| {
        let Some(inside) = other.strip_prefix(&server).map(|rest| rest.trim_start_matches('/')) else { return false };
        let first = inside.split('/').next().unwrap_or_default();
        first.ends_with("-enabled") || matches!(inside, "apache2.conf" | "nginx.conf")
    })
}

/// Whether kolla-ansible has merged a file for all services into the files that it wrote, which are there.
fn is_merged(name: &str, names: &[String]) -> bool {
    let is_written = |other: &String| other.contains("kolla/glance-api/");
    classify::is_override(name) && classify::base(name) == "global.conf" && names.iter().any(is_written)
}

/// Whether a file of a server includes another one by its folder and name.
fn is_included(name: &str, files: &[(String, ConfigFile)]) -> bool {
    let mut parts = name.rsplitn(3, '/');
    let (Some(base), Some(folder)) = (parts.next(), parts.next()) else { return false };
    let path = format!("{folder}/{base}");
    let names_it = |line: &str| line.trim_start().to_lowercase().starts_with("include") && line.contains(&path);
    files.iter().any(|(_, file)| file.text.lines().any(names_it))
}

/// The folder that represents the machine: what is before `etc/`, or the file's folder without the parts
/// that belong to a service.
fn root(name: &str, kind: Kind) -> String {
    let mut folders: Vec<&str> = name.split('/').collect();
    folders.pop();
    if let Some(etc) = folders.iter().rposition(|part| *part == "etc") {
        folders.truncate(etc);
    }
    // What nginx includes may be in any folder below its own.
    if let Some(own) = folders.iter().rposition(|part| *part == "nginx").filter(|_| kind == Kind::Nginx) {
        folders.truncate(own);
    }
    while folders.last().is_some_and(|part| is_services(part)) {
        folders.pop();
    }
    folders.iter().flat_map(|part| [*part, "/"]).collect()
}

fn is_services(part: &str) -> bool {
    const PARTS: [&str; 11] = [
        "glance",
        "glance-api",
        "horizon",
        "openstack-dashboard",
        "local_settings.d",
        "apache2",
        "haproxy",
        "httpd",
        "nginx",
        "uwsgi",
        "kolla",
    ];
    PARTS.contains(&part) || part.ends_with("conf.d") || part.ends_with("-enabled") || part.ends_with("-available")
}

/// Files of Glance and of Horizon from one root are two units; a web server's are a separate one.
fn group(name: &str, file: &ConfigFile) -> &'static str {
    match file.kind {
        Kind::Glance | Kind::Paste | Kind::Systemd | Kind::Environment => "glance",
        Kind::Settings => "horizon",
        Kind::Kolla if name.contains("glance") => "glance",
        Kind::Kolla if name.contains("horizon") => "horizon",
        Kind::Kolla => "other",
        Kind::Uwsgi if [name, file.called(), &file.text].iter().any(|text| text.contains("glance")) => "glance",
        Kind::Uwsgi => "uwsgi",
        Kind::Httpd => "httpd",
        Kind::Nginx | Kind::Stream => "nginx",
        Kind::Haproxy | Kind::Map => "haproxy",
        Kind::Traefik => "traefik",
        Kind::Oslo | Kind::OsloPaste => classify::service_of(file.path.as_deref().unwrap_or(name)).unwrap_or("other"),
        Kind::Swift | Kind::SwiftConf => "swift",
    }
}

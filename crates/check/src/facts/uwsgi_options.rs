//! The options of the uWSGI in which Glance runs: of its environment, its command line, and its files with what they include.
//!
//! In: a unit. Out: the options in the order in which uWSGI takes them; of several values of one option the last counts
//! (`uwsgi_setup` in core/uwsgi.c: the environment, then the command line, where a file stands for its own options). uWSGI reads
//! no other section of a file than `[uwsgi]` unless the file's name ends in `:SECTION`, and puts the value of another option
//! where `%(NAME)` is (uwsgi-docs, Configuring uWSGI).

use direct_upload_core::render::oslo::read;

use crate::classify::{self, Kind};
use crate::finding::Location;
use crate::unit::{ConfigFile, Unit};

/// One option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UwsgiOption {
    pub name: String,
    pub value: String,
    pub place: Location,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Uwsgi<'a> {
    /// The file that it reads first, if that is in the input.
    pub file: Option<&'a ConfigFile>,
    pub options: Vec<UwsgiOption>,
    /// Where something may decide about uploads, and what.
    pub open: Vec<String>,
    /// Whether no file that its command names is missing.
    pub is_whole: bool,
}

/// Options that decide about uploads.
const DECIDING: [&str; 9] = [
    "limit-post",
    "harakiri",
    "socket-timeout",
    "http-timeout",
    "buffer-size",
    "post-buffering",
    "chunked-input-limit",
    "add-header",
    "del-header",
];

/// Options of one word, as they are on a command line.
const OF_ONE_WORD: [&str; 16] = [
    "limit-post",
    "harakiri",
    "socket-timeout",
    "http-timeout",
    "buffer-size",
    "post-buffering",
    "chunked-input-limit",
    "http",
    "http-socket",
    "https",
    "https-socket",
    "socket",
    "uwsgi-socket",
    "protocol",
    "module",
    "wsgi-file",
];

/// Short names of them.
const SHORT: [(&str, &str); 5] =
    [("-t", "harakiri"), ("-z", "socket-timeout"), ("-b", "buffer-size"), ("-s", "socket"), ("-w", "module")];

/// Files do not include others more deeply; one that includes itself does not end.
const MOST_DEEP: usize = 8;

fn decides(name: &str) -> bool {
    DECIDING.contains(&name) || name.starts_with("route")
}

impl<'a> Uwsgi<'a> {
    /// Those of a unit, if it has uWSGI.
    pub fn read(unit: &'a Unit) -> Option<Self> {
        let mut own = Self { is_whole: true, ..Self::default() };
        for (name, value, place) in &unit.environment {
            let name = name.strip_prefix("UWSGI_").map(|name| name.to_lowercase().replace('_', "-"));
            own.options.extend(name.map(|name| UwsgiOption { name, value: value.clone(), place: place.clone() }));
        }
        let mut commands = unit.commands.iter().filter_map(|own| Some((words(&own.0)?, &own.1))).peekable();
        let is_started = commands.peek().is_some();
        for (words, place) in commands {
            own.take_words(unit, &words, place);
        }
        if own.file.is_none() && own.is_whole {
            let file = first_file(unit);
            own.file = file;
            if let Some(file) = file {
                own.take_file(unit, file, "uwsgi", &mut Vec::new());
            }
        }
        own.substitute();
        (is_started || own.file.is_some()).then_some(own)
    }

    /// The value of an option in effect.
    pub fn last(&self, name: &str) -> Option<&UwsgiOption> {
        self.options.iter().rfind(|own| own.name == name)
    }

    /// The variables that it sets for what it runs: `env = NAME=VALUE`.
    pub fn environment(&self) -> Vec<(String, String, Location)> {
        let set = self.options.iter().filter(|own| own.name == "env");
        let parts = set.filter_map(|own| Some((own.value.trim().split_once('=')?, own.place.clone())));
        parts.map(|((name, value), place)| (name.trim().to_owned(), value.to_owned(), place)).collect()
    }

    /// Where an option belongs that nothing sets.
    pub fn place(&self) -> Location {
        let first = self.options.first().map(|own| own.place.clone());
        self.file.map(|file| file.at(1)).or(first).unwrap_or_default()
    }

    fn take_words(&mut self, unit: &'a Unit, words: &[&str], place: &Location) {
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let short = SHORT.iter().find(|(short, _)| *short == word).map(|(_, name)| *name);
            let Some(long) = short.or_else(|| word.strip_prefix("--")) else {
                if classify::ends_in(word.split(':').next().unwrap_or_default(), "ini") {
                    self.take_named(unit, word);
                }
                continue;
            };
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name.replace('_', "-"), Some(value)),
                None => (long.replace('_', "-"), None),
            };
            let is_file = matches!(name.as_str(), "ini" | "include" | "inherit");
            if !is_file && !OF_ONE_WORD.contains(&name.as_str()) {
                if decides(&name) {
                    self.open.push(format!("{place}: what uWSGI's option {name} on the command line does to uploads"));
                }
                continue;
            }
            let Some(value) = value.or_else(|| words.next()) else { continue };
            match () {
                () if is_file => self.take_named(unit, value),
                () if value.contains('$') => {
                    self.open.push(format!("{place}: what uWSGI's option {name} on the command line does to uploads"));
                }
                () => {
                    self.options.push(UwsgiOption { name, value: value.to_owned(), place: place.clone() });
                }
            }
        }
    }

    /// A file that the command names.
    fn take_named(&mut self, unit: &'a Unit, named: &str) {
        let (path, section) = named.split_once(':').unwrap_or((named, "uwsgi"));
        match find(unit, path) {
            Some(file) => {
                self.file = self.file.or(Some(file));
                self.take_file(unit, file, section, &mut Vec::new());
            }
            None => self.is_whole = false,
        }
    }

    /// `within`: the files that lead to it.
    fn take_file(&mut self, unit: &'a Unit, file: &'a ConfigFile, section: &str, within: &mut Vec<&'a ConfigFile>) {
        within.push(file);
        let mut depth = 0_usize;
        for own in read::parse(&file.text).assignments.into_iter().filter(|own| own.section == section) {
            let name = own.name.replace('_', "-");
            let is_known = depth == 0 && !own.value.contains("$(");
            match name.as_str() {
                name if name.starts_with("if-") => depth += 1,
                "endif" | "end-if" => depth = depth.saturating_sub(1),
                "ini" | "include" | "inherit" => {
                    let (path, section) = own.value.trim().split_once(':').unwrap_or((own.value.trim(), "uwsgi"));
                    let is_outer = |found: &&ConfigFile| within.iter().any(|outer| std::ptr::eq(*outer, *found));
                    // `inherit` fills in later what other options leave out.
                    let is_read = is_known && name != "inherit" && within.len() < MOST_DEEP;
                    match find(unit, path).filter(|found| is_read && !is_outer(found)) {
                        Some(found) => self.take_file(unit, found, section, within),
                        None => self.open.push(of_file(file, &own)),
                    }
                }
                name if !is_known && decides(name) => self.open.push(of_file(file, &own)),
                _ if depth > 0 => {}
                _ => {
                    let place = file.option(own.line, own.name.as_str());
                    self.options.push(UwsgiOption { name, value: own.value, place });
                }
            }
        }
        within.pop();
    }

    /// `%(NAME)`.
    fn substitute(&mut self) {
        let known: Vec<(String, String)> =
            self.options.iter().map(|own| (format!("%({})", own.name), own.value.clone())).collect();
        for own in self.options.iter_mut().filter(|own| own.value.contains("%(")) {
            for (name, value) in &known {
                own.value = own.value.replace(name, value);
            }
        }
    }
}

fn of_file(file: &ConfigFile, own: &read::Assignment) -> String {
    format!("{}: what uWSGI's {} = {} is for uploads", file.at(own.line), own.name, own.value.trim())
}

/// The words of a command after its uWSGI, if that is what it starts.
fn words(command: &str) -> Option<Vec<&str>> {
    let mut words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'', '[', ']', ',']));
    let is_uwsgi = |word: &str| {
        let name = classify::base(word);
        name == "uwsgi" || ((name.starts_with("uwsgi_") || name.starts_with("uwsgi-")) && !name.contains('.'))
    };
    words.by_ref().find(|word| is_uwsgi(word))?;
    Some(words.take_while(|word| !matches!(*word, ";" | "&&" | "||" | "|" | "&")).collect())
}

/// The file of a path.
fn find<'a>(unit: &'a Unit, path: &str) -> Option<&'a ConfigFile> {
    let mut files = unit.of_kind(Kind::Uwsgi);
    let by_name = |file: &&ConfigFile| file.path.is_none() && file.name == classify::base(path);
    unit.of_kind(Kind::Uwsgi).find(|file| file.called() == path).or_else(|| files.find(by_name))
}

/// The file that names the application, or the first one.
fn first_file(unit: &Unit) -> Option<&ConfigFile> {
    let names_it = |file: &&ConfigFile| {
        let mut options = read::parse(&file.text).assignments.into_iter();
        options.any(|own| matches!(own.name.as_str(), "module" | "wsgi" | "wsgi-file" | "mount"))
    };
    unit.of_kind(Kind::Uwsgi).find(names_it).or_else(|| unit.of_kind(Kind::Uwsgi).next())
}

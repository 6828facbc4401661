//! systemd's units, with their drop-in files: what they start, and with which variables.
//!
//! In: the files of units. Out: commands and variables in the order in which systemd reads them (systemd.unit,
//! systemd.exec): a unit before its drop-in files, and an empty value takes back what was set before.

use std::collections::BTreeMap;

use super::ConfigFile;
use crate::finding::Location;
use crate::formats::directives;

/// What some units say.
#[derive(Default)]
pub(crate) struct Started {
    pub commands: Vec<(String, Location)>,
    pub environment: Vec<(String, String, Location)>,
    /// Files that they name and that are not there.
    pub missing: Vec<String>,
}

/// Reads units and drop-in files. `named`: a file that an `EnvironmentFile=` names.
pub(crate) fn read<'f>(
    files: impl Iterator<Item = &'f ConfigFile>,
    named: impl Fn(&str) -> Option<&'f ConfigFile>,
) -> Started {
    let mut units: BTreeMap<(&str, bool, &str), Vec<&ConfigFile>> = BTreeMap::new();
    for file in files {
        units.entry(order(file)).or_default().push(file);
    }
    let mut all = Started::default();
    let mut own = Started::default();
    let mut now = "";
    for ((unit, ..), files) in units {
        if unit != now {
            all.add(std::mem::take(&mut own));
            now = unit;
        }
        for file in files {
            own.read(file, &named);
        }
    }
    all.add(own);
    all
}

/// The name of the unit, whether the file is a drop-in, and its own name.
fn order(file: &ConfigFile) -> (&str, bool, &str) {
    let path = file.place.file.as_deref().unwrap_or(&file.name);
    let folder = path.rsplit('/').nth(1).and_then(|folder| folder.strip_suffix(".d"));
    match folder.filter(|folder| folder.ends_with(".service")) {
        Some(unit) => (unit, true, &file.name),
        None => (&file.name, false, &file.name),
    }
}

impl Started {
    fn add(&mut self, other: Self) {
        self.commands.extend(other.commands);
        self.environment.extend(other.environment);
        self.missing.extend(other.missing);
    }

    fn read<'f>(&mut self, file: &'f ConfigFile, named: &impl Fn(&str) -> Option<&'f ConfigFile>) {
        let mut lines = file.text.lines().enumerate();
        while let Some((at, line)) = lines.next() {
            let Some((name, value)) = line.trim().split_once('=') else { continue };
            let place = || file.option(at + 1, name.trim());
            match name.trim() {
                "Environment" if value.trim().is_empty() => self.environment.clear(),
                "Environment" => {
                    let words = words(value).into_iter().filter_map(|word| assignment(&word));
                    self.environment.extend(words.map(|(name, value)| {
                        let place = file.option(at + 1, name.as_str());
                        (name, value, place)
                    }));
                }
                "EnvironmentFile" => {
                    let path = value.trim();
                    let optional = path.starts_with('-');
                    let path = path.trim_start_matches('-');
                    match named(path) {
                        Some(file) => self.environment.extend(variables(file)),
                        None if optional || path.is_empty() => {}
                        None => self.missing.push(format!("{path}, which EnvironmentFile ({}) names", place())),
                    }
                }
                "ExecStart" => {
                    let mut command = value.to_owned();
                    while command.ends_with('\\') {
                        command.pop();
                        command.extend(lines.next().map(|(_, more)| more));
                    }
                    let command = command.trim_start_matches(['-', '@', ':', '+', '!']).trim().to_owned();
                    if command.is_empty() {
                        self.commands.clear();
                    } else {
                        self.commands.push((command, place()));
                    }
                }
                _ => {}
            }
        }
    }
}

/// The words of a value, of which quotes hold some together.
fn words(value: &str) -> Vec<String> {
    directives::httpd(&format!("Environment {value}")).into_iter().flat_map(|directive| directive.args).collect()
}

fn assignment(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
}

/// `NAME=VALUE` on each line, where the value may be in quotes.
fn variables(file: &ConfigFile) -> Vec<(String, String, Location)> {
    let lines = file.text.lines().enumerate().filter(|(_, line)| !line.trim().starts_with(['#', ';']));
    let of = |(at, line): (usize, &str)| {
        let (name, value) = assignment(line)?;
        let value = value.trim().trim_matches(['"', '\'']).to_owned();
        let place = file.option(at + 1, name.as_str());
        Some((name, value, place))
    };
    lines.filter_map(of).collect()
}

//! What the file of Swift's proxy says about CORS (`swift/proxy/server.py`).
//!
//! In: a text. Out: where each option comes from, in the order of PasteDeploy (`paste/deploy/loadwsgi.py`,
//! `get_context`): `set NAME` in the proxy's own section, then `[DEFAULT]`, then the proxy's own section, in which a
//! name of `[DEFAULT]` is skipped.

use super::configparser::{self, IniOption, Merged, Section, interpolated};

/// A file of the proxy, or the files of its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwiftProxy {
    read: Merged,
}

/// One option as the proxy gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwiftOption<'a> {
    pub section: &'a str,
    pub value: String,
    /// From 1.
    pub line: usize,
    /// Written as `set NAME`, which overrides `[DEFAULT]`.
    pub by_set: bool,
}

impl SwiftProxy {
    /// Reads a text.
    ///
    /// # Errors
    /// Line and reason, if Python refuses the file.
    pub fn read(text: &str) -> Result<Self, (usize, String)> {
        Self::read_all([text])
    }

    /// Reads the files of a folder, in the order of their names (`read_conf_dir` in `swift/common/utils`).
    ///
    /// # Errors
    /// Line, counted on from text to text, and reason, if Python refuses one of them.
    pub fn read_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, (usize, String)> {
        configparser::read_all(texts).map(|read| Self { read })
    }

    /// All sections, as they are written.
    pub fn written(&self) -> &[Section] {
        &self.read.written
    }

    /// What counts of an option.
    pub fn option(&self, name: &str) -> Option<SwiftOption<'_>> {
        let set = format!("set {name}");
        let in_app = |name: &str| self.find(is_proxy, name);
        let (by_set, (section, option)) = match in_app(&set) {
            Some(found) => (true, found),
            None => (false, self.find(|section| section.name == DEFAULT, name).or_else(|| in_app(name))?),
        };
        let value = self.value(section, option);
        Some(SwiftOption { section: &section.name, value, line: option.line, by_set })
    }

    fn find(&self, of: impl Fn(&Section) -> bool, name: &str) -> Option<(&Section, &IniOption)> {
        self.read.sections.iter().filter(|section| of(section)).find_map(|section| Some((section, section.get(name)?)))
    }

    /// With `%(name)s` replaced, if that is possible.
    fn value(&self, section: &Section, option: &IniOption) -> String {
        let default = self.read.sections.iter().filter(|section| section.name == DEFAULT);
        let known = |name: &str| {
            let mut sections = std::iter::once(section).chain(default.clone());
            sections.find_map(|section| section.get(name)).map(|option| option.value.clone())
        };
        interpolated(&option.value, &known, 0).unwrap_or_else(|| option.value.clone())
    }
}

/// Whether it is a section of the proxy itself.
pub fn is_proxy(section: &Section) -> bool {
    let uses = || section.get("use").is_some_and(|used| used.value.ends_with("#proxy"));
    section.name == "app:proxy-server" || (section.name.starts_with("app:") && uses())
}

/// The parts of a list.
pub fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// As `swift.common.utils.config_true_value` reads a flag.
pub fn is_true(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "t" | "y")
}

const DEFAULT: &str = "DEFAULT";

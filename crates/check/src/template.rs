//! Configuration that some tool has yet to fill in is no configuration: judging it would be guessing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::classify::Kind;
use super::unit::ConfigFile;
use crate::formats::python;

/// What is said of one.
pub const TOLD: &str = "is a template; let its tool fill it in, and check what comes out";

/// Jinja and Go, ERB.
static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{\{[^{}\n]+\}\}|\{%[^\n]*%\}|<%[^\n]*%>").ok());

/// Whether a file holds marks that its program would not understand.
pub fn is_one(file: &ConfigFile) -> bool {
    let marked = MARKS.as_ref().is_some_and(|marks| marks.is_match(&file.text));
    // In Python, texts may hold anything.
    marked && (file.kind != Kind::Settings || python::read(&file.text, &mut BTreeMap::new()).error.is_some())
}

//! Configuration that a tool must still fill in is not judged, because that would be guessing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::classify::Kind;
use super::unit::ConfigFile;
use crate::formats::python;

/// The report about one template.
const TOLD: &str = "is a template; render it with its tool, and check the result";

/// How many templates are named; beyond that only their number is reported.
const SHOWN: usize = 3;

/// The report about all that were found.
pub fn told(names: &[String]) -> Vec<String> {
    let one = |name: &String| format!("{name}: {TOLD}");
    let more = names.len().saturating_sub(SHOWN);
    let rest = (more > 0).then(|| format!("{more} more templates; render them with their tool, and check the results"));
    names.iter().take(SHOWN).map(one).chain(rest).collect()
}

/// Jinja and Go, ERB.
static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{\{[^{}\n]+\}\}|\{%[^\n]*%\}|<%[^\n]*%>").ok());

/// Whether a file has marks that its program would not understand.
pub fn is_one(file: &ConfigFile) -> bool {
    let marked = MARKS.as_ref().is_some_and(|marks| marks.is_match(&file.text));
    // In Python, texts may hold anything.
    marked && (file.kind != Kind::Settings || python::read(&file.text, &mut BTreeMap::new()).error.is_some())
}

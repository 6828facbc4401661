//! Configuration that a tool must still fill in or decrypt is not judged, because that would be guessing.

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

/// Whether a tool must still decrypt a text (SOPS, ansible-vault), or put another one in its place
/// (argocd-vault-plugin's `<path:…>`, vals' `ref+…://`, bank-vaults' `vault:…`, one variable of envsubst or Flux).
pub fn is_hidden(text: &str) -> bool {
    let whole = text.trim();
    let encloses = |start: &str, end: &str| whole.starts_with(start) && whole.ends_with(end);
    let is_reference = (encloses("<", ">") && !whole.contains("><"))
        || (encloses("${", "}") && whole.matches("${").count() == 1)
        || (whole.starts_with("ref+") && whole.contains("://"))
        || whole.starts_with("vault:");
    text.contains("ENC[AES256_GCM,") || whole.starts_with("$ANSIBLE_VAULT;") || (!whole.contains('\n') && is_reference)
}

/// Whether a file has marks that its program would not understand.
pub fn is_one(file: &ConfigFile) -> bool {
    if is_hidden(&file.text) {
        return true;
    }
    let marked = MARKS.as_ref().is_some_and(|marks| marks.is_match(&file.text));
    // In Python, texts may hold anything.
    marked && (file.kind != Kind::Settings || python::read(&file.text, &mut BTreeMap::new(), None).error.is_some())
}

//! Glance's policy file: who may upload.
//!
//! In: a file's text. Out: a sentence, if it replaces Glance's own rule for `upload_image` (glance/policies/image.py:
//! administrators, and members of the image's project) by one that members do not clearly pass.

use std::sync::LazyLock;

use regex::Regex;

static RULE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m)^\s*\{?\s*["']?(upload_image|add_image)["']?\s*:\s*(.*?)\s*,?\s*\}?\s*$"#).ok());

/// Whether a path is that of Glance's policy file.
pub(crate) fn is_glances(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.contains("glance") && matches!(name, "policy.yaml" | "policy.json" | "policy.yml")
}

/// What it may refuse. `place`: the file.
pub(crate) fn gap(place: &str, text: &str) -> Option<String> {
    // Rules and roles of projects' members; an empty rule lets everybody pass.
    const OPEN: [&str; 7] =
        ["member", "rule:default", "admin_or_owner", "rule:", "@", "is_admin_or_owner", "role:user"];
    let found = RULE.as_ref()?.captures_iter(text).find(|found| {
        let rule = found[2].trim_matches(['"', '\'']);
        !rule.is_empty() && rule != "[]" && !OPEN.iter().any(|open| rule.contains(open))
    })?;
    let rule = found[2].trim_matches(['"', '\'']);
    Some(format!(
        "{place}: {} is {rule:?}: the input does not show whether the dashboard's users have this right",
        &found[1]
    ))
}

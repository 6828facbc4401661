//! Horizon's fragment, for tools that take the snippet as one text.

use super::FragmentFile;
use super::contents::Contents;
use super::next::Next;

/// What a tool's user reads above the snippet.
pub struct SnippetComment<'a> {
    /// The tool.
    pub tool: &'a str,
    /// Where the snippet goes.
    pub place: &'a [&'a str],
    /// How to stay in legacy mode until Glance is ready, although the tool itself sets the direct mode.
    pub legacy: [&'a str; 2],
}

/// The snippet in the tool's own file, which `file` makes of the lines above it and the settings.
pub fn horizon(
    contents: &Contents,
    next: &Next,
    comment: &SnippetComment<'_>,
    file: impl FnOnce(Vec<String>, &str) -> FragmentFile,
) -> Option<FragmentFile> {
    let settings = contents.settings();
    if settings.is_empty() {
        return None;
    }
    let mut lines = vec![format!("{}{}", comment.tool, next.purpose)];
    lines.extend(comment.place.iter().map(|line| (*line).to_owned()));
    if contents.direct {
        lines.extend(comment.legacy.map(str::to_owned));
    }
    lines.extend_from_slice(&next.lines);
    Some(file(lines, &settings))
}

//! Whether two files mean the same.
//!
//! In: two texts of one format. Out: true if they differ only in comments, blank lines, layout, or an order
//! that the program ignores. A newer build then rolls no pod.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::{CorsFilter, CorsOption};

use super::file::{File, FileFormat};
use super::oslo::read;

/// Whether a text means the same as a file, or lacks only what a later release added on its own.
pub fn says_enough(file: &File, text: &str) -> bool {
    same_meaning(file.format, text, &file.contents) || lacks_only(text, &file.contents, &file.late_headers)
}

/// Whether a text of oslo.config lacks only these headers, which a page may send.
fn lacks_only(text: &str, wanted: &str, headers: &[&str]) -> bool {
    if headers.is_empty() {
        return false;
    }
    let completed = ini(text).map(|options| with(options, headers));
    completed.is_some() && completed == ini(wanted)
}

type Options = BTreeMap<(String, String), Vec<OptionValue>>;

/// The same options, with these headers added to those that a page may send.
fn with(mut options: Options, headers: &[&str]) -> Options {
    let allowed = (CorsFilter::OsloMiddleware.section().to_owned(), CorsOption::ALLOW_HEADERS.name.to_owned());
    for value in options.get_mut(&allowed).into_iter().flatten() {
        if let OptionValue::Set(items) = value {
            items.extend(headers.iter().map(|header| (*header).to_owned()));
        }
    }
    options
}

/// Whether the program that reads these files would do the same with both.
pub fn same_meaning(format: FileFormat, a: &str, b: &str) -> bool {
    a == b
        || match format {
            // Our own values read the same in both.
            FileFormat::OsloConfig | FileFormat::SwiftProxy => matches!((ini(a), ini(b)), (Some(a), Some(b)) if a == b),
            FileFormat::Python => python(a) == python(b),
            FileFormat::Httpd => httpd(a) == httpd(b),
            FileFormat::Policy => policy(a) == policy(b),
        }
}

#[derive(PartialEq, Eq)]
enum OptionValue {
    Set(BTreeSet<String>),
    Text(String),
}

/// All values of an option, because some options collect them; none if oslo.config refuses the file.
fn ini(text: &str) -> Option<Options> {
    let parsed = read::parse(text);
    if !parsed.errors.is_empty() {
        return None;
    }
    let mut options: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for assignment in parsed.assignments {
        let section = assignment.normalized_section();
        let option = CorsFilter::option(&section, &assignment.name);
        let items: Option<BTreeSet<String>> = option
            .is_some_and(CorsOption::is_set)
            .then(|| read::list(&assignment.value).iter().map(|item| item.known().map(str::to_owned)).collect())
            .flatten();
        let value = items.map_or(OptionValue::Text(assignment.value), OptionValue::Set);
        options.entry((section, assignment.name)).or_default().push(value);
    }
    Some(options)
}

/// One rule per line.
fn policy(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// The text without comments, blank lines and spaces at line ends. Strings do not change.
fn python(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '#' => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            '\'' | '"' => string_length(rest),
            '\n' => {
                let kept = out.trim_end_matches([' ', '\t', '\r']).len();
                out.truncate(kept);
                if out.is_empty() || out.ends_with('\n') {
                    rest = &rest[1..];
                    continue;
                }
                1
            }
            _ => c.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out.trim_end().to_owned()
}

/// The length of the string literal at the start of this text, in bytes.
fn string_length(text: &str) -> usize {
    let triple = text.starts_with("'''") || text.starts_with("\"\"\"");
    let quote = &text[..if triple { 3 } else { 1 }];
    let mut at = quote.len();
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with(quote) {
            return at + quote.len();
        }
        if c == '\n' && !triple {
            return at;
        }
        at += c.len_utf8();
        if c == '\\' {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    at
}

/// The directives in order, continuation lines joined, without comments and indentation.
fn httpd(text: &str) -> Vec<String> {
    let joined = text.replace("\r\n", "\n").replace("\\\n", "");
    joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

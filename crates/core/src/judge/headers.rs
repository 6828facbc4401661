//! A received header list, read as the Fetch standard reads one (§2.2.2).

use direct_upload_api::web::is_token;

/// Header lines as received: names in any case, repeated names included. Bytes above 0x7F are the
/// characters with the same number (isomorphic decode).
pub type Headers = [(String, String)];

pub const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";

pub(crate) const ALLOW_CREDENTIALS: &str = "Access-Control-Allow-Credentials";

pub(crate) const ALLOW_METHODS: &str = "Access-Control-Allow-Methods";

pub(crate) const ALLOW_HEADERS: &str = "Access-Control-Allow-Headers";

/// The longest part of a value that is ever shown.
const SHOWN: usize = 200;

/// "Get": all values of the name, joined by a comma and a space; `None` if there is no such line.
pub fn get(headers: &Headers, name: &str) -> Option<String> {
    let values: Vec<_> = lines(headers, name).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// The values of each line of the name, without HTTP whitespace around them.
pub fn lines<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .iter()
        .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_matches(['\t', '\n', '\r', ' ']))
}

/// Whether a header's name starts with this, in any case.
pub fn starts_with(name: &str, with: &str) -> bool {
    name.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// "Extracting header list values" for a name whose grammar is a list of tokens (RFC 9110 §5.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extracted<'a> {
    /// No line with that name.
    Null,
    /// This element is not a token, so the whole answer does not count.
    Failure(&'a str),
    /// The elements, without empty ones.
    Values(Vec<&'a str>),
}

/// Extracts the values of all lines of the name.
pub(crate) fn extract<'a>(headers: &'a Headers, name: &'a str) -> Extracted<'a> {
    let mut lines = lines(headers, name).peekable();
    if lines.peek().is_none() {
        return Extracted::Null;
    }
    let mut values = Vec::new();
    for element in lines.flat_map(|line| line.split(',')) {
        match element.trim_matches([' ', '\t']) {
            "" => {}
            token if is_token(token) => values.push(token),
            other => return Extracted::Failure(other),
        }
    }
    Extracted::Values(values)
}

/// A foreign value, safe to show: one line, plain ASCII, of limited length.
pub fn shown(value: &str) -> String {
    let escaped = value.chars().flat_map(|c| -> Box<dyn Iterator<Item = char>> {
        if (' '..='~').contains(&c) { Box::new(std::iter::once(c)) } else { Box::new(c.escape_default()) }
    });
    let mut text: String = escaped.take(SHOWN + 1).collect();
    if text.len() > SHOWN {
        text.truncate(SHOWN);
        text.push_str("...");
    }
    text
}

/// The lines of one name, as messages show them.
pub fn received(headers: &Headers, name: &str) -> String {
    let lines: Vec<_> = lines(headers, name).map(|value| format!("{name}: {}", shown(value))).take(4).collect();
    if lines.is_empty() { format!("no {name}") } else { lines.join(" | ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(lines: &[&str]) -> Vec<(String, String)> {
        lines.iter().map(|v| ("X-List".to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn lists_are_extracted() {
        assert_eq!(extract(&list(&[]), "x-list"), Extracted::Null);
        assert_eq!(extract(&list(&[""]), "x-list"), Extracted::Values(vec![]));
        assert_eq!(extract(&list(&[" a ,,\tb", "*,"]), "x-list"), Extracted::Values(vec!["a", "b", "*"]));
        assert_eq!(extract(&list(&["a, b c"]), "x-list"), Extracted::Failure("b c"));
    }

    #[test]
    fn what_is_shown_is_bounded_and_plain() {
        assert_eq!(shown("a\u{1b}[31m\nb\u{e9}"), "a\\u{1b}[31m\\nb\\u{e9}");
        assert_eq!(shown(&"x".repeat(10_000)).len(), SHOWN + 3);
    }
}

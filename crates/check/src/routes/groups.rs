//! What a rule writes instead of a text that its pattern matches.

use regex::Captures;

/// A text with the groups of a match, which it names as `$1`.
pub(super) fn with_groups(found: &Captures<'_>, text: &str) -> Option<String> {
    let mut made = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        made.push_str(&rest[..at]);
        let number = rest[at + 1..].chars().next().and_then(|c| c.to_digit(10))?;
        made.push_str(found.get(usize::try_from(number).ok()?).map_or("", |group| group.as_str()));
        rest = &rest[at + 2..];
    }
    Some(made + rest)
}

//! What a server's rule writes instead of a text that its pattern matches.

use regex::Captures;

/// A text with the groups of a match, which it names as `$1` or `\1`; none if something else is in it.
pub(super) fn expanded(text: &str, sign: char, groups: &Captures<'_>) -> Option<String> {
    let mut made = String::new();
    let mut parts = text.split(sign);
    made.push_str(parts.next()?);
    for part in parts {
        let number = part.chars().next()?.to_digit(10)?;
        made.push_str(groups.get(usize::try_from(number).ok()?).map_or("", |group| group.as_str()));
        made.push_str(&part[1..]);
    }
    (!made.contains('%')).then_some(made)
}

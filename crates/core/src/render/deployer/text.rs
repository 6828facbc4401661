//! Comments, and YAML by hand: a fragment is for people first.

use std::fmt::Write as _;

/// Comment lines, ending with a line break.
pub fn comment<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> String {
    let line = |line: S| format!("# {}", line.as_ref()).trim_end().to_owned() + "\n";
    lines.into_iter().map(line).collect()
}

/// A double-quoted text, which JSON and every YAML read alike.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A literal block's lines, below a key that ends with `: |`.
pub fn block(text: &str, indent: usize) -> String {
    let line = |line: &str| match line {
        "" => "\n".to_owned(),
        line => format!("{:indent$}{line}\n", ""),
    };
    text.lines().map(line).collect()
}

/// A mapping of sections to mappings of options. `escape`: what the tool needs to keep a text as it is.
pub fn sections(options: &[(String, Vec<(String, String)>)], indent: usize, escape: fn(&str) -> String) -> String {
    let section = |(name, options): &(String, Vec<(String, String)>)| {
        format!("{:indent$}{name}:\n{}", "", mapping(options, indent + 2, escape))
    };
    options.iter().map(section).collect()
}

/// A mapping of texts.
pub fn mapping(texts: &[(String, String)], indent: usize, escape: fn(&str) -> String) -> String {
    let line = |(name, value): &(String, String)| format!("{:indent$}{}: {}\n", "", key(name), quoted(&escape(value)));
    texts.iter().map(line).collect()
}

/// A name of an option or rule; quoted if YAML could read something else.
fn key(name: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let is_word = name.bytes().all(is_plain) && name.starts_with(|c: char| c.is_ascii_alphabetic());
    // YAML 1.1 reads these as true and false.
    let is_flag =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&name.to_ascii_lowercase().as_str());
    if is_word && !is_flag { name.to_owned() } else { quoted(name) }
}

/// The text as it stands.
pub(super) fn as_is(text: &str) -> String {
    text.to_owned()
}

/// A text that Jinja leaves as it stands. Each opening delimiter becomes an expression that prints it; a closing one
/// alone means nothing.
pub fn jinja(text: &str) -> String {
    let mut escaped = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        escaped.push_str(before);
        let length = if ["{{", "{%", "{#"].iter().any(|opening| from.starts_with(opening)) { 2 } else { 1 };
        let (opening, after) = from.split_at(length);
        match length {
            2 => drop(write!(escaped, "{{{{ '{opening}' }}}}")),
            _ => escaped.push_str(opening),
        }
        rest = after;
    }
    escaped + rest
}

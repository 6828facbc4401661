//! Comments, and YAML by hand: a fragment is for people first.

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

/// A mapping of sections to mappings of options.
pub fn sections(options: &[(String, Vec<(String, String)>)], indent: usize) -> String {
    let option = |(name, value): &(String, String)| format!("{:indent$}  {name}: {}\n", "", quoted(value));
    let section = |(name, options): &(String, Vec<(String, String)>)| {
        format!("{:indent$}{name}:\n{}", "", options.iter().map(option).collect::<String>())
    };
    options.iter().map(section).collect()
}

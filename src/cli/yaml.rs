//! JSON values → YAML that all readers understand in the same way.
//!
//! In: a value. Out: block style, keys in order, long texts as literal blocks. A text that some reader
//! could misread is quoted; for example, kubectl reads a plain `yes` or `0o7` as something else than text.

use std::fmt::Write;

use serde_json::Value;

/// One document, with a newline at its end.
pub fn document(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(&mut out, value, 0),
        Value::Array(list) if !list.is_empty() => block(&mut out, value, 0),
        _ => {
            scalar(&mut out, value, 0);
            out.push('\n');
        }
    }
    out
}

/// A mapping or sequence that is not empty, at the start of a line.
fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) => {
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    pad(out, indent);
                }
                text(out, key);
                out.push(':');
                entry(out, value, indent);
            }
        }
        Value::Array(list) => {
            for (at, item) in list.iter().enumerate() {
                if at > 0 {
                    pad(out, indent);
                }
                out.push('-');
                if is_block(item) {
                    out.push(' ');
                    block(out, item, indent + 2);
                } else {
                    out.push(' ');
                    scalar(out, item, indent);
                    out.push('\n');
                }
            }
        }
        _ => {}
    }
}

/// The text after a key and its colon.
fn entry(out: &mut String, value: &Value, indent: usize) {
    if is_block(value) {
        // Like kubectl, a sequence has the same indentation as its key.
        let deeper = if value.is_array() { indent } else { indent + 2 };
        out.push('\n');
        pad(out, deeper);
        block(out, value, deeper);
    } else {
        out.push(' ');
        scalar(out, value, indent);
        out.push('\n');
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn scalar(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::String(string) if is_literal(string) => literal(out, string, indent + 2),
        Value::String(string) => text(out, string),
        // `{}`, `[]`, null, true and numbers are the same in JSON.
        other => drop(write!(out, "{other}")),
    }
}

/// Whether a literal block returns this text byte for byte.
fn is_literal(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && !lines.ends_with('\n')
        && text.chars().all(|c| matches!(c, '\n' | '\t') || is_printable(c))
}

fn literal(out: &mut String, text: &str, indent: usize) {
    out.push_str(if text.ends_with('\n') { "|" } else { "|-" });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
}

fn text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c => drop(write!(out, "\\U{:08X}", u32::from(c))),
        }
    }
    out.push('"');
}

/// Printable for every YAML reader, and no line break for any.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Words with a meaning in YAML 1.1 (kubectl) or 1.2.
const WORDS: [&str; 12] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "nil"];

/// Texts that no reader misreads: they start with a letter or a slash, and have nothing that ends a plain
/// text.
fn is_plain(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '/' || c == '_';
    let rest = |c: char| c.is_ascii_alphanumeric() || "/_-.+=,()@$~^*;<>!%&'\\ :".contains(c);
    text.starts_with(first)
        && text.chars().all(rest)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

//! Writes Python literals.
//!
//! In: Rust values. Out: ASCII text that Python reads back as exactly those values.

use std::fmt::Write as _;

/// A value that has a Python literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `'…'`
    Str(String),
    /// `True` or `False`
    Bool(bool),
    /// `[…]`
    List(Vec<Self>),
    /// `(…,)`
    Tuple(Vec<Self>),
}

impl Literal {
    /// A list of strings.
    pub fn strings<'a>(items: impl IntoIterator<Item = &'a str>) -> Self {
        Self::List(items.into_iter().map(Self::from).collect())
    }
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl std::fmt::Display for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Str(text) => f.write_str(&string(text)),
            Self::Bool(value) => f.write_str(if *value { "True" } else { "False" }),
            Self::List(items) => sequence(f, '[', items, "]"),
            // Without its comma, a tuple with one item would be the item itself.
            Self::Tuple(items) => sequence(f, '(', items, if items.len() == 1 { ",)" } else { ")" }),
        }
    }
}

/// A string literal. ASCII only, because Horizon reads snippets in the locale's encoding.
pub fn string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        let code = u32::from(c);
        let _ = match c {
            '\'' | '\\' => write!(literal, "\\{c}"),
            ' '..='~' => write!(literal, "{c}"),
            _ if code <= 0xff => write!(literal, "\\x{code:02x}"),
            _ if code <= 0xffff => write!(literal, "\\u{code:04x}"),
            _ => write!(literal, "\\U{code:08x}"),
        };
    }
    literal.push('\'');
    literal
}

fn sequence(f: &mut std::fmt::Formatter<'_>, open: char, items: &[Literal], close: &str) -> std::fmt::Result {
    f.write_char(open)?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    f.write_str(close)
}

//! Writes oslo.config ini.
//!
//! In: sections, options and values as oslo.config should return them. Out: the text, or a refusal of a
//! value that this format cannot express.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::render::error::{FormatLimit, Unwritable};

/// An ini file under construction.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    text: String,
}

impl Writer {
    /// A file that starts with these comment lines.
    pub fn new(header: &[&'static str]) -> Self {
        let mut text = String::new();
        for line in header {
            let _ = writeln!(text, "# {line}");
        }
        Self { text }
    }

    /// Starts a section.
    ///
    /// # Errors
    /// An error for an invalid name of a section.
    pub fn section(&mut self, name: &str) -> Result<(), Unwritable> {
        check_name(name)?;
        let _ = writeln!(self.text, "[{name}]");
        Ok(())
    }

    /// Sets an option to one value.
    ///
    /// # Errors
    /// An error for an invalid name of an option, and for what [`value`] refuses.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), Unwritable> {
        self.assign(name, &value(text)?)
    }

    /// Sets a `ListOpt` to these items.
    ///
    /// # Errors
    /// An error for an invalid name of an option, and for what `list_value` refuses.
    pub fn set_list<'a>(&mut self, name: &str, items: impl IntoIterator<Item = &'a str>) -> Result<(), Unwritable> {
        self.assign(name, &list_value(items)?)
    }

    /// Sets a `ListOpt` that is read with bounds.
    ///
    /// # Errors
    /// As [`Self::set_list`]. Also an error for items that start with a quote, which such lists remove.
    pub fn set_bounded_list<'a>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Result<(), Unwritable> {
        if let Some(item) = items.clone().into_iter().find(|item| item.starts_with(['"', '\''])) {
            return Err(Unwritable::new(item, FormatLimit::Quote));
        }
        // The brackets are outside of the part where spaces and quotes have a meaning.
        self.assign(name, &format!("[{}]", list_value(items)?))
    }

    /// Sets a `DictOpt`.
    ///
    /// # Errors
    /// An error for an invalid name of an option, and for what oslo.config would read differently.
    pub fn set_dict(&mut self, name: &str, entries: &BTreeMap<String, String>) -> Result<(), Unwritable> {
        self.assign(name, &dict_value(entries)?)
    }

    /// The file.
    pub fn finish(self) -> String {
        self.text
    }

    fn assign(&mut self, name: &str, written: &str) -> Result<(), Unwritable> {
        check_name(name)?;
        let separator = if written.is_empty() { "" } else { " " };
        let _ = writeln!(self.text, "{name} ={separator}{written}");
        Ok(())
    }
}

/// One value, as written after the `=`.
///
/// # Errors
/// Control characters cannot be expressed; characters outside ASCII depend on the reader's locale.
pub fn value(text: &str) -> Result<String, Unwritable> {
    if text.chars().any(char::is_control) {
        return Err(Unwritable::new(text, FormatLimit::Control));
    }
    if !text.is_ascii() {
        return Err(Unwritable::new(text, FormatLimit::NonAscii));
    }
    let escaped = escape_dollars(text);
    // The reader strips spaces, then one pair of equal quotes around the whole value.
    let quote = text.starts_with(['"', '\'', ' ']) || text.ends_with(' ');
    Ok(if quote { format!("\"{escaped}\"") } else { escaped })
}

/// The items of a `ListOpt` (without bounds), as written after the `=`.
///
/// # Errors
/// `types.List` splits at every comma and strips each item. So items with commas or outer spaces, and empty
/// ones, cannot be expressed. Otherwise as [`value`].
pub(crate) fn list_value<'a>(items: impl IntoIterator<Item = &'a str>) -> Result<String, Unwritable> {
    let mut joined = String::new();
    for item in items {
        if item.is_empty() {
            return Err(Unwritable::new(item, FormatLimit::Empty));
        }
        if item.contains(',') {
            return Err(Unwritable::new(item, FormatLimit::Comma));
        }
        if item.starts_with(' ') || item.ends_with(' ') {
            return Err(Unwritable::new(item, FormatLimit::OuterBlank));
        }
        // Checked one by one, so that the error names the item and not the whole list.
        value(item)?;
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(item);
    }
    value(&joined)
}

/// The entries of a `DictOpt`, as written after the `=`.
///
/// # Errors
/// `types.Dict` splits at every comma, splits each part at its first colon, and strips both halves. So
/// commas, colons in keys, empty keys and outer spaces cannot be expressed. Otherwise as [`value`].
pub(crate) fn dict_value(entries: &BTreeMap<String, String>) -> Result<String, Unwritable> {
    let mut joined = String::new();
    for (key, text) in entries {
        if key.is_empty() {
            return Err(Unwritable::new(key, FormatLimit::Empty));
        }
        if key.contains(':') {
            return Err(Unwritable::new(key, FormatLimit::Colon));
        }
        for half in [key, text] {
            if half.contains(',') {
                return Err(Unwritable::new(half, FormatLimit::Comma));
            }
            if half.starts_with(' ') || half.ends_with(' ') {
                return Err(Unwritable::new(half, FormatLimit::OuterBlank));
            }
            value(half)?;
        }
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(key);
        joined.push(':');
        joined.push_str(text);
    }
    value(&joined)
}

/// `$name` is substituted: `$$` means `$`. But `\$` is first turned into `$$`, so after a backslash a
/// dollar must be written as `\$`.
fn escape_dollars(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut previous = None;
    for c in text.chars() {
        if c == '$' {
            escaped.push(if previous == Some('\\') { '\\' } else { '$' });
        }
        escaped.push(c);
        previous = Some(c);
    }
    escaped
}

fn check_name(name: &str) -> Result<(), Unwritable> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    // A colon in an option's name would end it; a section's name never has one.
    if !name.is_empty() && name.bytes().all(fine) { Ok(()) } else { Err(Unwritable::new(name, FormatLimit::Name)) }
}

//! The bytes of one file, possibly hostile → its documents.

use std::borrow::Cow;
use std::path::Path;

use serde::de::IgnoredAny;

use super::yaml::{Document, Malformed, Reader};

/// Larger files are dumps, not manifests.
pub const MOST_BYTES: usize = 16 << 20;

/// Reads all documents of a text in a file of this name. Empty YAML documents are left out, but counted.
///
/// # Errors
/// The first thing that is wrong.
pub fn documents(name: &str, bytes: &[u8]) -> Result<Vec<Document>, Malformed> {
    if bytes.len() > MOST_BYTES {
        return Err((None, format!("is larger than {} MiB; pass only the manifests that matter", MOST_BYTES >> 20)));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| (None, format!("is not UTF-8 (byte {}); save it as UTF-8", e.valid_up_to() + 1)))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let named_json = Path::new(name).extension().is_some_and(|e| e == "json");
    let json = named_json || text.trim_start().starts_with('{');
    let mut reader = Reader::default();
    match json.then(|| json_values(text)) {
        Some(Err(error)) if named_json => return Err(error),
        Some(Ok(values)) => values.into_iter().try_for_each(|value| reader.read(&escape(value)))?,
        _ => reader.read(text)?,
    }
    Ok(reader.documents)
}

/// The values of a JSON stream, each with the white space before it. Each is YAML; all together are not.
fn json_values(text: &str) -> Result<Vec<&str>, Malformed> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let (mut values, mut start) = (Vec::new(), 0);
    while let Some(value) = stream.next() {
        value.map_err(|e| (Some(values.len() + 1), e.to_string()))?;
        let end = stream.byte_offset();
        values.extend(text.get(start..end));
        start = end;
    }
    Ok(values)
}

/// The same JSON without the characters that JSON allows in strings and YAML does not.
fn escape(json: &str) -> Cow<'_, str> {
    let is_foreign = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    if !json.contains(is_foreign) {
        return json.into();
    }
    json.chars().map(|c| if is_foreign(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() }).collect()
}

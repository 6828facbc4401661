//! Text → JSON values.
//!
//! In: the bytes of one file, possibly hostile. Out: one value per document, read as kubectl reads
//! them: keys become strings, `<<` merges, a key given twice is an error, and what aliases expand to
//! is bounded.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Larger files are no manifests but dumps of everything.
pub const MOST_BYTES: usize = 16 << 20;

/// Values in one document, aliases expanded.
const MOST_VALUES: usize = 2_000_000;

/// Bytes in one document's texts, aliases expanded.
const MOST_TEXT: usize = 64 << 20;

/// Open brackets at any point. libyaml's scanner looks at each open one for every token; the
/// decoders refuse more than 128 levels anyway, but only after scanning.
const MOST_OPEN: usize = 256;

/// Documents that are not empty, each with its number, from 1.
pub type Documents = Vec<(usize, Value)>;

/// The number of the document (none if the text as a whole is unusable) and what is wrong.
pub type Unreadable = (Option<usize>, String);

/// Reads all documents of a text. Empty documents are left out, but counted.
///
/// # Errors
/// The first thing that is wrong.
pub fn documents(bytes: &[u8], json_first: bool) -> Result<Documents, Unreadable> {
    if bytes.len() > MOST_BYTES {
        return Err((None, format!("is larger than {} MiB; pass only the manifests that matter", MOST_BYTES >> 20)));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| (None, format!("is not UTF-8 (byte {}); save it as UTF-8", e.valid_up_to() + 1)))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(line) = too_deep(text) {
        return Err((None, format!("line {line}: more than {MOST_OPEN} brackets are open; this is no manifest")));
    }
    // JSON escapes that YAML does not know (surrogate pairs) need the JSON reader.
    let json = json_first || text.trim_start().starts_with('{');
    match json.then(|| json_documents(text)) {
        Some(Ok(documents)) => Ok(documents),
        Some(Err(error)) if json_first => Err(error),
        _ => yaml_documents(text),
    }
}

fn yaml_documents(text: &str) -> Result<Documents, Unreadable> {
    let mut documents = Vec::new();
    for (at, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let value = Node(&Budget::default()).deserialize(document).map_err(|e| (Some(at + 1), e.to_string()))?;
        if !value.is_null() {
            documents.push((at + 1, value));
        }
    }
    Ok(documents)
}

fn json_documents(text: &str) -> Result<Documents, Unreadable> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut documents = Vec::new();
    while reader.end().is_err() {
        let at = documents.len() + 1;
        let value = Node(&Budget::default()).deserialize(&mut reader).map_err(|e| (Some(at), e.to_string()))?;
        documents.push((at, value));
    }
    Ok(documents)
}

/// The first line at which too many brackets are open. Counts those in quotes and block texts too,
/// where they come in pairs in all but hostile files.
fn too_deep(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("---") {
            open = 0;
        }
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > MOST_OPEN {
                return Some(number + 1);
            }
        }
    }
    None
}

/// What one document has used up.
#[derive(Default)]
struct Budget {
    values: Cell<usize>,
    text: Cell<usize>,
}

impl Budget {
    fn take<E: Error>(&self, text: usize) -> Result<(), E> {
        self.values.set(self.values.get() + 1);
        self.text.set(self.text.get() + text);
        if self.values.get() > MOST_VALUES || self.text.get() > MOST_TEXT {
            return Err(E::custom("expands to more than a manifest can hold; are there aliases of aliases?"));
        }
        Ok(())
    }
}

/// Any value.
#[derive(Clone, Copy)]
struct Node<'a>(&'a Budget);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a YAML tag")
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.0.take(0).map(|()| value.into())
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.0.take(0).map(|()| value.into())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.0.take(0).map(|()| value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.0.take(0)?;
        serde_json::Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("is not a finite number"))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.0.take(value.len()).map(|()| value.into())
    }
    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.0.take(0).map(|()| Value::Null)
    }
    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.0.take(0)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.0.take(0)?;
        let (mut map, mut merged) = (Map::new(), Vec::new());
        while let Some(key) = entries.next_key_seed(KeyText)? {
            self.0.take(key.len())?;
            let value = entries.next_value_seed(self)?;
            match (key.as_str(), value) {
                ("<<", Value::Object(other)) => merged.push(other),
                ("<<", Value::Array(others)) if others.iter().all(Value::is_object) => {
                    merged.extend(
                        others.into_iter().filter_map(|o| if let Value::Object(o) = o { Some(o) } else { None }),
                    );
                }
                (_, value) => {
                    let value = octal(&key, value);
                    if map.contains_key(&key) {
                        return Err(A::Error::custom(format_args!("key {key:?} stands twice in one mapping")));
                    }
                    map.insert(key, value);
                }
            }
        }
        for (key, value) in merged.into_iter().flatten() {
            map.entry(key).or_insert(value);
        }
        Ok(Value::Object(map))
    }
}

/// `defaultMode: 0644` is a number to kubectl (YAML 1.1), and a text to YAML 1.2.
fn octal(key: &str, value: Value) -> Value {
    let digits = match &value {
        Value::String(text) if key == "defaultMode" || key == "mode" => text.strip_prefix('0'),
        _ => None,
    };
    digits.and_then(|digits| u32::from_str_radix(digits, 8).ok()).map_or(value, Value::from)
}

/// A key of a mapping.
struct KeyText;

impl<'de> DeserializeSeed<'de> for KeyText {
    type Value = String;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for KeyText {
    type Value = String;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key that is a text")
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }
}

//! YAML → documents, as kubectl reads them, and the line of each value.
//!
//! Keys become strings, `<<` merges, a duplicate key is an error, and the expansion of aliases is limited.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag, options};
use serde_json::{Map, Number, Value};

use super::lines::{Lines, Node};

/// The number of the document (none if the text as a whole is unusable) and what is wrong.
pub type Malformed = (Option<usize>, String);

/// Values in one file, aliases expanded.
const MOST_VALUES: usize = 2_000_000;

/// Bytes in one file's texts, aliases expanded.
const MOST_TEXT: usize = 64 << 20;

/// Nested mappings and sequences, aliases expanded.
const MOST_DEEP: usize = 128;

/// One document of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// From 1; empty documents are left out, but counted.
    pub number: usize,
    pub value: Value,
    pub node: Node,
}

/// Reads a file.
#[derive(Default)]
pub struct Reader {
    pub documents: Vec<Document>,
    /// Documents that have ended, also empty ones.
    ended: usize,
    /// Lines of the parts of the file that are read.
    lines: usize,
    /// Mappings and sequences that have started and not ended.
    open: Vec<Open>,
    root: Option<(Value, Node)>,
    /// The values of aliases.
    anchors: BTreeMap<usize, Value>,
    values: usize,
    text: usize,
}

impl Reader {
    /// Reads the next part of the file: whole documents.
    pub fn read(&mut self, text: &str) -> Result<(), Malformed> {
        // kubectl adds no line feed to a block that ends a file without one.
        let options = options! { emit_comments: false, block_scalar_eof_without_line_feed: true };
        for event in Parser::new_from_str_with_options(text, options) {
            let (line, done) = match event {
                Ok((event, span)) => (span.start.line(), self.event(event, span.start.line() + self.lines)),
                Err(error) => (error.marker().line(), Err(error.info().clone())),
            };
            done.map_err(|what| (Some(self.ended + 1), format!("line {}: {what}", line + self.lines)))?;
        }
        self.lines += text.matches('\n').count();
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref())?;
                self.spend(&value, self.open.len())?;
                self.put(value, Node::new(line, lines(&text, style, line)), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => self.begin(Value::Array(Vec::new()), line, anchor, tag.as_deref()),
            Event::MappingStart(_, anchor, tag) => self.begin(Value::Object(Map::new()), line, anchor, tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let (anchor, (value, node)) = (open.anchor, open.end());
                self.put(value, node, anchor)
            }
            // The first place of its value counts.
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).ok_or("the alias is inside its own anchor")?.clone();
                self.spend(&value, self.open.len())?;
                self.put(value, Node::new(line, Lines::At(line)), 0)
            }
            Event::DocumentEnd => {
                self.ended += 1;
                self.anchors.clear();
                let held = self.root.take().filter(|(value, _)| !value.is_null());
                self.documents.extend(held.map(|(value, node)| Document { number: self.ended, value, node }));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, value: Value, line: usize, anchor: usize, tag: Option<&Tag>) -> Result<(), String> {
        known(tag)?;
        self.spend(&value, self.open.len())?;
        self.open.push(Open { value, node: Node::new(line, Lines::At(line)), anchor, key: None, merged: Vec::new() });
        Ok(())
    }

    /// Puts a value where it belongs.
    fn put(&mut self, value: Value, node: Node, anchor: usize) -> Result<(), String> {
        if anchor != 0 {
            self.spend(&value, 0)?;
            self.anchors.insert(anchor, value.clone());
        }
        if let Some(outer) = self.open.last_mut() {
            return outer.put(value, node);
        }
        self.root = Some((value, node));
        Ok(())
    }

    /// Refuses what is too large for a manifest.
    fn spend(&mut self, value: &Value, deep: usize) -> Result<(), String> {
        self.values += 1;
        self.text += value.as_str().map_or(0, str::len);
        if self.values > MOST_VALUES || self.text > MOST_TEXT {
            return Err("expands to more than a manifest can hold; are there aliases of aliases?".to_owned());
        }
        if deep > MOST_DEEP {
            return Err(format!("recursion limit exceeded: {MOST_DEEP} nested mappings and sequences"));
        }
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.spend(item, deep + 1)),
            Value::Object(map) => map.iter().try_for_each(|(key, value)| {
                self.text += key.len();
                self.spend(value, deep + 1)
            }),
            _ => Ok(()),
        }
    }
}

/// A mapping or sequence that has started.
struct Open {
    value: Value,
    node: Node,
    anchor: usize,
    /// A key whose value comes next, and its line.
    key: Option<(String, usize)>,
    /// What `<<` adds.
    merged: Vec<Map<String, Value>>,
}

impl Open {
    fn put(&mut self, value: Value, mut node: Node) -> Result<(), String> {
        match (&mut self.value, self.key.take()) {
            (Value::Object(_), None) => self.key = Some((key(value)?, node.line)),
            (Value::Object(map), Some((key, line))) => match value {
                Value::Object(other) if key == "<<" => self.merged.push(other),
                Value::Array(others) if key == "<<" && others.iter().all(Value::is_object) => {
                    self.merged.extend(
                        others.into_iter().filter_map(|o| if let Value::Object(o) = o { Some(o) } else { None }),
                    );
                }
                value if !map.contains_key(&key) => {
                    map.insert(key.clone(), octal(&key, value));
                    node.line = line;
                    self.node.children.insert(key, node);
                }
                _ => return Err(format!("key {key:?} appears twice in one mapping")),
            },
            (Value::Array(items), _) => {
                self.node.children.insert(items.len().to_string(), node);
                items.push(value);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(mut self) -> (Value, Node) {
        if let Value::Object(map) = &mut self.value {
            for (key, value) in self.merged.into_iter().flatten() {
                map.entry(key).or_insert(value);
            }
        }
        (self.value, self.node)
    }
}

fn key(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        _ => Err("a key must be a string".to_owned()),
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

/// A literal block's span starts at its first line that is not blank.
fn lines(text: &str, style: ScalarStyle, line: usize) -> Lines {
    let blank = text.bytes().take_while(|byte| *byte == b'\n').count();
    let has_text = blank < text.len();
    if style == ScalarStyle::Literal && has_text { Lines::From(line.saturating_sub(blank)) } else { Lines::At(line) }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    known(tag)?;
    let kind = tag.and_then(Tag::core_suffix);
    if kind == Some("str") || (kind.is_none() && style != ScalarStyle::Plain) {
        return Ok(text.into());
    }
    let value = plain(text)?;
    let fits = match kind {
        Some("null") => value.is_null(),
        Some("bool") => value.is_boolean(),
        Some("int") => value.is_i64() || value.is_u64(),
        Some("float") => value.is_number(),
        _ => true,
    };
    if fits { Ok(value) } else { Err(format!("is not of the type {} that its tag names", kind.unwrap_or_default())) }
}

/// Other programs' own tags, such as `!vault`, mean nothing to kubectl.
fn known(tag: Option<&Tag>) -> Result<(), String> {
    match tag.map(Tag::to_string) {
        Some(tag) if tag.starts_with('!') && tag != "!" => Err(format!("the tag {tag} means nothing to Kubernetes")),
        _ => Ok(()),
    }
}

/// The type of a plain scalar in the core schema of YAML 1.2: `yes` and `0644` are texts.
fn plain(text: &str) -> Result<Value, String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_padded = unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.bytes().all(|b| b.is_ascii_digit());
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ if is_padded => text.into(),
        _ => match (integer(text, unsigned), float(text, unsigned)) {
            (Some(number), _) => Value::Number(number),
            (_, Some(number)) => Number::from_f64(number).ok_or("is not a finite number")?.into(),
            _ => text.into(),
        },
    })
}

fn integer(text: &str, unsigned: &str) -> Option<Number> {
    let (digits, radix) = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((unsigned.strip_prefix(prefix)?, radix)))
        .unwrap_or((unsigned, 10));
    let size = i128::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with(['-', '+']))?;
    Number::from_i128(if text.starts_with('-') { -size } else { size })
}

fn float(text: &str, unsigned: &str) -> Option<f64> {
    match unsigned {
        ".inf" | ".Inf" | ".INF" => Some(f64::INFINITY),
        _ if matches!(text, ".nan" | ".NaN" | ".NAN") => Some(f64::NAN),
        _ if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            text.parse().ok().filter(|number: &f64| number.is_finite())
        }
        _ => None,
    }
}

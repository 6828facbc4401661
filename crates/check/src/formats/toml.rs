//! TOML → a document with the line of each value, as [`manifests`](direct_upload_core::manifests) gives it for YAML.

use std::collections::BTreeMap;
use std::ops::Range;

use direct_upload_core::manifests::{Document, Lines, Node};
use serde_json::{Map, Value};
use toml_edit::{Item, Table, TableLike, Value as TomlValue};

/// Nested tables and lists.
const MOST_DEEP: usize = 64;

/// Reads a file; none if it is no TOML, or nests too deep.
pub(crate) fn read(text: &str) -> Option<Document> {
    let document = toml_edit::Document::parse(text).ok()?;
    let reader = Reader { starts: starts(text) };
    let (value, node) = reader.table(document.as_table(), 1, 0)?;
    Some(Document { number: 1, value, node })
}

/// Where lines start.
fn starts(text: &str) -> Vec<usize> {
    text.match_indices('\n').map(|(at, _)| at + 1).collect()
}

struct Reader {
    starts: Vec<usize>,
}

impl Reader {
    fn line(&self, span: Option<Range<usize>>, outer: usize) -> usize {
        span.map_or(outer, |span| self.starts.partition_point(|start| *start <= span.start) + 1)
    }

    fn table(&self, table: &dyn TableLike, line: usize, deep: usize) -> Option<(Value, Node)> {
        let (mut map, mut children) = (Map::new(), BTreeMap::new());
        for (name, item) in table.iter() {
            let own = self.line(table.key(name).and_then(toml_edit::Key::span), line);
            let (value, node) = self.item(item, own, deep + 1)?;
            map.insert(name.to_owned(), value);
            children.insert(name.to_owned(), node);
        }
        Some((Value::Object(map), Node::new(line, Lines::At(line)).with(children)))
    }

    fn item(&self, item: &Item, line: usize, deep: usize) -> Option<(Value, Node)> {
        if deep > MOST_DEEP {
            return None;
        }
        match item {
            Item::None => Some((Value::Null, Node::new(line, Lines::At(line)))),
            Item::Value(value) => self.value(value, line, deep),
            Item::Table(table) => self.table(table, line, deep),
            Item::ArrayOfTables(tables) => {
                list(tables.iter(), line, |table: &Table| self.table(table, self.line(table.span(), line), deep + 1))
            }
        }
    }

    fn value(&self, value: &TomlValue, line: usize, deep: usize) -> Option<(Value, Node)> {
        if deep > MOST_DEEP {
            return None;
        }
        let scalar = match value {
            TomlValue::InlineTable(table) => return self.table(table, line, deep),
            TomlValue::Array(items) => {
                return list(items.iter(), line, |item| self.value(item, self.line(item.span(), line), deep + 1));
            }
            TomlValue::String(text) => Value::from(text.value().as_str()),
            TomlValue::Integer(number) => Value::from(*number.value()),
            TomlValue::Float(number) => Value::from(*number.value()),
            TomlValue::Boolean(own) => Value::from(*own.value()),
            TomlValue::Datetime(time) => Value::from(time.value().to_string()),
        };
        Some((scalar, Node::new(line, Lines::At(line))))
    }
}

/// A list of what `of` makes of the items.
fn list<T>(
    items: impl Iterator<Item = T>,
    line: usize,
    of: impl Fn(T) -> Option<(Value, Node)>,
) -> Option<(Value, Node)> {
    let all: Vec<(Value, Node)> = items.map(of).collect::<Option<_>>()?;
    let (values, nodes): (Vec<Value>, Vec<Node>) = all.into_iter().unzip();
    let children = nodes.into_iter().enumerate().map(|(at, node)| (at.to_string(), node)).collect();
    Some((Value::Array(values), Node::new(line, Lines::At(line)).with(children)))
}

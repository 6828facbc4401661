//! Where things stand in YAML (and so in JSON, which is YAML).
//!
//! In: a text that the manifest reader has accepted. Out: for each document the lines of its values,
//! also of the lines *inside* a literal block, such as a configuration file in a ConfigMap.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where its key stands, or itself in a sequence. From 1.
    pub line: usize,
    pub lines: Lines,
    children: Vec<(String, Node)>,
}

/// How lines of a text that stands in a file map to the file's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// The text is the file, or a literal block of it that begins on this line.
    From(usize),
    /// It stands there somehow: quoted, folded, encoded.
    At(usize),
    /// It stands in no file.
    Nowhere,
}

impl Lines {
    /// The file's line of the text's nth line.
    pub fn of(self, nth: usize) -> Option<usize> {
        match self {
            Self::From(first) => Some(first + nth.saturating_sub(1)),
            Self::At(line) => Some(line),
            Self::Nowhere => None,
        }
    }
}

impl Node {
    /// The value at a path of keys and (in sequences, from 0) numbers.
    pub fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Self> {
        path.into_iter().try_fold(self, |node, step| node.child(step))
    }

    /// The line of the value at a path, or of the innermost value on the way to it that is there.
    pub fn line_of<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> usize {
        let mut node = self;
        for step in path {
            let Some(child) = node.child(step) else { break };
            node = child;
        }
        node.line
    }

    fn child(&self, step: &str) -> Option<&Self> {
        self.children.iter().find(|(key, _)| key == step).map(|(_, node)| node)
    }
}

/// All documents that hold something, in order.
pub fn documents(text: &str) -> Vec<Node> {
    let mut documents = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        let done = match event {
            Event::MappingStart(..) => {
                open.push(Open::new(true, span));
                None
            }
            Event::SequenceStart(..) => {
                open.push(Open::new(false, span));
                None
            }
            Event::MappingEnd | Event::SequenceEnd => open.pop().map(|open| (open.node, None)),
            Event::Scalar(text, style, ..) => Some((literal(&text, style, span), Some(text.into_owned()))),
            // What it stands for is found where it was written first.
            Event::Alias(_) => Some((plain(span), None)),
            _ => None,
        };
        let Some((node, text)) = done else { continue };
        match open.last_mut() {
            Some(outer) => outer.put(node, text),
            // An empty document is no document to the manifest reader either.
            None if text.as_deref().is_none_or(|t| !t.is_empty()) => documents.push(node),
            None => {}
        }
    }
    documents
}

/// A mapping or sequence that has begun.
struct Open {
    node: Node,
    is_mapping: bool,
    /// A key whose value comes next, and its line.
    key: Option<(String, usize)>,
}

impl Open {
    fn new(is_mapping: bool, span: Span) -> Self {
        Self { node: plain(span), is_mapping, key: None }
    }

    fn put(&mut self, mut node: Node, text: Option<String>) {
        if !self.is_mapping {
            self.node.children.push((self.node.children.len().to_string(), node));
        } else if let Some((key, line)) = self.key.take() {
            node.line = line;
            self.node.children.push((key, node));
        } else {
            self.key = Some((text.unwrap_or_default(), node.line));
        }
    }
}

fn plain(span: Span) -> Node {
    let line = span.start.line();
    Node { line, lines: Lines::At(line), children: Vec::new() }
}

/// A literal block's span begins at its first line that is not blank.
fn literal(text: &str, style: ScalarStyle, span: Span) -> Node {
    let mut node = plain(span);
    if style == ScalarStyle::Literal {
        let blank = text.bytes().take_while(|b| *b == b'\n').count();
        node.lines = Lines::From(node.line.saturating_sub(blank));
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# c
---
kind: ConfigMap
data:
  a.conf: |

    [cors]
    allowed_origin = x
  b.conf: \"[cors]\\nx = 1\"
  'c d': |-   # comment
    one
---
---
- x
- y: z
  w: {v: 1}
";

    #[test]
    fn lines_are_the_files() {
        let documents = documents(TEXT);
        assert_eq!(documents.len(), 2);
        let line = |path: &[&str]| documents[0].at(path.iter().copied()).map(|n| (n.line, n.lines));
        assert_eq!(line(&["data", "a.conf"]), Some((5, Lines::From(6))));
        assert_eq!(line(&["data", "b.conf"]), Some((9, Lines::At(9))));
        assert_eq!(line(&["data", "c d"]), Some((10, Lines::From(11))));
        assert_eq!(documents[0].line_of(["data", "gone", "x"]), 4);
        assert_eq!(documents[1].line_of(["1", "w", "v"]), 16);
    }
}

//! Where values are in a file.

use std::collections::BTreeMap;

/// Where one value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The line of its key, or its own in a sequence. From 1.
    pub line: usize,
    pub lines: Lines,
    /// By key, or by number in a sequence.
    pub(super) children: BTreeMap<String, Node>,
}

/// How lines of a text inside a file map to the file's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lines {
    /// The text is the file, or a literal block of it that starts on this line.
    From(usize),
    /// It is quoted, folded or encoded there.
    At(usize),
    /// Each of its lines comes from one line of the file.
    Each(Vec<usize>),
    /// It is in no file.
    Nowhere,
}

impl Lines {
    /// The file's line of the text's nth line.
    pub fn line(&self, nth: usize) -> Option<usize> {
        match self {
            Self::From(first) => Some(first + nth.saturating_sub(1)),
            Self::At(line) => Some(*line),
            Self::Each(lines) => lines.get(nth.saturating_sub(1)).or(lines.last()).copied(),
            Self::Nowhere => None,
        }
    }
}

impl Node {
    /// A value without others in it.
    pub fn new(line: usize, lines: Lines) -> Self {
        Self { line, lines, children: BTreeMap::new() }
    }

    /// The same with values in it, by key.
    #[must_use]
    pub fn with(mut self, children: BTreeMap<String, Self>) -> Self {
        self.children = children;
        self
    }

    /// The value at a path of keys and (in sequences, from 0) numbers.
    pub fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Self> {
        path.into_iter().try_fold(self, |node, step| node.children.get(step))
    }

    /// The line of the value at a path, or of the innermost existing value above it.
    pub fn line_of<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> usize {
        let mut node = self;
        for step in path {
            let Some(child) = node.children.get(step) else { break };
            node = child;
        }
        node.line
    }
}

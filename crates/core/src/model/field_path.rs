//! Where a field is in an object.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

/// One element of a path into an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathElement {
    /// A field: `.name`.
    Name(String),
    /// A key of a map, which may contain dots: `[key]`.
    Key(String),
    /// A file in a `ConfigMap` or Secret: `["name"]`.
    File(String),
    /// An entry of a list: `[1]`.
    Index(usize),
    /// An entry of a list in a policy: `.1`. Statuses and SARIF files have always shown both forms.
    Item(usize),
}

impl PathElement {
    /// The position, if it leads into a list.
    pub const fn position(&self) -> Option<usize> {
        match self {
            Self::Index(at) | Self::Item(at) => Some(*at),
            Self::Name(_) | Self::Key(_) | Self::File(_) => None,
        }
    }

    /// The field or key that it names.
    pub fn as_name(&self) -> Option<&str> {
        match self {
            Self::Name(name) | Self::Key(name) | Self::File(name) => Some(name),
            Self::Index(_) | Self::Item(_) => None,
        }
    }
}

/// The path of a field in an object. It is a text only where somebody reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldPath(Vec<PathElement>);

impl FieldPath {
    /// A path of fields.
    pub fn new(names: &[&str]) -> Self {
        Self(names.iter().map(|name| PathElement::Name((*name).to_owned())).collect())
    }

    /// An annotation.
    pub fn of_annotation(name: &str) -> Self {
        Self::new(&["metadata", "annotations"]).then(PathElement::Key(name.to_owned()))
    }

    /// The same, with one more element.
    #[must_use]
    pub fn then(mut self, element: PathElement) -> Self {
        self.0.push(element);
        self
    }

    /// The same, with one more field.
    #[must_use]
    pub fn field(self, name: &str) -> Self {
        self.then(PathElement::Name(name.to_owned()))
    }

    /// The same, with an entry of a policy's list.
    #[must_use]
    pub fn item(self, at: usize) -> Self {
        self.then(PathElement::Item(at))
    }

    /// Goes one element deeper.
    pub fn push(&mut self, element: PathElement) {
        self.0.push(element);
    }

    /// Goes back one element.
    pub fn pop(&mut self) {
        self.0.pop();
    }

    /// Its elements, from the top of the object.
    pub fn elements(&self) -> &[PathElement] {
        &self.0
    }

    /// Whether it is that field, or one below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The fields and keys alone, without positions in lists.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(PathElement::as_name)
    }

    /// The annotation that it leads to.
    pub fn annotation(&self) -> Option<&str> {
        match self.0.as_slice() {
            [PathElement::Name(metadata), PathElement::Name(annotations), PathElement::Key(name)]
                if metadata == "metadata" && annotations == "annotations" =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// The position in a list of the spec: 1 in `spec.rules[1].filters`, for `rules`.
    pub fn position_in(&self, list: &str) -> Option<usize> {
        match self.0.as_slice() {
            [PathElement::Name(spec), PathElement::Name(own), at, ..] if spec == "spec" && own == list => at.position(),
            _ => None,
        }
    }

    /// What is there in an object.
    pub fn value_in<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        follow(&self.0, object)
    }

    /// What is there in an object's `spec`.
    pub fn value_in_spec<'a>(&self, spec: &'a Value) -> Option<&'a Value> {
        follow(self.0.get(1..)?, spec)
    }

    /// Each element as a text.
    pub fn texts(&self) -> Vec<String> {
        let text = |element: &PathElement| match element {
            PathElement::Name(name) | PathElement::Key(name) | PathElement::File(name) => name.clone(),
            PathElement::Index(at) | PathElement::Item(at) => at.to_string(),
        };
        self.0.iter().map(text).collect()
    }
}

fn follow<'a>(elements: &[PathElement], value: &'a Value) -> Option<&'a Value> {
    elements.iter().try_fold(value, |value, element| match element {
        PathElement::Name(name) | PathElement::Key(name) | PathElement::File(name) => value.get(name),
        PathElement::Index(at) | PathElement::Item(at) => value.get(at),
    })
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, element) in self.0.iter().enumerate() {
            let dot = if nth == 0 { "" } else { "." };
            match element {
                PathElement::Name(name) => write!(f, "{dot}{name}")?,
                PathElement::Item(at) => write!(f, "{dot}{at}")?,
                PathElement::Key(key) => write!(f, "[{key}]")?,
                PathElement::File(name) => write!(f, "[{name:?}]")?,
                PathElement::Index(at) => write!(f, "[{at}]")?,
            }
        }
        Ok(())
    }
}

/// In the order of their texts, in which statuses list them.
impl Ord for FieldPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

impl PartialOrd for FieldPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

//! What a rule finds, and where.

mod field;

use std::cmp::Ordering;
use std::fmt;

use direct_upload_api::{Rule, Severity};
use direct_upload_core::model::Id;

pub use self::field::{Field, OptionName};

/// The place of something. At least one of file and object is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// As given on the command line, or found in a given folder.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<usize>,
    pub object: Option<Id>,
    /// A field of the object, or an option or setting of the file.
    pub field: Option<Field>,
}

impl Location {
    /// Whether it is that place, or a field below it.
    pub fn is_within(&self, other: &Self) -> bool {
        let field = |place: &Self| place.field.clone().unwrap_or_default();
        (&self.file, &self.object) == (&other.file, &other.object) && field(self).is_within(&field(other))
    }

    /// The same place, with the field.
    #[must_use]
    pub fn field(&self, field: impl Into<Field>) -> Self {
        Self { field: Some(field.into()), ..self.clone() }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line, &self.object) {
            (Some(file), Some(line), _) => write!(f, "{file}:{line}"),
            (Some(file), None, _) => f.write_str(file),
            (None, _, Some(object)) => object.fmt(f),
            (None, _, None) => f.write_str("the input"),
        }
    }
}

/// In the order in which findings are printed: that of their texts.
impl Ord for Location {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |place: &Self| {
            let (object, field) = (place.object.as_ref(), place.field.as_ref());
            (object.map(ToString::to_string), field.map(ToString::to_string))
        };
        (&self.file, self.line).cmp(&(&other.file, other.line)).then_with(|| key(self).cmp(&key(other)))
    }
}

impl PartialOrd for Location {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One thing that a rule found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    // In the order in which findings are printed: the worst first.
    pub severity: Severity,
    pub rule: Rule,
    pub place: Location,
    /// What is there.
    pub found: String,
    /// What to write instead, and where.
    pub fix: String,
    /// What the fix changes, if that is known and not the option at the place.
    pub target: Option<FixTarget>,
}

/// What a fix changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FixTarget {
    /// An option of the program's own section: `[cors]` or `[uwsgi]`.
    Option(&'static str),
    /// A custom resource, from which the operator writes the file.
    Resource,
}

impl Finding {
    /// A finding.
    pub fn new(
        rule: Rule,
        severity: Severity,
        place: &Location,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { severity, rule, place: place.clone(), found: found.into(), fix: fix.into(), target: None }
    }

    /// The same finding. Its fix sets or removes this option.
    #[must_use]
    pub fn changes(self, option: &'static str) -> Self {
        Self { target: Some(FixTarget::Option(option)), ..self }
    }

    /// The same finding. Its fix changes a custom resource.
    #[must_use]
    pub fn changes_resource(self) -> Self {
        Self { target: Some(FixTarget::Resource), ..self }
    }

    /// An upload fails because of it.
    pub fn error(rule: Rule, place: &Location, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(rule, Severity::Error, place, found, fix)
    }

    /// An upload fails in some cases, or something is unsafe.
    pub fn warning(rule: Rule, place: &Location, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(rule, Severity::Warning, place, found, fix)
    }

    /// Worth knowing.
    pub fn note(rule: Rule, place: &Location, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(rule, Severity::Note, place, found, fix)
    }
}

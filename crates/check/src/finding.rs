//! What a rule finds, and where.

use std::fmt;

use direct_upload_api::{Rule, Severity};
use serde::Serialize;

/// The place of something. At least one of file and object is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Location {
    /// As given on the command line, or found in a given folder.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<usize>,
    /// `Kind namespace/name`.
    pub object: Option<String>,
    /// A field of the object, or an option or setting of the file.
    pub field: Option<String>,
}

impl Location {
    /// Whether it is that place, or a field below it.
    pub fn is_within(&self, other: &Self) -> bool {
        let field = |place: &Self| place.field.clone().unwrap_or_default();
        (&self.file, &self.object) == (&other.file, &other.object) && field(self).starts_with(&field(other))
    }

    /// The same place, with the field.
    #[must_use]
    pub fn field(&self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self.clone() }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line, &self.object) {
            (Some(file), Some(line), _) => write!(f, "{file}:{line}"),
            (Some(file), None, _) => f.write_str(file),
            (None, _, Some(object)) => f.write_str(object),
            (None, _, None) => f.write_str("the input"),
        }
    }
}

/// One thing that a rule found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    // In the order in which findings are printed: the worst first.
    pub severity: Severity,
    pub rule: Rule,
    #[serde(flatten)]
    pub place: Location,
    /// What is there.
    pub found: String,
    /// What to write instead, and where.
    pub fix: String,
    /// What the fix changes, if that is known and not the option at the place.
    #[serde(skip)]
    pub target: Option<Target>,
}

/// What a fix changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
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
        Self { target: Some(Target::Option(option)), ..self }
    }

    /// The same finding. Its fix changes a custom resource.
    #[must_use]
    pub fn changes_resource(self) -> Self {
        Self { target: Some(Target::Resource), ..self }
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

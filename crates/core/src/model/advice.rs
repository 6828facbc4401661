//! What a person should know, as data.

use std::fmt;

use direct_upload_api::{Rule, Severity};

use super::field_path::FieldPath;
use super::key::Id;
use super::sentence::{Named, Names, Sentence};
use super::user_file::UserFile;

/// Something that blocks uploads, is unwise, or is assumed: what was found, where, and what to do.
///
/// It becomes a sentence only when it is printed: in a status, or in a finding of `check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The entry of the runbook with more details.
    pub rule: Option<Rule>,
    /// None if it is the resource itself.
    pub object: Option<AdviceObject>,
    /// None if it is about the whole object.
    pub field: Option<AdviceField>,
    /// What is there, and its effect.
    pub found: Sentence,
    /// What to change.
    pub fix: Option<String>,
    /// How bad it is. A sentence does not say it.
    pub severity: Severity,
}

/// What advice is about, if not the resource itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdviceObject {
    Object(Id),
    File(UserFile),
}

/// Which part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdviceField {
    /// A field of the object.
    Path(FieldPath),
    /// A section of the file.
    Section(&'static str),
    /// An option in a section of the file.
    Option { section: &'static str, option: &'static str },
}

impl Advice {
    /// A note that names only what was found.
    pub fn new(found: impl Into<Sentence>) -> Self {
        Self { rule: None, object: None, field: None, found: found.into(), fix: None, severity: Severity::Note }
    }

    /// The same, with the runbook's rule: a warning at least.
    #[must_use]
    pub fn rule(self, rule: impl Into<Option<Rule>>) -> Self {
        let rule = rule.into();
        let severity = if rule.is_some() { self.severity.min(Severity::Warning) } else { self.severity };
        Self { rule, severity, ..self }
    }

    /// The same, as bad as this.
    #[must_use]
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// The same, with the object that it is about.
    #[must_use]
    pub fn object(self, object: impl Into<AdviceObject>) -> Self {
        Self { object: Some(object.into()), ..self }
    }

    /// The same, with the field that it is about.
    #[must_use]
    pub fn field(self, field: impl Into<AdviceField>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same, with what to change.
    #[must_use]
    pub fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}

/// `rule: object, field: found; fix`, without what is unknown.
impl fmt::Display for Named<'_, Advice> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(advice, names) = self;
        if let Some(rule) = advice.rule {
            write!(f, "{rule}: ")?;
        }
        let (object, field) = (advice.object.as_ref(), advice.field.as_ref());
        match (object.map(|object| names.of(object)), field.map(|field| names.of(field))) {
            (Some(object), Some(field)) => write!(f, "{object}, {field}: ")?,
            (Some(object), None) => write!(f, "{object}: ")?,
            (None, Some(field)) => write!(f, "{field}: ")?,
            (None, None) => {}
        }
        names.of(&advice.found).fmt(f)?;
        match &advice.fix {
            Some(fix) => write!(f, "; {fix}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Names::default().of(self).fmt(f)
    }
}

impl fmt::Display for Named<'_, AdviceObject> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(object, names) = self;
        match object {
            AdviceObject::Object(object) => names.of(object).fmt(f),
            AdviceObject::File(file) => file.fmt(f),
        }
    }
}

/// `spec.cors`, `[cors]` or `[cors] allowed_origin`.
impl fmt::Display for Named<'_, AdviceField> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(field, names) = self;
        match field {
            AdviceField::Path(path) => names.of(path).fmt(f),
            AdviceField::Section(section) => write!(f, "[{section}]"),
            AdviceField::Option { section, option } => write!(f, "[{section}] {option}"),
        }
    }
}

impl From<Id> for AdviceObject {
    fn from(object: Id) -> Self {
        Self::Object(object)
    }
}

impl From<UserFile> for AdviceObject {
    fn from(file: UserFile) -> Self {
        Self::File(file)
    }
}

impl From<FieldPath> for AdviceField {
    fn from(path: FieldPath) -> Self {
        Self::Path(path)
    }
}

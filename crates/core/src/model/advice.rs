//! What a person should know, as data.

use std::fmt;

use direct_upload_api::{Rule, Severity};

/// Something that blocks uploads, is unwise, or is assumed: what was found, where, and what to do.
///
/// It becomes a sentence only when it is printed: in a status, or in a finding of `check`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Advice {
    /// The entry of the runbook with more details.
    pub rule: Option<Rule>,
    /// `Kind namespace/name`; none if it is the resource itself.
    pub object: Option<String>,
    /// A field of the object, or an option of its file.
    pub field: Option<String>,
    /// What is there, and its effect.
    pub found: String,
    /// What to change.
    pub fix: Option<String>,
    /// How bad it is. A sentence does not say it.
    pub severity: Severity,
}

impl Advice {
    /// A note that names only what was found.
    pub fn new(found: impl Into<String>) -> Self {
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
    pub fn object(self, object: impl Into<String>) -> Self {
        Self { object: Some(object.into()), ..self }
    }

    /// The same, with the field that it is about.
    #[must_use]
    pub fn field(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same, for a part of the resource.
    #[must_use]
    pub fn within(self, part: &str) -> Self {
        match &self.field {
            None => self.field(part),
            Some(_) => Self { found: self.to_string(), severity: self.severity, ..Self::new("").field(part) },
        }
    }

    /// The same, with what to change.
    #[must_use]
    pub fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}

/// `rule: object, field: found; fix`, without what is unknown.
impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rule) = self.rule {
            write!(f, "{rule}: ")?;
        }
        match (&self.object, &self.field) {
            (Some(object), Some(field)) => write!(f, "{object}, {field}: ")?,
            (Some(one), None) | (None, Some(one)) => write!(f, "{one}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.found)?;
        match &self.fix {
            Some(fix) => write!(f, "; {fix}"),
            None => Ok(()),
        }
    }
}

//! Where something is in an object, in a file, or in a file of an object.

use std::fmt;

use direct_upload_core::model::FieldPath;

/// A field of an object or of a chart's values, and what is in its text if that is a file. In a file of its own, only
/// the latter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    pub path: FieldPath,
    pub option: Option<OptionName>,
}

/// An option of a file, a section, or both: `[cors] allowed_origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionName {
    pub section: Option<String>,
    pub name: Option<String>,
}

impl OptionName {
    /// An option in a section.
    pub fn in_section(section: impl Into<String>, name: impl Into<String>) -> Self {
        Self { section: Some(section.into()), name: Some(name.into()) }
    }

    /// A whole section.
    pub fn section(section: impl Into<String>) -> Self {
        Self { section: Some(section.into()), name: None }
    }
}

impl Field {
    /// The last name of the field or option.
    pub fn name(&self) -> Option<&str> {
        match &self.option {
            Some(option) => option.name.as_deref(),
            None => self.path.names().last(),
        }
    }

    /// Whether it is that field, or one below it.
    pub fn is_within(&self, other: &Self) -> bool {
        let same = other.option.is_none() || self.option == other.option;
        same && self.path.is_within(&other.path)
    }
}

impl From<FieldPath> for Field {
    fn from(path: FieldPath) -> Self {
        Self { path, option: None }
    }
}

impl From<OptionName> for Field {
    fn from(option: OptionName) -> Self {
        Self { path: FieldPath::default(), option: Some(option) }
    }
}

/// An option of a file without sections.
impl From<&str> for OptionName {
    fn from(name: &str) -> Self {
        Self { section: None, name: Some(name.to_owned()) }
    }
}

impl From<&String> for OptionName {
    fn from(name: &String) -> Self {
        name.as_str().into()
    }
}

impl fmt::Display for OptionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.section, &self.name) {
            (Some(section), Some(name)) => write!(f, "[{section}] {name}"),
            (Some(section), None) => write!(f, "[{section}]"),
            (None, Some(name)) => f.write_str(name),
            (None, None) => Ok(()),
        }
    }
}

/// `data["glance-api.conf"] [cors] allowed_origin`.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)?;
        let Some(option) = &self.option else { return Ok(()) };
        let blank = if self.path.steps().is_empty() { "" } else { " " };
        write!(f, "{blank}{option}")
    }
}

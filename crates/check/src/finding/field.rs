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
        let blank = if self.path.elements().is_empty() { "" } else { " " };
        write!(f, "{blank}{option}")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn rule(at: usize) -> FieldPath {
        FieldPath::new(&["spec", "rules"]).item(at)
    }

    #[rstest]
    #[case::itself(rule(1), true)]
    #[case::a_field_of_it(rule(1).field("filters"), true)]
    #[case::another_with_the_same_digits(rule(10), false)]
    #[case::what_it_is_in(FieldPath::new(&["spec"]), false)]
    fn a_field_is_within_another_by_its_steps(#[case] path: FieldPath, #[case] expected: bool) {
        assert_eq!(Field::from(path).is_within(&rule(1).into()), expected);
    }

    #[test]
    fn options_of_one_file_are_beside_each_other() {
        let file = Field::from(FieldPath::new(&["data"]));
        let of = |name: &str| Field { option: Some(OptionName::in_section("cors", name)), ..file.clone() };
        assert!(of("max_age").is_within(&file));
        assert!(!of("max_age").is_within(&of("allowed_origin")));
        assert_eq!(of("max_age").to_string(), "data [cors] max_age");
    }
}

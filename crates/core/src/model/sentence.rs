//! Sentences that name fields, and other names for those fields.

use std::fmt;

use super::field_path::FieldPath;
use super::key::Id;
use super::resource::ResourceId;

/// A sentence. Where it names a field of the user's, that is a value, so a printer can use another name for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(FieldPath),
}

/// What users call fields and resources that they have not written themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub fields: Vec<(FieldPath, &'static str)>,
    pub objects: Vec<(Id, &'static str)>,
}

/// Something as its readers call it.
pub struct Named<'a, T>(pub(super) &'a T, pub(super) &'a Names);

impl Names {
    /// Something with these names.
    pub fn of<'a, T>(&'a self, thing: &'a T) -> Named<'a, T> {
        Named(thing, self)
    }
}

impl Sentence {
    /// The same, with more text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Text(text.into()));
        self
    }

    /// The same, with the name of a field.
    #[must_use]
    pub fn field(mut self, field: FieldPath) -> Self {
        self.0.push(Piece::Field(field));
        self
    }

    /// The same, with another sentence.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl<T: Into<String>> From<T> for Sentence {
    fn from(text: T) -> Self {
        Self::default().text(text)
    }
}

impl From<FieldPath> for Sentence {
    fn from(field: FieldPath) -> Self {
        Self::default().field(field)
    }
}

impl fmt::Display for Named<'_, FieldPath> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(field, names) = self;
        match names.fields.iter().find(|(named, _)| named == *field) {
            Some((_, name)) => f.write_str(name),
            None => field.fmt(f),
        }
    }
}

impl fmt::Display for Named<'_, Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(object, names) = self;
        match names.objects.iter().find(|(named, _)| named == *object) {
            Some((_, name)) => f.write_str(name),
            None => object.fmt(f),
        }
    }
}

impl fmt::Display for Named<'_, ResourceId> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(resource, names) = self;
        names.of(&Id::from(*resource)).fmt(f)
    }
}

impl fmt::Display for Named<'_, Sentence> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(sentence, names) = self;
        sentence.0.iter().try_for_each(|part| match part {
            Piece::Text(text) => f.write_str(text),
            Piece::Field(field) => names.of(field).fmt(f),
        })
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Names::default().of(self).fmt(f)
    }
}

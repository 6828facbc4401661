//! The text of one input file.

/// One file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub name: String,
    pub text: String,
    /// It was named itself, so to pass over it silently would be wrong.
    pub named: bool,
}

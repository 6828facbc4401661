//! The text of one input file.

/// One file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub name: String,
    pub text: String,
    /// The user named it, so it must not be skipped silently.
    pub named: bool,
}

//! Settings of the operator that plans depend on.

/// Settings of the operator itself that plans depend on.
#[derive(Clone, Debug)]
pub struct Options {
    /// The operator's own image, for the init container that copies files.
    pub image: String,
}

//! Who owns an annotation.

use std::collections::BTreeMap;

/// Annotation → the field manager that owns it: somebody else's, unless only we own it.
pub type Owners = BTreeMap<String, String>;

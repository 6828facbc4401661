//! Who owns an annotation.

use std::collections::BTreeMap;

/// Annotation → the field manager that owns it: somebody else's, where it is not ours alone.
pub type Owners = BTreeMap<String, String>;

//! `crd`: the custom resource definitions.

use std::io;

use super::output;

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  direct-upload-operator crd > crds.yaml
  direct-upload-operator crd | kubectl apply --server-side -f -";

/// Prints the definitions as YAML documents.
pub fn main() -> io::Result<()> {
    let crds = direct_upload_api::crds().iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    output::data(&output::documents(&crds))
}

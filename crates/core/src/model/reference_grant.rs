//! Gateway API ReferenceGrants.

use serde::Deserialize;

use super::meta::Meta;

/// A Gateway API ReferenceGrant: who may refer to objects of its namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferenceGrant {
    pub meta: Meta,
    pub spec: ReferenceGrantSpec,
}

/// `spec` of a ReferenceGrant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ReferenceGrantSpec {
    pub from: Vec<GrantFrom>,
    pub to: Vec<GrantTo>,
}

/// Who may refer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GrantFrom {
    pub kind: String,
    pub namespace: String,
}

/// To what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GrantTo {
    pub kind: String,
    pub name: Option<String>,
}

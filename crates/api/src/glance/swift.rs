//! `spec.swift`: Swift stores of a Glance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;

/// A Swift store of this Glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!has(self.trusts) || self.tenancy == 'MultiTenant'",
        "message": "trusts are for MultiTenant only: a SingleTenant store renews its token with its own credentials; leave trusts out"
    },
    {
        "rule": "!has(self.largeObjectSize) || !has(self.largeObjectChunkSize) || self.largeObjectSize >= self.largeObjectChunkSize",
        "message": "largeObjectSize is less than largeObjectChunkSize: images between the two would be segmented for nothing; lower the chunk size"
    }
]))]
pub struct GlanceSwift {
    /// The store's name in Glance's `enabled_backends` (`NAME:swift`); `glance_store` if there is no
    /// `enabled_backends`.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"))]
    pub store: String,
    /// Whose account in Swift has the images. `MultiTenant`: the account of each image's owner.
    /// `SingleTenant`: one account of Glance. It must be the value with which the store was set up; with
    /// another value, Glance looks for images in another account.
    pub tenancy: SwiftTenancy,
    /// `true`: Glance continues with a trust when the user's token is about to expire
    /// (`swift_store_use_trusts`). Only for `MultiTenant`. Default `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusts: Option<bool>,
    /// Glance renews a token that expires within this time before it sends the next segment
    /// (`swift_store_expire_soon_interval`). It must be longer than one segment takes, and shorter than a
    /// token's lifetime. Default `60s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_soon: Option<Duration>,
    /// How often Glance resumes a download that breaks off (`swift_store_retry_get_count`). With 0, a
    /// download has only the token with which it started. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub retries: Option<i32>,
    /// The size from which Glance uploads images in segments, in units of 1024000 bytes; smaller images use
    /// one request and one token (`swift_store_large_object_size`). Above 5242, Swift must accept larger
    /// objects than by default (`max_file_size` of its `[swift-constraints]`). Default: the value in Glance's
    /// own file, else 5120.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_073_742))]
    pub large_object_size: Option<i32>,
    /// Size of a segment in units of 1024000 bytes (`swift_store_large_object_chunk_size`). Default: the value
    /// in Glance's own file, else 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 5120))]
    pub large_object_chunk_size: Option<i32>,
    /// The store's account at Keystone. Default: the value in Glance's own file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SwiftCredentials>,
}

/// Whose account has the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SwiftTenancy {
    /// The account of each image's owner (`swift_store_multi_tenant = True`).
    MultiTenant,
    /// One account of Glance.
    SingleTenant,
}

/// A Secret's key with oslo.config options. The kubelet mounts it; the operator never reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwiftCredentials {
    /// The name of a Secret in this namespace.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// The Secret's key. It holds a piece of configuration with `swift_store_auth_address`,
    /// `swift_store_user` and `swift_store_key` in the store's own section. Default `swift.conf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: Option<String>,
}

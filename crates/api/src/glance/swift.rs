//! `spec.swift`: Swift stores of a Glance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;

/// A Swift store of Glance's.
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
    /// The store's name as in Glance's `enabled_backends` (`NAME:swift`); `glance_store` where there is
    /// no `enabled_backends`.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"))]
    pub store: String,
    /// In whose account images are kept. It must be what the store was set up with: another one would
    /// look for images elsewhere.
    pub tenancy: SwiftTenancy,
    /// Go on with a trust when the user's token is about to expire (`swift_store_use_trusts`), for
    /// `MultiTenant`. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusts: Option<bool>,
    /// A token that lives no longer than this is renewed before the next segment
    /// (`swift_store_expire_soon_interval`). Longer than one segment takes, shorter than the life of a
    /// token. Default `60s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_soon: Option<Duration>,
    /// How often a download that breaks off is taken up again (`swift_store_retry_get_count`). Without
    /// it, a download has no more than the token that it began with. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub retries: Option<i32>,
    /// From which size on images are uploaded in segments, in MiB; smaller ones with one token
    /// (`swift_store_large_object_size`). Default: what Glance's own file says, else 5120.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 5120))]
    pub large_object_size: Option<i32>,
    /// Size of a segment, in MiB (`swift_store_large_object_chunk_size`). Default: what Glance's own
    /// file says, else 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 5120))]
    pub large_object_chunk_size: Option<i32>,
    /// The store's account at Keystone. Default: what Glance's own file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SwiftCredentials>,
}

/// In whose account images are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SwiftTenancy {
    /// In the account of each image's owner (`swift_store_multi_tenant = True`).
    MultiTenant,
    /// In one account of Glance's.
    SingleTenant,
}

/// A Secret's key with oslo.config options. It is mounted, never read by the operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwiftCredentials {
    /// A Secret in this namespace.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// Its key: a file with `swift_store_auth_address`, `swift_store_user` and `swift_store_key` in
    /// the store's own section. Default `swift.conf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: Option<String>,
}

//! Our annotations. They have what must survive a restart of the operator, because a status must not.

/// On a Horizon's ConfigMap: the Glances (`namespace/name`, separated by commas) that it was switched to.
pub const PARTNER: &str = "direct-upload.openstack.org/glance";

/// On a Horizon's ConfigMap: since when it is not mounted because preflights were refused (RFC 3339).
pub const BACKED_OUT: &str = "direct-upload.openstack.org/backed-out";

/// On a Glance's ConfigMap: namespace → the origins in it that belong to its Horizons (JSON).
pub const GRANTED: &str = "direct-upload.openstack.org/granted";

/// On a Glance's ConfigMap: origin → since when nobody requests it (JSON, RFC 3339).
pub const RETIRING: &str = "direct-upload.openstack.org/retiring";

/// On a ConfigMap or Job: `Kind/uid`, the resource's kind and the workload that it is for.
pub const FOR: &str = "direct-upload.openstack.org/for";

/// On a Job: the edition of the workload's pod template that it was made from.
pub(crate) const EDITION: &str = "direct-upload.openstack.org/edition";

/// On a ConfigMap: the fingerprint of the pod that failed with it, and why.
pub const FAILED: &str = "direct-upload.openstack.org/failed";

/// On a ConfigMap: when our fields were restored after somebody removed them (RFC 3339, separated by
/// spaces).
pub(crate) const PUT_BACK: &str = "direct-upload.openstack.org/put-back";

/// On a workload or an exposing object: the resource (`Kind/namespace/name/uid`) that manages it.
pub const CLAIM: &str = "direct-upload.openstack.org/claim";

/// On a workload: our last roll of its pods, see [`LastRoll`](super::LastRoll).
pub const ROLLED_AT: &str = "direct-upload.openstack.org/rolled-at";

/// On a workload: an image, and the folder where it reads Horizon's snippets (a rehearsal found it).
pub const READS: &str = "direct-upload.openstack.org/reads";

/// On a workload: the fingerprint of its pod template, and the image panel that Horizon shows with it (a
/// rehearsal found it).
pub const PANEL: &str = "direct-upload.openstack.org/panel";

/// On a Glance's workload: the public image endpoints of Keystone's catalog, when they were read and by which
/// pod (JSON; a rehearsal read them).
pub const CATALOG: &str = "direct-upload.openstack.org/catalog";

/// On a Glance's workload: what the user's own files say in `[cors]`, when that was read and by which pod (JSON; a
/// rehearsal read it).
pub const CORS: &str = "direct-upload.openstack.org/cors";

/// All annotations of a workload.
pub const ON_WORKLOADS: [&str; 6] = [CLAIM, ROLLED_AT, READS, PANEL, CATALOG, CORS];

#[cfg(test)]
mod tests {
    use direct_upload_api::DOMAIN;

    use super::*;

    #[test]
    fn all_are_of_our_domain() {
        let all = [
            PARTNER, BACKED_OUT, GRANTED, RETIRING, FOR, FAILED, PUT_BACK, CLAIM, ROLLED_AT, READS, PANEL, CATALOG,
            CORS, EDITION,
        ];
        assert!(all.iter().all(|name| name.strip_prefix(DOMAIN).is_some_and(|rest| rest.starts_with('/'))));
    }
}

//! Names of our annotations.

use direct_upload_api::DOMAIN;

/// Annotation of a Horizon's ConfigMap: the Glances (`namespace/name`, with commas between them) that
/// it was switched to.
pub fn partner_annotation() -> String {
    format!("{}/glance", direct_upload_api::DOMAIN)
}

/// Annotation of a Horizon's ConfigMap: since when it is not mounted because preflights were refused.
pub fn backed_out_annotation() -> String {
    format!("{}/backed-out", direct_upload_api::DOMAIN)
}

/// Annotation of a Glance's ConfigMap: namespace → the origins in it that are of its Horizons.
pub fn granted_annotation() -> String {
    format!("{DOMAIN}/granted")
}

/// Annotation of a ConfigMap: `Kind/uid`, the resource kind and the workload that it is for.
pub fn for_annotation() -> String {
    format!("{DOMAIN}/for")
}

/// Annotation of a ConfigMap: the fingerprint of the pod that failed with it, and why.
pub fn failed_annotation() -> String {
    format!("{DOMAIN}/failed")
}

/// Annotation of a ConfigMap: origin → since when nobody asks for it.
pub fn retiring_annotation() -> String {
    format!("{DOMAIN}/retiring")
}

/// Annotation of a workload: the resource (`Kind/namespace/name/uid`) that manages it.
pub fn claim_annotation() -> String {
    format!("{DOMAIN}/claim")
}

/// Annotation of a workload: when we last changed its pods (RFC 3339).
pub fn rolled_annotation() -> String {
    format!("{DOMAIN}/rolled-at")
}

/// Annotation of a workload: an image, and where it reads Horizon's snippets (a rehearsal found it).
pub fn reads_annotation() -> String {
    format!("{DOMAIN}/reads")
}

/// All our annotations of a workload.
pub fn our_annotations() -> [String; 3] {
    [claim_annotation(), rolled_annotation(), reads_annotation()]
}

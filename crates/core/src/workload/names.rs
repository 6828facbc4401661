//! The names that show what is ours in other people's workloads.

/// Our ConfigMap volume; the other names start with it.
pub const CONFIG_VOLUME: &str = "direct-upload";

/// The `emptyDir` from which copied files are mounted.
pub(crate) const COPY_VOLUME: &str = "direct-upload-files";

/// The Secret with httpd's certificate.
pub const TLS_VOLUME: &str = "direct-upload-tls";

/// Other Secrets: their volumes' names start with it.
pub const SECRET_VOLUME: &str = "direct-upload-secret-";

/// The init container that copies.
pub(crate) const COPY_CONTAINER: &str = "direct-upload-copy";

/// Whether a volume of that name is ours.
pub fn is_ours(volume: &str) -> bool {
    [CONFIG_VOLUME, COPY_VOLUME].contains(&volume) || is_secret(volume)
}

/// Whether a volume of that name is ours and a Secret.
pub(crate) fn is_secret(volume: &str) -> bool {
    volume == TLS_VOLUME || volume.starts_with(SECRET_VOLUME)
}

/// The pod's own address, for [`WORKER_URL`].
pub const POD_IP: &str = "DIRECT_UPLOAD_POD_IP";

/// oslo.config's name for `[DEFAULT] worker_self_reference_url` in the environment.
pub const WORKER_URL: &str = "OS_DEFAULT__WORKER_SELF_REFERENCE_URL";

/// Variables that we set; the first shows that they are ours.
pub const OUR_ENV: [&str; 2] = [POD_IP, WORKER_URL];

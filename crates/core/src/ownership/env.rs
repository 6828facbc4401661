//! Names of our variables.

/// The pod's own address, for [`WORKER_URL`].
pub const POD_IP: &str = "DIRECT_UPLOAD_POD_IP";

/// oslo.config's name for `[DEFAULT] worker_self_reference_url` in the environment.
pub const WORKER_URL: &str = "OS_DEFAULT__WORKER_SELF_REFERENCE_URL";

/// Variables that we set; the first tells that they are ours.
pub const OUR_ENV: [&str; 2] = [POD_IP, WORKER_URL];

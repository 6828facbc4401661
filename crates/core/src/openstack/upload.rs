//! The requests that Horizon's pages send.

/// The method of the upload; not CORS-safelisted, so always preflighted.
pub const METHOD: &str = "PUT";

/// The CORS-unsafe request-header names of the upload as every supported Horizon makes it, in the
/// form and order in which browsers list them. X-CSRFToken: sent by Horizon 25.7 to 26.0 always, by
/// older ones with `CSRF_COOKIE_HTTPONLY` (DU003).
pub const HEADERS: [&str; 3] = ["content-type", "x-auth-token", "x-csrftoken"];

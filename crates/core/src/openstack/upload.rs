//! The requests that Horizon's pages send.

use direct_upload_api::Panel;

/// The method of the upload; not CORS-safelisted, so always preflighted.
pub const METHOD: &str = "PUT";

/// The CORS-unsafe request-header names of the upload of every supported Horizon, in the form and order of
/// browsers. X-CSRFToken: Horizon 25.7 to 26.0 always send it, older ones with `CSRF_COOKIE_HTTPONLY`
/// (DU003).
pub const HEADERS: [&str; 3] = ["content-type", "x-auth-token", "x-csrftoken"];

/// A request's credentials mode (Fetch §2.2.5): whether the browser sends cookies, and so how it reads the
/// answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Credentials {
    /// An XHR without `withCredentials`: to another origin it carries none. The mode is "same-origin".
    SameOrigin,
    /// An XHR with `withCredentials`: `*` does not count, and the answer must allow credentials.
    Include,
}

/// The upload of a panel's page: what its CORS-preflight requests, and how its answer is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRequest {
    pub credentials: Credentials,
    pub method: &'static str,
    /// The CORS-unsafe request-header names, as browsers list them.
    pub headers: Vec<&'static str>,
}

impl UploadRequest {
    /// The Angular panel's (openstack_dashboard/static/app/core/openstack-service-api/glance.service.js):
    /// no `withCredentials`; Angular's `$http` adds `X-CSRFToken` if it can read the cookie.
    pub fn angular() -> Self {
        Self { credentials: Credentials::SameOrigin, method: METHOD, headers: HEADERS.to_vec() }
    }

    /// The Django panel's (horizon/static/horizon/js/horizon.modals.js): an XHR with `withCredentials`
    /// and without `X-CSRFToken`.
    pub fn django() -> Self {
        Self { credentials: Credentials::Include, method: METHOD, headers: HEADERS[..2].to_vec() }
    }

    /// The requests that must pass for this panel: both, if it is unknown.
    pub fn of_panel(panel: Panel) -> Vec<Self> {
        match panel {
            Panel::Angular => vec![Self::angular()],
            Panel::Django => vec![Self::django()],
            Panel::Unknown => vec![Self::angular(), Self::django()],
        }
    }

    /// Which panel sends such a request.
    pub fn panel(&self) -> Panel {
        match self.credentials {
            Credentials::SameOrigin => Panel::Angular,
            Credentials::Include => Panel::Django,
        }
    }
}

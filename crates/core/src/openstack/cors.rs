//! The options of those who answer preflights: oslo.middleware's CORS filter (`oslo_middleware/cors.py`,
//! `CORS_OPTS`) and Swift's proxy (`swift/proxy/server.py`).
//!
//! One line for each option. Rendering, what is repeated from a user's file, whether two files mean the
//! same, and what `check` knows all come from these tables.

use super::service::{CorsFilter, OpenStackService};

impl CorsFilter {
    /// All options, in the order in which they are written.
    pub fn options(self) -> &'static [CorsOption] {
        match self {
            Self::OsloMiddleware => &CORS_OPTIONS,
            Self::Swift => &SWIFT_OPTIONS,
        }
    }

    /// The option of that name, in a section whose name is in lower case except `DEFAULT`.
    pub fn option(section: &str, name: &str) -> Option<&'static CorsOption> {
        let filters = [Self::OsloMiddleware, Self::Swift].into_iter().filter(|filter| filter.section() == section);
        filters.flat_map(Self::options).find(|option| option.name == name)
    }
}

/// An option of a filter.
#[derive(Clone, Copy, Debug)]
pub struct CorsOption {
    pub name: &'static str,
    /// Its name in [`CorsValues`](direct_upload_api::CorsValues): that of the filter of oslo.middleware, if it has it.
    pub key: &'static str,
    /// The field of a resource that sets it.
    pub field: &'static str,
    pub kind: CorsKind,
}

/// The type of an option, and its default.
#[derive(Clone, Copy, Debug)]
pub enum CorsKind {
    /// Origins; nothing is accepted without one.
    Origins,
    /// HTTP methods, compared exactly. Each service has its own defaults.
    Methods(fn(&OpenStackService) -> &'static [&'static str]),
    /// Names of headers, compared without case. Each service has its own defaults.
    Headers(fn(&OpenStackService) -> &'static [&'static str]),
    Flag(bool),
    /// Seconds.
    Number(u32),
}

/// The option with the request headers that a page may send.
pub const ALLOW_HEADERS: &str = "allow_headers";

/// The options of oslo.middleware's filter.
pub const CORS_OPTIONS: [CorsOption; 6] = [
    CorsOption::ALLOWED_ORIGIN,
    CorsOption::ALLOW_METHODS,
    CorsOption::ALLOW_HEADERS,
    CorsOption::EXPOSE_HEADERS,
    CorsOption::ALLOW_CREDENTIALS,
    CorsOption::MAX_AGE,
];

/// The option with the origins in Swift's proxy.
pub const SWIFT_ORIGINS: &str = "cors_allow_origin";

/// Whether Swift's proxy leaves out the headers of its answers to other origins' GET requests, too.
pub const SWIFT_STRICT: &str = "strict_cors_mode";

/// The options of Swift's proxy. It allows every request header, never allows credentials, and has the time to
/// cache an answer from each container's metadata.
const SWIFT_OPTIONS: [CorsOption; 3] = [
    CorsOption::new(SWIFT_ORIGINS, "spec.cors.allowedOrigins", CorsKind::Origins),
    CorsOption {
        key: "expose_headers",
        ..CorsOption::new(
            "cors_expose_headers",
            "spec.cors.exposeHeaders",
            CorsKind::Headers(|service| service.expose_headers),
        )
    },
    CorsOption::new(SWIFT_STRICT, "spec.cors", CorsKind::Flag(true)),
];

impl CorsOption {
    pub const ALLOWED_ORIGIN: Self = Self::new("allowed_origin", "spec.cors.allowedOrigins", CorsKind::Origins);
    pub const ALLOW_METHODS: Self =
        Self::new("allow_methods", "spec.cors.allowMethods", CorsKind::Methods(|service| service.allow_methods));
    pub const ALLOW_HEADERS: Self =
        Self::new(ALLOW_HEADERS, "spec.cors.allowHeaders", CorsKind::Headers(|service| service.allow_headers));
    pub const EXPOSE_HEADERS: Self =
        Self::new("expose_headers", "spec.cors.exposeHeaders", CorsKind::Headers(|service| service.expose_headers));
    pub const ALLOW_CREDENTIALS: Self =
        Self::new("allow_credentials", "spec.cors.allowCredentials", CorsKind::Flag(true));
    pub const MAX_AGE: Self = Self::new("max_age", "spec.cors.maxAge", CorsKind::Number(3600));

    const fn new(name: &'static str, field: &'static str, kind: CorsKind) -> Self {
        Self { name, key: name, field, kind }
    }

    /// The option of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CORS_OPTIONS.iter().find(|option| option.name == name)
    }

    /// Whether its items have no order.
    pub fn is_set(&self) -> bool {
        matches!(self.kind, CorsKind::Origins | CorsKind::Methods(_) | CorsKind::Headers(_))
    }
}

/// An HTTP token (RFC 9110 §5.6.2), as the name of a header or method must be.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

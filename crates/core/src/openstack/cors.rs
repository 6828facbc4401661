//! The options of oslo.middleware's CORS filter (`oslo_middleware/cors.py`, `CORS_OPTS`).
//!
//! One line for each option. Rendering, what is repeated from a user's file, whether two files mean the
//! same, and what `check` knows all come from this table.

use super::service::OpenStackService;

/// An option of `[cors]`.
#[derive(Clone, Copy, Debug)]
pub struct CorsOption {
    pub name: &'static str,
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

/// All options, in the order in which they are written.
pub const CORS_OPTIONS: [CorsOption; 6] = [
    CorsOption::new("allowed_origin", "spec.cors.allowedOrigins", CorsKind::Origins),
    CorsOption::new("allow_methods", "spec.cors.allowMethods", CorsKind::Methods(|service| service.allow_methods)),
    CorsOption::new(ALLOW_HEADERS, "spec.cors.allowHeaders", CorsKind::Headers(|service| service.allow_headers)),
    CorsOption::new("expose_headers", "spec.cors.exposeHeaders", CorsKind::Headers(|service| service.expose_headers)),
    CorsOption::new("allow_credentials", "spec.cors.allowCredentials", CorsKind::Flag(true)),
    CorsOption::new("max_age", "spec.cors.maxAge", CorsKind::Number(3600)),
];

impl CorsOption {
    const fn new(name: &'static str, field: &'static str, kind: CorsKind) -> Self {
        Self { name, field, kind }
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

//! The options of those who answer preflights: oslo.middleware's CORS filter (`oslo_middleware/cors.py`,
//! `CORS_OPTS`) and Swift's proxy (`swift/proxy/server.py`); and the values that a resource states for them.
//!
//! One line for each option. Rendering, what is repeated from a user's file, whether two files mean the
//! same, and what `check` knows all come from these tables.

use std::collections::BTreeMap;

use crate::{ApiCors, GlanceCors};

/// Who answers a service's preflights. It decides where the options are, and how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::VariantArray)]
pub enum CorsFilter {
    /// The filter of oslo.middleware, which reads `[cors]` by oslo.config.
    OsloMiddleware,
    /// Swift's proxy, which reads `[DEFAULT]` of its paste file.
    Swift,
}

impl CorsFilter {
    /// All of them.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The section where its options stand.
    pub const fn section(self) -> &'static str {
        match self {
            Self::OsloMiddleware => "cors",
            Self::Swift => "DEFAULT",
        }
    }

    /// All options, in the order in which they are written.
    pub const fn options(self) -> &'static [CorsOption] {
        match self {
            Self::OsloMiddleware => &CORS_OPTIONS,
            Self::Swift => &SWIFT_OPTIONS,
        }
    }

    /// The option of that name, in a section whose name is in lower case except `DEFAULT`.
    pub fn option(section: &str, name: &str) -> Option<&'static CorsOption> {
        let filters = Self::ALL.iter().filter(|filter| filter.section() == section);
        filters.flat_map(|filter| filter.options()).find(|option| option.name == name)
    }
}

/// What an option decides. Options of different filters may decide the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CorsKey {
    AllowOrigins,
    AllowMethods,
    AllowHeaders,
    ExposeHeaders,
    AllowCredentials,
    MaxAge,
    /// Whether answers to other origins' GET requests have no headers, too.
    Strict,
}

/// An option of a filter.
#[derive(Clone, Copy, Debug)]
pub struct CorsOption {
    pub name: &'static str,
    pub key: CorsKey,
    /// The field of a resource that sets it.
    pub field: &'static str,
    pub kind: CorsKind,
}

/// The type of an option, and its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorsKind {
    /// Origins; nothing is accepted without one.
    Origins,
    /// HTTP methods, compared exactly. Each service has its own defaults.
    Methods,
    /// Names of headers, compared without case. Each service has its own defaults.
    Headers,
    Flag(bool),
    /// Seconds.
    Number(u32),
}

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
    CorsOption::new(SWIFT_ORIGINS, CorsKey::AllowOrigins, "spec.cors.allowedOrigins", CorsKind::Origins),
    CorsOption::new("cors_expose_headers", CorsKey::ExposeHeaders, "spec.cors.exposeHeaders", CorsKind::Headers),
    CorsOption::new(SWIFT_STRICT, CorsKey::Strict, "spec.cors", CorsKind::Flag(true)),
];

impl CorsOption {
    pub const ALLOWED_ORIGIN: Self =
        Self::new("allowed_origin", CorsKey::AllowOrigins, "spec.cors.allowedOrigins", CorsKind::Origins);
    pub const ALLOW_METHODS: Self =
        Self::new("allow_methods", CorsKey::AllowMethods, "spec.cors.allowMethods", CorsKind::Methods);
    pub const ALLOW_HEADERS: Self =
        Self::new("allow_headers", CorsKey::AllowHeaders, "spec.cors.allowHeaders", CorsKind::Headers);
    pub const EXPOSE_HEADERS: Self =
        Self::new("expose_headers", CorsKey::ExposeHeaders, "spec.cors.exposeHeaders", CorsKind::Headers);
    pub const ALLOW_CREDENTIALS: Self =
        Self::new("allow_credentials", CorsKey::AllowCredentials, "spec.cors.allowCredentials", CorsKind::Flag(true));
    pub const MAX_AGE: Self = Self::new("max_age", CorsKey::MaxAge, "spec.cors.maxAge", CorsKind::Number(3600));

    const fn new(name: &'static str, key: CorsKey, field: &'static str, kind: CorsKind) -> Self {
        Self { name, key, field, kind }
    }

    /// The option of `[cors]` with that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CORS_OPTIONS.iter().find(|option| option.name == name)
    }

    /// Whether its items have no order.
    pub fn is_set(&self) -> bool {
        matches!(self.kind, CorsKind::Origins | CorsKind::Methods | CorsKind::Headers)
    }
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsValue {
    /// Names of headers or methods.
    List(Vec<String>),
    Flag(bool),
    /// Seconds.
    Number(u32),
}

/// Values of options, except the origins. Only those that somebody sets.
pub type CorsValues = BTreeMap<CorsKey, CorsValue>;

impl GlanceCors {
    /// The options that it sets.
    pub fn options(&self) -> CorsValues {
        stated(&self.allow_headers, &self.expose_headers, self.allow_credentials, self.max_age)
    }
}

impl ApiCors {
    /// The options that it sets.
    pub fn options(&self) -> CorsValues {
        stated(&self.allow_headers, &self.expose_headers, self.allow_credentials, self.max_age)
    }
}

fn stated(allow: &[String], expose: &[String], credentials: Option<bool>, max_age: Option<i64>) -> CorsValues {
    let list = |names: &[String]| (!names.is_empty()).then(|| CorsValue::List(names.to_vec()));
    let seconds = max_age.and_then(|seconds| u32::try_from(seconds).ok());
    let all = [
        (CorsKey::AllowHeaders, list(allow)),
        (CorsKey::ExposeHeaders, list(expose)),
        (CorsKey::AllowCredentials, credentials.map(CorsValue::Flag)),
        (CorsKey::MaxAge, seconds.map(CorsValue::Number)),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

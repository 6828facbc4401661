//! What files depend on.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;
use direct_upload_api::{CorsValues, Delivery, GlanceProxy};

use super::glance::import::ImportSettings;

/// Everything that the files of an API depend on. What is empty gives no file, and only Glance has more than
/// `[cors]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiSettings {
    /// `[cors]`; none while nobody may upload from a browser.
    pub cors: Option<CorsSettings>,
    /// The folder that the CORS filter reads, e.g. `/etc/glance/glance-api.conf.d`.
    pub config_dir: String,
    /// What Glance itself reads.
    pub own: OwnSettings,
    /// Policy rules that override its own.
    pub policy: PolicySettings,
    /// The httpd in front of glance-api, if there is one.
    pub httpd: Option<GlanceHttpdSettings>,
}

/// Rules of oslo.policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicySettings {
    /// One of `policy_dirs`, e.g. `/etc/glance/policy.d`.
    pub dir: String,
    /// Name to expression.
    pub rules: BTreeMap<String, String>,
}

/// Options that Glance itself reads. They go to a folder that Glance reads with every start
/// method, which is not the CORS filter's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnSettings {
    /// E.g. `/etc/glance/glance.conf.d`.
    pub dir: String,
    /// What it does with images that it imports.
    pub import: ImportSettings,
    /// Its Swift stores.
    pub swift: Vec<SwiftStore>,
}

/// A store's own group of options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwiftStore {
    /// Its section.
    pub name: String,
    /// Whose account has the images.
    pub tenancy: SwiftTenancy,
    /// Seconds.
    pub expire_soon: u32,
    /// For a download.
    pub retries: u32,
    /// MiB.
    pub large_object_size: Option<u32>,
    /// MiB.
    pub large_object_chunk_size: Option<u32>,
}

/// Whose account in Swift has the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwiftTenancy {
    /// The owner's.
    Multi {
        /// Uploads may outlast the owner's token.
        trusts: bool,
    },
    /// Glance's.
    Single,
}

/// The `[cors]` section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsSettings {
    /// Whose pages may use the API.
    pub origins: BTreeSet<Origin>,
    /// The other options that differ from the service's defaults. Lists are added to the service's own.
    pub options: CorsValues,
}

/// The httpd fragment for Glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlanceHttpdSettings {
    /// A folder whose `*.conf` httpd includes, e.g. `/etc/apache2/conf-enabled`.
    pub conf_dir: String,
    /// How httpd reaches glance-api.
    pub server: HttpdServer,
    /// Terminate TLS in a separate virtual host.
    pub tls: Option<TlsHost>,
    /// Seconds.
    pub timeout: u32,
    /// Bytes; 0 is unlimited.
    pub limit_request_body: u64,
    /// Restore the v1 headers with underscores.
    pub legacy_headers: bool,
}

/// The module in front of glance-api.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpdServer {
    /// `mod_wsgi` runs it inside httpd.
    ModWsgi,
    /// `mod_proxy_http`.
    ModProxy,
    /// `mod_proxy_uwsgi`.
    ModProxyUwsgi,
}

/// A virtual host that terminates TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsHost {
    /// The port it listens on.
    pub port: u16,
    /// Folder with `tls.crt` and `tls.key`.
    pub certificate_dir: String,
    /// `ServerName`, if a public host is known.
    pub server_name: Option<String>,
    /// `host:port` of glance-api, for the proxy modules.
    pub backend: String,
    /// The WSGI script, for `mod_wsgi`.
    pub wsgi_script: String,
}

/// Everything that Horizon's files depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HorizonSettings {
    /// Set `HORIZON_IMAGES_UPLOAD_MODE = 'direct'`.
    pub direct: bool,
    /// The `local_settings.d` that this image reads.
    pub local_settings_dir: String,
    /// How the snippet gets there.
    pub delivery: Delivery,
    /// What Django must know behind a proxy that terminates TLS.
    pub tls_termination: Option<TlsTerminationSettings>,
    /// The httpd that serves Horizon, if something must be set there.
    pub httpd: Option<HorizonHttpdSettings>,
}

/// What Django must know behind a proxy that terminates TLS. Values are appended, never replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsTerminationSettings {
    /// As in HTTP, e.g. `X-Forwarded-Proto`.
    pub forwarded_proto_header: Option<String>,
    /// For `CSRF_TRUSTED_ORIGINS`.
    pub trusted_origins: Vec<Origin>,
    /// For `ALLOWED_HOSTS`.
    pub allowed_hosts: Vec<String>,
}

/// The httpd fragment for Horizon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HorizonHttpdSettings {
    /// A folder whose `*.conf` httpd includes.
    pub conf_dir: String,
    /// Bytes; 0 is unlimited.
    pub limit_request_body: Option<u64>,
    /// Seconds.
    pub timeout: Option<u32>,
    /// CORS headers on Horizon's own answers.
    pub cors: Option<HorizonCorsSettings>,
    /// A path of the dashboard's own host that leads to Glance.
    pub glance_proxy: Option<GlanceProxy>,
}

/// CORS headers on Horizon's own answers: exact origins, `Vary: Origin`, never `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HorizonCorsSettings {
    /// Whose scripts may read Horizon's answers.
    pub origins: BTreeSet<Origin>,
    /// `Access-Control-Allow-Credentials`.
    pub allow_credentials: bool,
    /// Seconds.
    pub max_age: Option<u32>,
}

//! Why a browser would not send the upload.

use direct_upload_api::Rule;

/// The browser's requirements before it sends the upload, in the order in which they are checked here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// The catalog's URL plus Horizon's `/v2/images/…/file` is a URL that Glance has.
    UploadUrl,
    /// A browser outside the cluster can reach the host.
    Reachable,
    /// No http from an https page (Mixed Content §4).
    SecureContext,
    /// Status 200 to 299 and no redirect.
    Status,
    /// `Access-Control-Allow-Origin`, combined, is the origin or, without credentials, `*` (Fetch §4.10).
    AllowOrigin,
    /// With credentials: `Access-Control-Allow-Credentials`, combined, is `true` (Fetch §4.10).
    AllowCredentials,
    /// `Access-Control-Allow-Methods` contains the method or, without credentials, `*`.
    AllowMethods,
    /// `Access-Control-Allow-Headers` contains each header or, without credentials, `*`.
    AllowHeaders,
    /// Glance itself answers the upload.
    Glance,
    /// The dashboard is at the origin.
    Dashboard,
    /// The page's Content-Security-Policy allows Glance (CSP3 §6.1.2).
    ContentSecurityPolicy,
    /// Glance's addresses are as public as the dashboard's (Local Network Access).
    AddressSpace,
    /// No server refuses the announced size of uploads.
    Size,
}

impl Requirement {
    /// The requirement as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::UploadUrl => "the catalog's URL followed by /v2/images/{id}/file is Glance's upload URL",
            Self::Reachable => "the host of the URL can be reached from a browser",
            Self::SecureContext => "a page that was loaded over https may use only https",
            Self::Status => "the status is 200 to 299, and no redirect",
            Self::AllowOrigin => {
                "Access-Control-Allow-Origin is the origin, byte for byte (or * for the Angular panel)"
            }
            Self::AllowCredentials => "Access-Control-Allow-Credentials is true, for the Django panel",
            Self::AllowMethods => "Access-Control-Allow-Methods holds PUT, in upper case (or * for the Angular panel)",
            Self::AllowHeaders => {
                "Access-Control-Allow-Headers holds each requested header (or * for the Angular panel)"
            }
            Self::Glance => "Glance itself answers at the upload URL: it refuses an upload without a token",
            Self::Dashboard => "the dashboard is at the origin",
            Self::ContentSecurityPolicy => "the Content-Security-Policy of the dashboard's page admits Glance",
            Self::AddressSpace => "Glance's addresses are as public as the dashboard's",
            Self::Size => "an upload of this size is not refused as soon as it is announced",
        }
    }
}

/// The requirement that was not met.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Failure {
    /// The likeliest rule.
    pub rule: Rule,
    /// Other rules that could be the cause.
    #[serde(rename = "alsoPossible")]
    pub also: Vec<Rule>,
    pub requirement: Requirement,
    /// The part of the answer that decided: limited, one line, never the body.
    pub received: String,
    /// What is wrong.
    pub message: String,
    /// What to change, and where.
    pub fix: String,
}

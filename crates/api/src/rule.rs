//! The rules: everything that can be wrong, with one id everywhere.
//!
//! Conditions, events, `preflight`, `check`, SARIF and the runbook all take the id and the words from here.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Severity {
    /// An upload fails because of it.
    Error,
    /// An upload fails in some cases, or something is unsafe.
    Warning,
    /// It works, but is worth knowing.
    Note,
}

macro_rules! rules {
    ($($name:ident $id:literal $title:literal $why:literal;)*) => {
        /// A rule. Ids are stable; a rule that is no longer needed keeps its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $(#[doc = concat!("`", $id, "`")] $name,)* }

        impl Rule {
            /// All rules, in order.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// `DU0xx`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// What is wrong, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// Why the upload fails, in one or two sentences.
            pub const fn why(self) -> &'static str {
                match self { $(Self::$name => $why,)* }
            }

            const fn page_text(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../../../docs/runbook/", $id, ".md")),)* }
            }
        }
    };
}

rules! {
    OriginForm "DU001" "an allowed origin that no browser sends"
        "The CORS filter compares each entry of allowed_origin byte for byte with the browser's Origin header, which is scheme://host[:port] in lower case, without default port, path or slash: this entry never matches.";
    OriginMissing "DU002" "the dashboard's origin is not allowed"
        "Glance answers the browser's preflight without any CORS header, so the browser never sends the image and it stays queued.";
    HeaderMissing "DU003" "a header that Horizon sends is not allowed"
        "The preflight asks for each header that Horizon adds to the upload; if allow_headers lacks one, Glance grants nothing and the browser sends nothing. Horizon 2026.1 always sends X-CSRFToken, which is not among Glance's defaults.";
    MethodMissing "DU004" "PUT is not allowed"
        "Image data is uploaded by PUT. Methods are compared exactly, in upper case; without PUT in allow_methods Glance refuses the preflight.";
    AnyOrigin "DU005" "every web site may use the API"
        "With * (or null, the origin of sandboxed pages) any page that a user opens can call the API from the user's browser: the protection is gone. Uploads from Horizon's Angular panel work; those from its Django panel send credentials, for which browsers do not accept *.";
    OldSubgroup "DU006" "a [cors.NAME] section, which is no longer read"
        "oslo.middleware 7.0.0 dropped the [cors.NAME] groups; from 2026.1 on the origins in them are silently ignored, and the browser is refused.";
    NotRead "DU007" "[cors] where it has no effect"
        "The CORS filter reads glance.conf, glance-api.conf, glance.conf.d/*.conf and glance-api.conf.d/*.conf of /etc/glance and nothing else; a later file replaces an option of an earlier one, and the paste file replaces both. The filter of another service reads the files of that service's own folder, such as /etc/keystone; Swift's proxy has no [cors].";
    NoSuchFlavor "DU008" "a paste flavor without pipeline, or a pipeline without CORS"
        "Glance does not start with a flavor that its paste file lacks. A pipeline without the cors filter never answers a preflight, in Glance or in another service.";
    MixedContent "DU009" "an https dashboard and an http API"
        "Browsers block http requests from https pages (mixed content): nothing is sent at all.";
    NotPublic "DU010" "an API's URL that no browser reaches"
        "The browser calls the public endpoint of the Keystone catalog. A cluster-internal name, a loopback address or a single-label name does not work outside the cluster.";
    WrongEndpoint "DU011" "a catalog URL from which Horizon builds a wrong path"
        "Horizon appends /v2/images/ID/file to the public endpoint, exactly as the catalog has it. An endpoint that already ends in a version gives a path that Glance does not have.";
    CorsOnTheWay "DU012" "something in front of Glance answers or changes CORS"
        "Browsers accept exactly one Access-Control-Allow-Origin. A proxy that adds its own doubles Glance's, one that sets it replaces it, and one that answers OPTIONS itself hides Glance's answer.";
    Csp "DU013" "a Content-Security-Policy without Glance"
        "The dashboard's own policy forbids the page to connect to Glance: the browser blocks the upload before any preflight.";
    BodyLimit "DU014" "a body limit in front of Glance"
        "A server in front of Glance refuses larger bodies with 413. That answer has no CORS header, so the browser shows only a network error.";
    TooSlow "DU015" "a timeout or buffer in front of Glance that breaks long uploads"
        "Something in front of Glance ends the request before the whole image has passed, or stores the whole image first. The browser shows only a network error.";
    NoEffect "DU016" "a dashboard setting that never takes effect"
        "Horizon ignores the setting without a message (it only logs an error in a snippet). It keeps the mode it had, usually legacy.";
    Unknown "DU017" "a setting that its program does not know"
        "Programs ignore unknown settings without a message. Horizon has HORIZON_IMAGES_UPLOAD_MODE and takes Glance's URL from the Keystone catalog; [cors] of Glance and of other services has the options of oslo.middleware's filter, and no other.";
    WrongStart "DU018" "a way of starting Glance that its release does not have"
        "The process does not start, or prints an error and ends; nothing answers the browser.";
    SwiftExpiry "DU019" "Swift re-authentication that is silently off"
        "A token that expires during a long upload or download ends it with 401, unless the store re-authenticates with a trust. Some glance_store releases silently leave that off.";
    OptionsFiltered "DU020" "OPTIONS does not reach the CORS filter"
        "A preflight has no token and no cookie. If something in front of the CORS filter requires a login, forbids OPTIONS or answers it itself, the browser refuses the request.";
    ImportBypassed "DU021" "import plugins that direct uploads bypass"
        "Horizon's PUT of the data is not an interoperable import: conversion, metadata injection and scanning by import plugins are not applied to it.";
    ChunkedLimit "DU022" "legacy uploads that uWSGI refuses"
        "In legacy mode Horizon sends the image in chunks of 1 MiB, more than uWSGI takes by default (chunked-input-limit); the image stays queued. Direct uploads are not chunked and work; after a change back to legacy, they fail again.";
    LocalNetwork "DU023" "a Glance on a less public address than the dashboard"
        "A page that comes from a public address may connect to a private or loopback one only if the user allows it: browsers (Chrome since 142) ask once, and refuse in an insecure context. Most users see a network error, and the image stays queued.";
    NoCredentials "DU024" "credentials are not allowed"
        "Horizon's Django image panel sends its upload with credentials. Browsers let such a request through only if the answers to the preflight and to the upload carry Access-Control-Allow-Credentials: true; with allow_credentials = False Glance sends none.";
    TokenLogged "DU025" "an access log that keeps users' tokens"
        "An upload carries the user's Keystone token in X-Auth-Token. A log with that header contains tokens. Anyone who reads it can act as those users until their tokens expire.";
    NoStore "DU026" "a store that takes no images"
        "Glance puts the data of each upload into its default store. A store of type http can only read. If the default store is none of the enabled ones, Glance does not start.";
    SwiftSegments "DU027" "large images fail in a Swift store"
        "Glance stores large images in Swift in segments. glance_store 5.0.0 to 5.7.0 (2025.2 to 2026.2) announce the last segment longer than it is. Swift waits for a rest that never comes, Glance answers 500, and the image is queued again. Browsers announce an upload's size, so their large uploads fail; legacy mode does not announce it, and works.";
}

impl Rule {
    /// The runbook's entry: symptom, cause, how to see it, fix for each layout. Comments are for the tests
    /// of the documentation and are removed.
    pub fn runbook(self) -> String {
        let mut pieces = self.page_text().split("<!--");
        let mut entry = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let rest = piece.split_once("-->").map_or("", |(_, rest)| rest);
            entry.truncate(entry.trim_end().len());
            entry.push_str(rest);
        }
        entry
    }

    /// The path of the entry in the documentation.
    pub fn page(self) -> String {
        format!("docs/runbook/{}.md", self.id())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// A text that names no rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a rule; the rules are {first} to {last}", first = Rule::ALL[0], last = Rule::ALL[Rule::ALL.len() - 1])]
pub struct UnknownRule(String);

impl FromStr for Rule {
    type Err = UnknownRule;
    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        let found = Self::ALL.iter().find(|rule| rule.id().eq_ignore_ascii_case(text));
        found.copied().ok_or_else(|| UnknownRule(text.to_owned()))
    }
}

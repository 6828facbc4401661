//! What oslo.middleware's CORS filter makes of an API's files: its options, or why the service does not start.
//!
//! A test compares it with the real oslo.config, oslo.middleware and PasteDeploy
//! (tests/check/rules/cors_oracle.rs).

use std::fmt;

use direct_upload_api::{CorsKey, CorsKind, CorsOption};
use direct_upload_core::openstack::swift::integer;
use direct_upload_core::render::oslo::read;

use super::api::{ApiFacts, Setting};
use super::glance::GlanceFacts;
use super::paste::Filter;

/// The final state of the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It runs with these options.
    Runs(FilterOptions),
    /// The service does not start: place and reason.
    Refuses(Setting, OptionError),
    /// It depends on options that are not seen.
    Unknown,
}

/// Why oslo.config refuses a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionError {
    NoFlag,
    NoNumber,
    /// A name after a dollar sign leads back to its own value.
    OwnValue(String),
    /// A name after a dollar sign is no option.
    NoOption(String),
}

impl OptionError {
    /// Whether a name after a dollar sign is the cause.
    pub fn is_of_name(&self) -> bool {
        matches!(self, Self::OwnValue(_) | Self::NoOption(_))
    }
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFlag => f.write_str("it is neither true nor false"),
            Self::NoNumber => f.write_str("it is not a whole number"),
            Self::OwnValue(name) => write!(f, "${name} is in its own value"),
            Self::NoOption(name) => {
                write!(f, "${name} names no option that the CORS filter knows; a dollar sign is written $$")
            }
        }
    }
}

/// `[cors]` in the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterOptions {
    pub allowed_origin: Vec<String>,
    pub allow_methods: Vec<String>,
    pub allow_headers: Vec<String>,
    pub allow_credentials: bool,
    /// 0: no header.
    pub max_age: i128,
}

/// The CORS headers of a granted preflight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    pub origin: String,
    pub credentials: bool,
    pub max_age: Option<String>,
    pub method: String,
    pub headers: Option<String>,
}

/// Glance's answer to a preflight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreflightAnswer {
    /// Nothing, because it does not start.
    None,
    /// With these CORS headers, if any.
    Of(Option<Granted>),
    /// It depends on what is not seen.
    Unknown,
}

/// The answer to a preflight, if Glance itself decides it.
pub fn answer(glance: &GlanceFacts<'_>, origin: &str, method: &str, headers: &[&str]) -> PreflightAnswer {
    if glance.has_broken_file() {
        return PreflightAnswer::None;
    }
    let mut behind_login = false;
    match &glance.pipeline {
        Some(Err(_)) => return PreflightAnswer::None,
        Some(Ok(pipeline)) => {
            let Some(at) = pipeline.filters.iter().position(Filter::is_cors) else {
                let foreign = pipeline.filters.iter().any(Filter::is_foreign_cors);
                return if foreign { PreflightAnswer::Unknown } else { PreflightAnswer::Of(None) };
            };
            if pipeline.filters[at].lacks_source() {
                return PreflightAnswer::None;
            }
            behind_login = pipeline.filters[..at].iter().any(|f| f.asks_for_token() && !glance.is_delayed(f));
        }
        None => {}
    }
    if glance.lacks_config_file().is_some() {
        return PreflightAnswer::Unknown;
    }
    match &glance.reading {
        Reading::Refuses(..) => PreflightAnswer::None,
        Reading::Unknown => PreflightAnswer::Unknown,
        Reading::Runs(_) if behind_login => PreflightAnswer::Of(None),
        Reading::Runs(options) => PreflightAnswer::Of(options.preflight(origin, method, headers)),
    }
}

/// Headers that need no grant.
const SIMPLE: [&str; 8] = [
    "accept",
    "accept-language",
    "content-type",
    "cache-control",
    "content-language",
    "expires",
    "last-modified",
    "pragma",
];

impl FilterOptions {
    /// The answer to a preflight; none without a CORS header.
    pub fn preflight(&self, origin: &str, method: &str, headers: &[&str]) -> Option<Granted> {
        let any = || self.allowed_origin.iter().any(|o| o == "*").then_some("*");
        let origin = self.allowed_origin.iter().find(|o| *o == origin).map(String::as_str).or_else(any)?;
        let allowed = |name: &&str| {
            let listed = self.allow_headers.iter().any(|h| h.to_uppercase() == name.to_uppercase());
            listed || SIMPLE.iter().any(|simple| simple.eq_ignore_ascii_case(name))
        };
        (self.allow_methods.iter().any(|m| m == method) && headers.iter().all(allowed)).then(|| Granted {
            origin: origin.to_owned(),
            credentials: self.allow_credentials,
            max_age: (self.max_age != 0).then(|| self.max_age.to_string()),
            method: method.to_owned(),
            headers: (!headers.is_empty()).then(|| headers.join(",")),
        })
    }
}

/// Why a value is unknown.
enum NoValue {
    Refused(Box<(Setting, OptionError)>),
    Unknown,
}

impl NoValue {
    fn refused(setting: Setting, why: OptionError) -> Self {
        Self::Refused(Box::new((setting, why)))
    }
}

/// Reads what the filter of an API reads.
pub fn reading(api: &ApiFacts<'_>) -> Reading {
    match options(api) {
        Ok(options) => Reading::Runs(options),
        Err(NoValue::Refused(refused)) => {
            let (setting, why) = *refused;
            Reading::Refuses(setting, why)
        }
        Err(NoValue::Unknown) => Reading::Unknown,
    }
}

fn options(api: &ApiFacts<'_>) -> Result<FilterOptions, NoValue> {
    // In the filter's own order: the service's log shows the first failure.
    let allowed_origin = list(api, &CorsOption::ALLOWED_ORIGIN)?;
    let allow_credentials = flag(api, &CorsOption::ALLOW_CREDENTIALS)?;
    list(api, &CorsOption::EXPOSE_HEADERS)?;
    let max_age = number(api, &CorsOption::MAX_AGE)?.unwrap_or_default();
    let allow_methods = list(api, &CorsOption::ALLOW_METHODS)?;
    let allow_headers = list(api, &CorsOption::ALLOW_HEADERS)?;
    Ok(FilterOptions { allowed_origin, allow_methods, allow_headers, allow_credentials, max_age })
}

/// The service's own list. What the operator writes into Glance's also has what Horizon sends.
fn default_list(api: &ApiFacts<'_>, option: &CorsOption) -> Vec<&'static str> {
    let Some(service) = api.service else { return Vec::new() };
    let ours = |name: &&str| {
        service.takes_uploads()
            && option.key == CorsKey::AllowHeaders
            && matches!(*name, "Content-Type" | "X-CSRFToken")
    };
    service.defaults(option.key).iter().copied().filter(|name| !ours(name)).collect()
}

/// One option's setting. A file's text is substituted before it is read, the paste file's afterwards.
fn list(api: &ApiFacts<'_>, option: &CorsOption) -> Result<Vec<String>, NoValue> {
    let Some(setting) = api.cors_in_effect(option.name) else {
        return Ok(default_list(api, option).into_iter().map(str::to_owned).collect());
    };
    if !setting.in_paste {
        return Ok(items(&text(api, &setting, option)?));
    }
    items(&setting.value).into_iter().map(|item| substituted(api, &setting, &item, &[option.name])).collect()
}

/// `ListOpt`.
fn items(value: &str) -> Vec<String> {
    let value = value.trim().trim_end_matches(',');
    if value.is_empty() { Vec::new() } else { value.split(',').map(|item| item.trim().to_owned()).collect() }
}

/// `BoolOpt`.
fn flag(api: &ApiFacts<'_>, option: &CorsOption) -> Result<bool, NoValue> {
    let Some(setting) = api.cors_in_effect(option.name) else {
        return Ok(matches!(option.kind, CorsKind::Flag(true)));
    };
    let text = text(api, &setting, option)?;
    match text.to_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(true),
        "false" | "0" | "off" | "no" => Ok(false),
        _ => Err(NoValue::refused(setting, OptionError::NoFlag)),
    }
}

/// `IntOpt`: Python's `int()`, or none for an empty text.
fn number(api: &ApiFacts<'_>, option: &CorsOption) -> Result<Option<i128>, NoValue> {
    let Some(setting) = api.cors_in_effect(option.name) else {
        return Ok(if let CorsKind::Number(default) = option.kind { Some(default.into()) } else { None });
    };
    let text = text(api, &setting, option)?;
    let digits = text.trim();
    if digits.is_empty() {
        return Ok(None);
    }
    integer(digits).map(Some).ok_or_else(|| NoValue::refused(setting, OptionError::NoNumber))
}

/// The text that becomes a number or a flag. A value of the paste file is converted before it is
/// substituted.
fn text(api: &ApiFacts<'_>, setting: &Setting, option: &CorsOption) -> Result<String, NoValue> {
    if setting.in_paste {
        return Ok(setting.value.clone());
    }
    substituted(api, setting, &setting.value, &[option.name])
}

fn substituted(api: &ApiFacts<'_>, setting: &Setting, value: &str, within: &[&str]) -> Result<String, NoValue> {
    read::substituted(value, |name| behind(api, setting, name, within))
}

/// The value of `$name`.
fn behind(api: &ApiFacts<'_>, setting: &Setting, name: &str, within: &[&str]) -> Result<String, NoValue> {
    let refused = |why| Err(NoValue::refused(setting.clone(), why));
    let own = match name.split_once('.') {
        Some(("cors", own)) => Some(own),
        Some(_) => None,
        // The paste file's settings are looked up outside of [cors].
        None => (!setting.in_paste).then_some(name),
    };
    if let Some(own) = own.filter(|own| within.contains(own)) {
        return refused(OptionError::OwnValue(own.to_owned()));
    }
    let within = own.into_iter().chain(within.iter().copied()).collect::<Vec<_>>();
    if let Some(option) = own.and_then(CorsOption::named) {
        return match option.kind {
            CorsKind::Flag(_) => flag(api, option).map(|flag| if flag { "True" } else { "False" }.to_owned()),
            CorsKind::Number(_) => number(api, option).map(|n| n.map_or_else(String::new, |n| n.to_string())),
            CorsKind::Origins | CorsKind::Methods | CorsKind::Headers => {
                let Some(other) = api.cors_in_effect(option.name) else {
                    let default = default_list(api, option);
                    return Ok(if default.is_empty() { String::new() } else { python_list(&default) });
                };
                let items = items(&substituted(api, &other, &other.value, &within)?);
                Ok(python_list(&items))
            }
        };
    }
    match name {
        "config_file" | "config_dir" | "config_source" => Err(NoValue::Unknown),
        // The process's own configuration has all of the service's options.
        _ if api.filter.project.is_none() => Err(NoValue::Unknown),
        _ => refused(OptionError::NoOption(name.to_owned())),
    }
}

/// Python's `str()` of a list of texts.
fn python_list<T: AsRef<str>>(items: &[T]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("'{}'", item.as_ref())).collect();
    format!("[{}]", quoted.join(", "))
}

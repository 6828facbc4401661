//! Values of the options of `[cors]`, as a resource states them.

use std::collections::BTreeMap;

use crate::{ApiCors, GlanceCors};

/// The value of an option of `[cors]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsValue {
    /// Names of headers or methods.
    List(Vec<String>),
    Flag(bool),
    /// Seconds.
    Number(u32),
}

/// Options of `[cors]` by name, except `allowed_origin`. Only those that the resource sets.
pub type CorsValues = BTreeMap<&'static str, CorsValue>;

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
        ("allow_headers", list(allow)),
        ("expose_headers", list(expose)),
        ("allow_credentials", credentials.map(CorsValue::Flag)),
        ("max_age", seconds.map(CorsValue::Number)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

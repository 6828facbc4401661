//! Traefik's entry points cut a request, its body too, after `transport.respondingTimeouts.readTimeout`: 60 s unless it
//! is written, since v2.11.2 and v3.0 (Traefik's migration notes; canonical/traefik-k8s-operator#719).
//!
//! In: Traefik's container, or the values of its file. Out: its entry points, and whether one cuts uploads.

use serde_json::Value;

use super::{quantity, tolerance};

pub use crate::manifests::unwatched::traefiks_container as container;

/// The option, below an entry point.
pub const OPTION: [&str; 3] = ["transport", "respondingTimeouts", "readTimeout"];

const DEFAULT: u64 = 60_000;

/// What arguments state of an entry point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedEntryPoint<'a> {
    /// In lower case.
    pub name: String,
    /// `:8443/tcp`.
    pub address: &'a str,
    pub read_timeout: Option<&'a str>,
}

/// A timeout that cuts uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Whether it cuts many. Otherwise only long ones.
    pub fails: bool,
    /// The value, or that it is missing.
    pub said: String,
}

/// The option with the name of its entry point.
pub fn option(entry_point: &str) -> String {
    format!("entryPoints.{entry_point}.{}", OPTION.join("."))
}

/// `--name=value`, with the name in lower case as Traefik compares it.
pub fn arguments(container: &Value) -> Vec<(String, &str)> {
    let lists = ["command", "args"].into_iter().flat_map(|field| container[field].as_array().into_iter().flatten());
    lists
        .filter_map(|word| word.as_str()?.trim_start_matches('-').split_once('='))
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect()
}

/// The entry points that arguments state.
pub fn entry_points<'a>(arguments: &[(String, &'a str)]) -> Vec<StatedEntryPoint<'a>> {
    let name = |option: &str| Some(option.strip_prefix("entrypoints.")?.strip_suffix(".address")?.to_owned());
    let entry_point = |(option, address): &(String, &'a str)| {
        let name = name(option)?;
        let timeout = self::option(&name).to_lowercase();
        let read_timeout = arguments.iter().rfind(|(own, _)| *own == timeout).map(|(_, value)| *value);
        Some(StatedEntryPoint { name, address, read_timeout })
    };
    arguments.iter().filter_map(entry_point).collect()
}

/// Whether an entry point may carry uploads, where no route names one.
pub fn is_usual(entry_point: &str) -> bool {
    !matches!(entry_point, "traefik" | "metrics" | "web")
}

/// What a timeout does to uploads: nothing if it is long enough, or none. Without an image the release is a new one.
pub fn cut(written: Option<&str>, image: &str) -> Option<Cut> {
    let time = match written {
        Some(text) => quantity::milliseconds(text, 1000)?,
        None if had_no_limit(image) => return None,
        None => DEFAULT,
    };
    let said = written.map_or_else(|| "is missing, so it is 60s".to_owned(), str::to_owned);
    tolerance::whole_fails(time).map(|fails| Cut { fails, said })
}

/// Releases before v2.11.2 had no limit.
fn had_no_limit(image: &str) -> bool {
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag).trim_start_matches('v');
    let numbers: Vec<u32> = tag.split(['.', '-']).map_while(|part| part.parse().ok()).collect();
    matches!(numbers.as_slice(), [2, minor, rest @ ..] if *minor < 11 || (*minor == 11 && rest.first().is_some_and(|patch| *patch < 2)))
}

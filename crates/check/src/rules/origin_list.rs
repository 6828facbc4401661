//! A list of origins: which of its entries browsers send, and what to write instead of the others.

use std::collections::BTreeSet;

use direct_upload_api::web::{Origin, OriginError};
use direct_upload_api::{Rule, Severity};

use crate::facts::cloud::{Cloud, ExposedDashboard};
use crate::facts::listen::Listen;
use crate::finding::{Finding, Location};
use crate::unit::Program;

/// The option of `[cors]`.
pub(crate) const ORIGINS: &str = "allowed_origin";

/// A list of origins in one place.
pub(crate) struct Listed<'a> {
    pub option: &'a str,
    pub items: &'a [String],
    pub place: &'a Location,
}

pub(crate) fn entry(
    item: &str,
    entries: &BTreeSet<String>,
    listed: &Listed<'_>,
    known: Option<&str>,
    severity: Severity,
) -> Option<Finding> {
    let place = listed.place;
    if item == "*" || item.eq_ignore_ascii_case("null") {
        let found = format!("{} holds {item:?}", listed.option);
        return Some(Finding::warning(Rule::AnyOrigin, place, found, listed.exact(known)));
    }
    let shown = shown(item);
    let found = match Origin::parse(item) {
        Ok(origin) if origin.as_str() == item => return None,
        Ok(origin) => format!("{shown}, which browsers write {origin}"),
        Err(_) if item.is_empty() => return None,
        Err(OriginError::Wildcard(_)) => {
            format!("{shown} is a pattern, but the CORS filter compares only exact origins")
        }
        Err(_) if item.contains(" #") => format!("{shown}: a comment after a value is part of the value"),
        Err(_) if item.contains(';') || item.split_whitespace().count() > 1 => {
            format!("{shown}: entries are separated by commas")
        }
        Err(_) if item.contains(['[', ']', '"', '\'']) => {
            format!("{shown}: brackets and quotes become part of the value")
        }
        Err(_) => format!("{shown} is not an origin"),
    };
    let meant: Vec<String> = meant(item).iter().map(Origin::to_string).collect();
    let of_pattern = || known.filter(|_| item.contains('*')).map(str::to_owned);
    let canonical = (!meant.is_empty()).then(|| meant.join(",")).or_else(of_pattern);
    let harmless = canonical.as_ref().is_some_and(|origin| entries.contains(origin));
    // openstack-helm writes it for everyone, and nothing needs to be done.
    let with_port = |origin: &String| [":443", ":80"].iter().any(|port| *item == format!("{origin}{port}"));
    if harmless && canonical.as_ref().is_some_and(with_port) {
        return None;
    }
    let fix = match &canonical {
        Some(origin) if harmless => {
            format!("no change is necessary, because {origin} is there, too; or remove the entry")
        }
        Some(origin) => format!("write {origin}"),
        None => {
            "write scheme://host[:port] exactly as the browser's address bar has it, several separated by commas".into()
        }
    };
    Some(Finding::new(Rule::OriginForm, if harmless { Severity::Note } else { severity }, place, found, fix))
}

impl Listed<'_> {
    /// The list without the entry that allows every site.
    pub fn exact(&self, known: Option<&str>) -> String {
        let kept = self.items.iter().filter(|item| Origin::parse(item).is_ok_and(|o| o.as_str() == *item));
        let mut listed: Vec<&str> = kept.map(String::as_str).collect();
        if let Some(known) = known.filter(|known| !listed.contains(known)) {
            listed.push(known);
        }
        if listed.is_empty() {
            "list the dashboards' exact origins, such as https://horizon.example.com".to_owned()
        } else {
            format!("{} = {} (list each dashboard's exact origin)", self.option, listed.join(","))
        }
    }
}

/// The origins from which browsers load the dashboard, if the input shows them.
pub(crate) fn known_origin(cloud: &Cloud<'_>, scope: &[String]) -> Option<String> {
    let edges = cloud.edges(scope, Program::Horizon);
    let of = |d: &ExposedDashboard| {
        let at_edge = || origins_at(&d.host, &edges)?.into_iter().next();
        Some(d.origin.clone().or_else(at_edge)?.to_string())
    };
    let known = cloud.dashboards_near(scope).find_map(of);
    known.or_else(|| cloud.dashboards_near(scope).next().map(|d| format!("https://{}", d.host)))
}

/// An entry up to its first space; anything may follow.
fn shown(item: &str) -> String {
    match item.split_once(char::is_whitespace) {
        Some((first, _)) => format!("{:?}", format!("{first} …")),
        None => format!("{item:?}"),
    }
}

/// The origins in a wrong entry: too long, without scheme, or several in one.
pub(super) fn meant(item: &str) -> Vec<Origin> {
    let item = item.split(" #").next().unwrap_or_default();
    let words = item.split(|c: char| c.is_whitespace() || "[](){}<>\"'#;".contains(c)).filter(|word| !word.is_empty());
    let of = |text: &str| {
        let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        Origin::parse(&url.origin().ascii_serialization()).ok()
    };
    let found: Vec<Origin> = words.clone().filter_map(of).collect();
    let bare = words.filter(|word| !word.contains("://")).filter_map(|word| of(&format!("https://{word}")));
    if found.is_empty() { bare.take(1).collect() } else { found }
}

/// The origins under which browsers know a host, if TLS ends at a server that is seen. A server without TLS
/// may have another scheme and port in front of it.
pub(super) fn origins_at(host: &str, edges: &[&Listen]) -> Option<Vec<Origin>> {
    let secure: Vec<&&Listen> = edges.iter().filter(|listen| listen.tls == Some(true)).collect();
    let of = |listen: &&&Listen| {
        Origin::parse(&match listen.port? {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        })
        .ok()
    };
    let origins: Option<Vec<Origin>> = secure.iter().map(of).collect();
    origins.filter(|origins| !origins.is_empty())
}

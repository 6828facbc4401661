//! An issue of an exposing object or of a policy, and what all readers of their fields share.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;
use direct_upload_api::{Rule, Severity};

use super::{quantity, tolerance};
use crate::model::{Advice, FieldPath, Id};
use crate::openstack::upload::HEADERS;

/// One thing that stops uploads, or may.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExposureIssue {
    pub rule: Rule,
    /// Uploads fail because of it. Otherwise only large or slow ones may fail, or only a person can know.
    pub fails: bool,
    /// Somebody wrote it. Otherwise it is a default of the gateway.
    pub written: bool,
    pub object: Id,
    /// The field in the object.
    pub field: FieldPath,
    /// What is there, and its effect.
    pub found: String,
    /// What to write instead.
    pub fix: String,
    /// The annotation and its value, if that alone fixes it.
    pub remedy: Option<(String, &'static str)>,
    /// A manifest that lifts the limit.
    pub manifest: Option<String>,
    /// What the gateway's own grant lacks: origins, headers, `PUT`.
    pub lacks: Vec<String>,
}

impl ExposureIssue {
    /// How bad it is. `wanted`: some dashboard asks for uploads through the object.
    pub fn severity(&self, wanted: bool) -> Severity {
        match self.fails && wanted {
            true => Severity::Error,
            // A gateway's default body limit refuses nearly every image; its default timeout is enough for most.
            false if !self.written && self.rule != Rule::BodyLimit => Severity::Note,
            false => Severity::Warning,
        }
    }

    /// Whether advice is about it.
    pub fn is_told_by(&self, advice: &Advice) -> bool {
        advice.rule == Some(self.rule)
            && advice.object == Some(self.object.clone().into())
            && advice.field == Some(self.field.clone().into())
    }

    /// What a person should know about it. `wanted`: as in [`severity`](Self::severity).
    pub fn advice(&self, wanted: bool) -> Advice {
        let Self { rule, object, field, found, fix, manifest, .. } = self;
        let lifting = manifest.iter().map(|manifest| format!("; as a manifest: {manifest}"));
        let fix = [fix.clone()].into_iter().chain(lifting).collect::<String>();
        let advice = Advice::new(found).rule(*rule).object(object.clone()).field(field.clone()).fix(fix);
        advice.severity(self.severity(wanted))
    }
}

/// The annotations of one object.
pub(super) struct Annotations<'a> {
    pub object: Id,
    pub all: &'a BTreeMap<String, String>,
}

impl Annotations<'_> {
    /// An empty value is none to the controllers (ingress-nginx, `GetStringAnnotation`).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub fn any(&self, prefix: &str) -> bool {
        self.all.keys().any(|name| name.starts_with(prefix))
    }

    pub fn issue(&self, rule: Rule, fails: bool, name: &str, found: String, fix: &str) -> ExposureIssue {
        let field = FieldPath::of_annotation(name);
        let (object, fix, remedy, manifest) = (self.object.clone(), fix.to_owned(), None, None);
        let written = self.get(name).is_some();
        ExposureIssue { rule, fails, written, object, field, found, fix, remedy, manifest, lacks: Vec::new() }
    }

    /// An issue that disappears when the annotation has this value.
    pub(super) fn mendable(
        &self,
        rule: Rule,
        fails: bool,
        name: &str,
        found: String,
        value: &'static str,
    ) -> ExposureIssue {
        let issue = self.issue(rule, fails, name, found, &format!("set {value:?}"));
        ExposureIssue { remedy: Some((name.to_owned(), value)), ..issue }
    }

    /// A limit of the body's size; `default` applies if nothing is written.
    pub fn body(&self, name: &str, default: Option<&str>) -> Option<ExposureIssue> {
        let written = self.get(name);
        let limit = written.or(default)?;
        let bytes = quantity::bytes(limit)?;
        let fails = tolerance::body_fails(bytes)?;
        let certain = fails && written.is_some();
        let found = match written {
            Some(limit) => format!("{limit:?} refuses larger images with 413"),
            None => format!(
                "is missing, so the controller's own limit applies (usually {limit}), which refuses images with 413"
            ),
        };
        (bytes > 0).then(|| self.mendable(Rule::BodyLimit, certain, name, found, "0"))
    }

    /// How long the proxy waits in silence.
    pub fn silence(&self, name: &str, default: &str, value: &'static str) -> Option<ExposureIssue> {
        let written = self.get(name);
        let time = written.unwrap_or(default);
        let found = match written {
            Some(_) => format!("{time:?}"),
            None => format!("is missing, so it is usually {time}"),
        };
        let found =
            format!("{found}: a silence of this length cuts the upload, for example while Glance stores the last part");
        quantity::milliseconds(time, 1000)
            .filter(|time| (1..tolerance::PATIENT).contains(time))
            .map(|_| self.mendable(Rule::TooSlow, false, name, found, value))
    }
}

/// What is missing in a grant that something other than Glance gives. An entry for origins may be `*` or
/// contain one.
pub fn lacks(listed_origins: &[&str], listed_headers: &[&str], origins: &BTreeSet<&Origin>) -> Vec<String> {
    let is_in = |origin: &str, entry: &str| match entry.split_once('*') {
        _ if entry == "*" => true,
        Some((head, tail)) => {
            origin.len() > head.len() + tail.len() && origin.starts_with(head) && origin.ends_with(tail)
        }
        None => entry == origin,
    };
    let unnamed = |origin: &&&Origin| !listed_origins.iter().any(|entry| is_in(origin.as_str(), entry.trim()));
    let missing = |name: &&str| !listed_headers.iter().any(|l| l.trim() == "*" || l.trim().eq_ignore_ascii_case(name));
    let origins = origins.iter().filter(unnamed).map(ToString::to_string);
    origins.chain(HEADERS.into_iter().filter(missing).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("*", true)]
    #[case("https://*.example.com", true)]
    #[case("https://horizon.example.com", true)]
    #[case("https://horizon.example.com/", false)]
    #[case("http://*.example.com", false)]
    #[case("https://*.horizon.example.com", false)]
    fn origins(#[case] entry: &str, #[case] named: bool) {
        let origin = Origin::parse("https://horizon.example.com").unwrap();
        assert_eq!(lacks(&[entry], &["*"], &BTreeSet::from([&origin])).is_empty(), named);
    }

    #[test]
    fn headers() {
        let none = BTreeSet::new();
        assert_eq!(lacks(&[], &["X-Auth-Token", " Content-Type"], &none), ["x-csrftoken"]);
        assert!(lacks(&[], &["x-auth-token", "content-type", "X-CSRFToken"], &none).is_empty());
    }
}

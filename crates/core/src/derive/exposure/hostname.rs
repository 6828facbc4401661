//! Host names as Gateway API matches them: exact, `*.` for any number of labels, or none for all.

use std::fmt;

/// What a listener or a route is for. The order is that of preference: exact beats wildcard, and a
/// longer wildcard a shorter one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hostname {
    /// All hosts.
    Any,
    /// The length of the suffix, and the suffix with its dot: one label or more before it.
    Wildcard(usize, String),
    Exact(String),
}

impl Hostname {
    /// Reads the value in a manifest; nothing means all.
    pub fn parse(text: Option<&str>) -> Self {
        let text = text.unwrap_or_default().to_ascii_lowercase();
        match text.strip_prefix('*') {
            _ if text.is_empty() => Self::Any,
            Some(suffix) => Self::Wildcard(suffix.len(), suffix.to_owned()),
            None => Self::Exact(text),
        }
    }

    /// The hosts that match both.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        let both = match (self, other) {
            (Self::Any, host) | (host, Self::Any) => host,
            (Self::Exact(a), Self::Exact(b)) => return (a == b).then(|| self.clone()),
            (exact @ Self::Exact(host), Self::Wildcard(_, suffix))
            | (Self::Wildcard(_, suffix), exact @ Self::Exact(host)) => {
                return (host.len() > suffix.len() && host.ends_with(suffix.as_str())).then(|| exact.clone());
            }
            (Self::Wildcard(_, a), Self::Wildcard(_, b)) if a.ends_with(b.as_str()) => self,
            (Self::Wildcard(_, a), Self::Wildcard(_, b)) if b.ends_with(a.as_str()) => other,
            (Self::Wildcard(..), Self::Wildcard(..)) => return None,
        };
        Some(both.clone())
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Wildcard(_, suffix) => write!(f, "*{suffix}"),
            Self::Exact(host) => f.write_str(host),
        }
    }
}

/// The host names of a route that a listener also has.
pub(crate) fn meeting(listener: &Hostname, route: &[String]) -> Vec<Hostname> {
    if route.is_empty() {
        return vec![listener.clone()];
    }
    route.iter().filter_map(|host| listener.meet(&Hostname::parse(Some(host)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    // Gateway API's own examples and conformance cases.
    #[case::no_names(None, &[], &["*"])]
    #[case::listener_alone(Some("very.specific.com"), &[], &["very.specific.com"])]
    #[case::route_alone(None, &["a.example.com", "*.b.example.com"], &["a.example.com", "*.b.example.com"])]
    #[case::same(Some("very.specific.com"), &["non.matching.com", "very.specific.com"], &["very.specific.com"])]
    #[case::wildcard_listener(Some("*.wildcard.io"), &["foo.wildcard.io", "bar.wildcard.io", "foo.bar.wildcard.io", "wildcard.io"],
        &["foo.wildcard.io", "bar.wildcard.io", "foo.bar.wildcard.io"])]
    #[case::wildcard_route(Some("very.specific.com"), &["*.specific.com", "*.com"], &["very.specific.com", "very.specific.com"])]
    #[case::wildcard_route_deep(Some("a.very.specific.com"), &["*.specific.com"], &["a.very.specific.com"])]
    #[case::wildcard_not_itself(Some("specific.com"), &["*.specific.com"], &[])]
    #[case::both_wildcards(Some("*.anotherwildcard.io"), &["*.anotherwildcard.io"], &["*.anotherwildcard.io"])]
    #[case::narrower_route(Some("*.example.com"), &["*.foo.example.com"], &["*.foo.example.com"])]
    #[case::narrower_listener(Some("*.foo.example.com"), &["*.example.com"], &["*.foo.example.com"])]
    #[case::apart(Some("*.foo.example.com"), &["*.bar.example.com", "xfoo.example.com"], &[])]
    #[case::no_dot(Some("*.example.com"), &["notexample.com"], &[])]
    #[case::case_does_not_matter(Some("Very.Specific.com"), &["very.specific.COM"], &["very.specific.com"])]
    fn intersections(#[case] listener: Option<&str>, #[case] route: &[&str], #[case] expected: &[&str]) {
        let route: Vec<String> = route.iter().map(ToString::to_string).collect();
        let met: Vec<String> = meeting(&Hostname::parse(listener), &route).iter().map(ToString::to_string).collect();
        assert_eq!(met, expected);
    }

    #[test]
    fn preference() {
        let order = [None, Some("*.com"), Some("*.example.com"), Some("a.io")].map(Hostname::parse);
        assert!(order.is_sorted());
    }

    proptest! {
        /// A host is in the intersection if and only if it is in both.
        #[test]
        fn meeting_is_intersection(a in "(\\*\\.)?([ab]\\.){0,2}c", b in "(\\*\\.)?([ab]\\.){0,2}c", host in "([ab]\\.){0,4}c") {
            let (a, b) = (Hostname::parse(Some(&a)), Hostname::parse(Some(&b)));
            let host = Hostname::Exact(host);
            let is_in = |set: &Hostname| set.meet(&host).is_some();
            let both = a.meet(&b);
            prop_assert_eq!(both.as_ref().is_some_and(is_in), is_in(&a) && is_in(&b));
            prop_assert_eq!(both, b.meet(&a));
        }
    }
}

//! Routes to Glance that no published URL means, next to one that takes it: what is wrong there is no error.
//!
//! In: objects, published URLs, and issues. Out: the issues of such routes no longer fail.

use direct_upload_api::web::PublicUrl;

use super::paths::hosts;
use crate::facts::catalog::{Published, UrlSource};
use crate::facts::cloud::PlacedIssue;
use crate::glances::Objects;
use crate::objects::Object;

pub(crate) fn unused(objects: Objects<'_>, published: &[Published], issues: &mut [PlacedIssue]) {
    for own in published.iter().filter(|own| own.source != UrlSource::Exposed) {
        let (Ok(url), [namespace]) = (PublicUrl::parse(&own.url), own.scope.as_slice()) else { continue };
        let host = url.origin().host().to_owned();
        let routes: Vec<(&Object, Vec<String>)> =
            objects.routes_in(namespace).map(|route| (route, hosts(objects, route))).collect();
        let takes = |hosts: &[String], host: &str| {
            hosts.is_empty()
                || hosts.iter().any(|own| own == host || own.strip_prefix('*').is_some_and(|end| host.ends_with(end)))
        };
        // Another published URL may mean the route.
        let is_meant = |hosts: &[String]| {
            let near = published.iter().filter(|other| other.source != UrlSource::Exposed && other.scope == own.scope);
            let mut urls = near.filter_map(|other| PublicUrl::parse(&other.url).ok());
            urls.any(|url| takes(hosts, url.origin().host()))
        };
        if !routes.iter().any(|(_, hosts)| !hosts.is_empty() && takes(hosts, &host)) {
            continue;
        }
        for (route, _) in routes.iter().filter(|(_, hosts)| !is_meant(hosts)) {
            for placed in issues.iter_mut().filter(|placed| route.is(&placed.issue.object)) {
                placed.issue.fails = false;
            }
        }
    }
}

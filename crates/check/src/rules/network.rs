//! DU023: a dashboard on a public address, and a Glance on a local one, where the input has both addresses.
//!
//! Most clouds publish names. What these resolve to is not in files.

use std::net::IpAddr;

use direct_upload_api::Rule;
use direct_upload_api::web::PublicUrl;
use direct_upload_core::judge::CheckVerdict;
use direct_upload_core::judge::address_space;

use crate::facts::catalog::Published;
use crate::facts::cloud::Cloud;
use crate::finding::Finding;

/// Each published address that is less public than that of a dashboard.
pub(crate) fn addresses(cloud: &Cloud<'_>) -> Vec<Finding> {
    cloud.published.iter().filter_map(|published| of_url(cloud, published)).collect()
}

fn of_url(cloud: &Cloud<'_>, published: &Published) -> Option<Finding> {
    let address = |host: &str| host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let glance = address(PublicUrl::parse(&published.url).ok()?.origin().host())?;
    let dashboards = cloud.dashboards_near(&published.scope).filter_map(|dashboard| address(&dashboard.host));
    dashboards.into_iter().find_map(|dashboard| match address_space::judge(&[dashboard], &[glance], false) {
        CheckVerdict::Refused(refused) => {
            let fix = "publish Glance on an address as public as the dashboard's";
            Some(Finding::warning(Rule::LocalNetwork, &published.place, refused.message, fix))
        }
        _ => None,
    })
}

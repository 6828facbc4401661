//! The state of each region, for the status of a Horizon.

use direct_upload_api::{GlanceRef, HorizonStatus, Reason, RegionStatus};
use direct_upload_core::derive::{DestinationView, HorizonView};
use direct_upload_core::model::Problem;
use direct_upload_core::plan::{RegionNews, RegionState, UNPROVEN};

/// `status.regions`; empty if the spec names none.
pub fn status(view: &HorizonView, regions: &[RegionState], before: &HorizonStatus) -> Vec<RegionStatus> {
    let one = |region: &RegionState| {
        let destination = view.proof.destinations.iter().find(|d| d.to.region.as_ref() == Some(&region.name))?;
        let earlier = before.regions.iter().find(|earlier| earlier.name == region.name);
        let news = match (&region.news, earlier) {
            (Some(news), _) => news.clone(),
            // The last result is still valid.
            (None, Some(earlier)) => return Some(earlier.clone()),
            (None, None) => RegionNews { verdict: None, why: Problem::new(Reason::NotVerified, UNPROVEN) },
        };
        Some(RegionStatus {
            name: region.name.clone(),
            glance: glance(destination),
            glance_endpoint: endpoint(destination),
            verdict: news.verdict,
            reason: news.why.reason.to_string(),
            message: news.why.message(),
        })
    };
    regions.iter().filter_map(one).collect()
}

/// `status.glance`.
pub fn glance(destination: &DestinationView) -> Option<GlanceRef> {
    let key = destination.to.key()?;
    Some(GlanceRef { name: key.name.clone(), namespace: Some(key.namespace.clone()) })
}

/// `status.glanceEndpoint`.
pub fn endpoint(destination: &DestinationView) -> Option<String> {
    destination.to.endpoint.as_ref().ok().map(ToString::to_string)
}

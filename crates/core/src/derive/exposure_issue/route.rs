//! Annotations of OpenShift's Routes.

use direct_upload_api::ExposureKind;

use crate::derive::exposure_issue::{Annotations, ExposureIssue};
use crate::model::{Id, Route};

/// Set for the whole router, so not visible here.
const CLIENT: &str =
    "; the router's own client timeout (spec.tuningOptions.clientTimeout of the IngressController, 30 s) must fit too";

pub fn issues(route: &Route) -> Vec<ExposureIssue> {
    let annotations = Annotations {
        object: Id { kind: ExposureKind::Route.to_string(), key: route.meta.key.clone() },
        all: &route.annotations,
    };
    let mut found = annotations.silence("haproxy.router.openshift.io/timeout", "30s", "1h");
    if let Some(issue) = &mut found {
        issue.fix.push_str(CLIENT);
    }
    found.into_iter().collect()
}

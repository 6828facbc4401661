//! Where the operator's requests come from. If the cluster itself answers for an address, browsers may get
//! another answer.

use std::collections::BTreeMap;
use std::net::IpAddr;

use direct_upload_api::web::Endpoint;

use super::horizon::Dashboard;
use super::stage::Joint;
use crate::model::{Key, Snapshot};

/// The addresses of this cluster, each with its owner: those of the watched Services, and those that controllers
/// report in Ingresses and Gateways, which are usually those of their own Services.
pub(super) fn addresses(snapshot: &Snapshot) -> BTreeMap<Key, String> {
    let reported =
        |what: String| format!("the address in the status of {what}, usually one of its controller's Service");
    let ingresses = snapshot.ingresses.all().flat_map(|(key, ingress)| {
        ingress.addresses.iter().map(move |address| (named(*address), reported(format!("Ingress {key}"))))
    });
    let gateways = snapshot.gateways.all().flat_map(|(key, gateway)| {
        gateway.addresses.iter().map(move |address| (named(*address), reported(format!("Gateway {key}"))))
    });
    let services = snapshot.services.all().flat_map(|(key, service)| {
        service.virtual_ips.iter().map(move |address| (named(*address), format!("an address of Service {key}")))
    });
    // If several have it, a Service says most.
    ingresses.chain(gateways).chain(services).collect()
}

fn named(address: IpAddr) -> Key {
    Key::new("", address.to_string())
}

/// What is assumed if such an address answered. The text does not name the address, because another one may answer
/// next time.
pub(super) fn inside(
    addresses: &Joint<String>,
    dashboard: &Dashboard,
    endpoint: &Endpoint,
    address: IpAddr,
) -> Option<String> {
    let whose = addresses.get(&named(address))?;
    let how = format!("{whose}, for which kube-proxy answers inside the cluster, unlike for browsers outside");
    Some(assumed(dashboard, endpoint, &how))
}

/// What is assumed if `spec.directUpload.probe.hostAliases` names the address.
pub(super) fn by_alias(dashboard: &Dashboard, endpoint: &Endpoint, address: IpAddr) -> String {
    assumed(
        dashboard,
        endpoint,
        &format!("{address}, which spec.directUpload.probe.hostAliases names and browsers do not read"),
    )
}

fn assumed(dashboard: &Dashboard, endpoint: &Endpoint, how: &str) -> String {
    let host = endpoint.origin().host();
    let origins = dashboard.origins().unwrap_or_default();
    let origin = origins.first().map_or("ORIGIN", |origin| origin.as_str());
    format!(
        "it is assumed that browsers get the same answer at {host} as the operator at {how}; to check this, run outside the cluster: direct-upload-operator preflight --origin {origin} --url {endpoint}, or verify --dashboard {origin}"
    )
}

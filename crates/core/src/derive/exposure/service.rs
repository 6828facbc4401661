//! Service → URLs. A Service states no scheme, so it counts only if `exposedBy` names it with one.

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{ExposureKind, Scheme};

use super::backends::Backends;
use super::exposing::{Exposures, Notes};
use crate::model::Service;

/// The URLs of a Service of type `LoadBalancer` that belongs to the workload, or of one of type
/// `ExternalName`, which selects no pods and is trusted as it is.
pub fn exposures(service: &Service, scheme: Scheme, port: Option<u16>, backends: &Backends) -> Exposures {
    let mut notes = Notes::new(ExposureKind::Service, &service.meta.key);
    let mut found = Exposures::default();
    let hosts: Vec<&String> = match service.type_.as_str() {
        "ExternalName" => service.external_name.iter().collect(),
        _ if !backends.leads(&service.meta.key.name) => return found,
        "LoadBalancer" => service.addresses.iter().collect(),
        other => {
            let type_ = if other.is_empty() { "ClusterIP" } else { other };
            notes.add(format!("is of type {type_}, which gives browsers outside the cluster no host name"));
            return found.finish(notes, || None);
        }
    };
    if hosts.is_empty() {
        notes.add("has no address yet");
    }
    let https = scheme == Scheme::HTTPS;
    match port.map_or_else(|| only_port(service, https), Ok) {
        Ok(port) => {
            for host in hosts {
                match Origin::from_parts(https, host, Some(port)) {
                    Ok(origin) => found.add(&notes, PublicUrl::with_path(origin, ""), false),
                    Err(why) => notes.add(why),
                }
            }
        }
        Err(ports) => notes.add(format!("has the ports {ports:?}; set port in exposedBy to the one that browsers use")),
    }
    found.finish(notes, || None)
}

/// The scheme's own port if the Service has it or has none, else the only one.
fn only_port(service: &Service, https: bool) -> Result<u16, &[i32]> {
    let default: u16 = if https { 443 } else { 80 };
    match service.ports.as_slice() {
        [] => Ok(default),
        ports if ports.contains(&i32::from(default)) => Ok(default),
        [only] => u16::try_from(*only).map_err(|_| service.ports.as_slice()),
        several => Err(several),
    }
}

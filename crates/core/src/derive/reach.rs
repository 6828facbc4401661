//! How the probe connects: by which addresses, and with which certificate authorities.

use std::collections::BTreeMap;
use std::net::IpAddr;

use direct_upload_api::{HorizonSpec, HostAlias, Reason};

use crate::model::{Cause, Key, Known, Problem, Reach, Snapshot, Unknown};

/// The ConfigMap with certificate authorities that a Horizon names.
pub(super) fn ca(key: &Key, spec: &HorizonSpec) -> Option<Key> {
    let named = spec.direct_upload.probe.ca_config_map.as_ref()?;
    Some(Key::new(key.namespace.clone(), named.name.clone()))
}

/// How to reach what a Horizon asks: by these addresses, and with the certificate authorities of that ConfigMap.
///
/// # Errors
/// Those are unknown.
pub(super) fn reach(
    snapshot: &Snapshot,
    hosts: BTreeMap<String, IpAddr>,
    spec: &HorizonSpec,
    source: Option<&Key>,
) -> Known<Reach> {
    let item = spec.direct_upload.probe.ca_config_map.as_ref().and_then(|c| c.key.as_deref());
    reach_by(snapshot, hosts, source, item)
}

/// By these addresses, and with the certificate authorities of a ConfigMap.
pub(super) fn reach_by(
    snapshot: &Snapshot,
    hosts: BTreeMap<String, IpAddr>,
    source: Option<&Key>,
    item: Option<&str>,
) -> Known<Reach> {
    let Some(source) = source.filter(|_| !snapshot.answers.are_assumed()) else {
        return Ok(Reach { ca: String::new(), hosts });
    };
    let named = item.unwrap_or("ca.crt");
    let missing = |what: &str| Unknown { why: format!("ConfigMap {source} {what}"), pending: false };
    let config_map = snapshot.referenced_config_maps.get_named(source)?.ok_or_else(|| missing("does not exist"))?;
    let ca = config_map.data.get(named).cloned().ok_or_else(|| missing(&format!("has no key {named:?}")))?;
    Ok(Reach { ca, hosts })
}

/// Why nothing was asked: the certificate authorities of a field are not there.
pub(super) fn no_ca(why: String, field: &str) -> Cause {
    Cause {
        rule: None,
        requirement: "certificate".into(),
        message: why,
        received: String::new(),
        fix: format!("put the certificate authorities there, or change {field}"),
    }
}

/// Reads `spec.directUpload.probe.hostAliases`.
///
/// # Errors
/// An address that is invalid.
pub(super) fn hosts(spec: &HorizonSpec) -> Result<BTreeMap<String, IpAddr>, Problem> {
    named_hosts(&spec.direct_upload.probe.host_aliases, "spec.directUpload.probe.hostAliases")
}

/// Reads addresses for host names.
///
/// # Errors
/// An address that is none, with the field's name.
pub(super) fn named_hosts(aliases: &[HostAlias], field: &str) -> Result<BTreeMap<String, IpAddr>, Problem> {
    let mut hosts = BTreeMap::new();
    for alias in aliases {
        let address = alias.ip.parse().map_err(|_| {
            let message = format!("{field}: {:?} is not an IP address", alias.ip);
            Problem::new(Reason::InvalidSpec, message)
        })?;
        for name in &alias.hostnames {
            hosts.entry(name.to_lowercase()).or_insert(address);
        }
    }
    Ok(hosts)
}

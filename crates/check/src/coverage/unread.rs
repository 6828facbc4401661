//! Objects, and annotations of objects, that affect uploads and that nothing here reads.

use crate::glances::Objects;
use crate::objects::{Object, any_text};
use crate::unit::Unit;
use crate::{ingress_class, kinds, names};

/// Prefixes of annotations with which controllers that are not read change requests.
const CONTROLLERS: [&str; 10] = [
    "konghq.com/",
    "haproxy.org/",
    "haproxy-ingress.github.io/",
    "alb.ingress.kubernetes.io/",
    "appgw.ingress.kubernetes.io/",
    "ingress.cilium.io/",
    "k8s.apisix.apache.org/",
    "networking.gke.io/",
    "ingress.pomerium.io/",
    "getambassador.io/",
];

/// What of an object affects uploads, and nothing here reads.
pub(super) fn gaps(objects: Objects<'_>, object: &Object, units: &[Unit]) -> Vec<String> {
    let gaps = [
        unread(object, units),
        foreign_annotations(objects, object),
        ingress_class::unknown(objects, object),
        of_one_nginx(objects, object),
    ];
    gaps.into_iter().flatten().collect()
}

/// Annotations of an Ingress to Glance or the dashboard that nothing here reads.
fn foreign_annotations(objects: Objects<'_>, object: &Object) -> Option<String> {
    let annotations = object.value["metadata"]["annotations"].as_object()?;
    let foreign = |name: &&String| CONTROLLERS.iter().any(|prefix| name.starts_with(prefix));
    let names: Vec<&str> = annotations.keys().filter(foreign).map(String::as_str).collect();
    let about = object.kind() == "Ingress" && concerns(objects, object);
    (about && !names.is_empty())
        .then(|| format!("{}: check does not know what {} does to uploads", object.id(), names.join(", ")))
}

/// Annotations that count for one controller of nginx and not for the other, both of which people call `nginx`.
fn of_one_nginx(objects: Objects<'_>, object: &Object) -> Option<String> {
    let annotations = object.value["metadata"]["annotations"].as_object()?;
    let has = |prefix: &str| annotations.keys().any(|name| name.starts_with(prefix));
    let class = object.value["spec"]["ingressClassName"].as_str()?;
    let known =
        objects.of_kind("IngressClass").any(|o| o.name() == class) || ingress_class::F5.config_map(&objects).is_some();
    let about = object.kind() == "Ingress" && concerns(objects, object);
    (about && has("nginx.org/") && !has("nginx.ingress.kubernetes.io/") && !known).then(|| {
        format!(
            "{}: its annotations of nginx.org count only if class {class} is NGINX's own controller; the IngressClass is not in the input",
            object.id()
        )
    })
}

/// Objects from which other programs make the objects that would have to be read.
const RENDERED: [&str; 4] = ["HelmRelease", "HelmChart", "Application", "OpenStackControlPlane"];

/// An object that affects an upload, but that nothing here reads.
fn unread(object: &Object, units: &[Unit]) -> Option<String> {
    // `derived` names one that leads to a Service of another name.
    let about = || any_text(&object.value["spec"], &names::is_ours) || names::is_ours(object.name());
    let told = |why: &str| Some(format!("{}: {why}", object.id()));
    if RENDERED.contains(&object.kind()) {
        let about = object.kind() == "OpenStackControlPlane" || about();
        return about.then(|| told("what it deploys is not in the input; render it, or use --live")).flatten();
    }
    let near = || {
        units.iter().any(|unit| unit.service().is_some() && unit.scope.iter().any(|scope| scope == object.namespace()))
    };
    // These change whatever passes the proxy.
    let patches = matches!(object.kind(), "EnvoyFilter" | "EnvoyPatchPolicy");
    if !kinds::is_unread(object) || !(about() || patches && near()) {
        return None;
    }
    if kinds::is_old(object) {
        return told(&format!("check does not read {} of this kind", object.api_version()));
    }
    told("check does not read objects of this kind")
}

/// Whether an object names a Service or host of Glance or the dashboard.
fn concerns(objects: Objects<'_>, object: &Object) -> bool {
    objects.leads_to_glance(object) || any_text(&object.value["spec"], &names::is_ours)
}

//! Which controller serves an Ingress: by its class's name, its IngressClass, or the default one.
//!
//! In: objects. Out: Ingresses whose class has the name that the operator's rules know, and those whose controller
//! nothing shows. Controllers as their documentation names them in `spec.controller`.

use std::sync::Arc;

use direct_upload_core::derive::ExposingObject;
use serde_json::Value;

use crate::glances::Objects;
use crate::objects::Object;
use crate::objects::object_set::ObjectSet;

/// A controller of nginx, as its ConfigMap shows it.
pub(crate) struct NginxController {
    /// What the operator's rules call its class.
    pub class: &'static str,
    /// Of its annotations.
    pub prefix: &'static str,
    /// Its Helm chart's label, and usual names of its ConfigMap.
    label: &'static str,
    maps: [&'static str; 2],
    /// Keys of its ConfigMap with nginx's own text: around all servers, in each server, in each location.
    pub snippets: [&'static str; 3],
}

/// The community's (kubernetes.github.io/ingress-nginx, ConfigMaps).
pub(crate) const COMMUNITY: NginxController = NginxController {
    class: "nginx",
    prefix: "nginx.ingress.kubernetes.io/",
    label: "ingress-nginx",
    maps: ["ingress-nginx-controller", "nginx-configuration"],
    snippets: ["http-snippet", "server-snippet", "location-snippet"],
};

/// F5's (docs.nginx.com, NGINX Ingress Controller, ConfigMap resources).
pub(crate) const F5: NginxController = NginxController {
    class: "nginx.org",
    prefix: "nginx.org/",
    label: "nginx-ingress",
    maps: ["nginx-config", "nginx-ingress"],
    snippets: ["http-snippets", "server-snippets", "location-snippets"],
};

impl NginxController {
    /// Its own ConfigMap.
    pub fn config_map<'a>(&self, objects: &'a ObjectSet) -> Option<&'a Object> {
        objects.config_map(&self.maps, self.label)
    }
}

/// A controller's name, and what the operator's rules call its class.
const CONTROLLERS: [(&str, &str); 4] = [
    ("k8s.io/ingress-nginx", COMMUNITY.class),
    ("nginx.org/ingress-controller", F5.class),
    ("traefik.io/ingress-controller", "traefik"),
    ("projectcontour.io/", "contour"),
];

/// The prefixes of the annotations of controllers that are read.
const ANNOTATIONS: [&str; 4] = [COMMUNITY.prefix, F5.prefix, "traefik.ingress.kubernetes.io/", "projectcontour.io/"];

/// The name under which the operator's rules know its controller.
fn known(objects: &ObjectSet, ingress: &Value) -> Option<&'static str> {
    let annotated = ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"].as_str();
    let class = ingress["spec"]["ingressClassName"].as_str().or(annotated);
    let is_default =
        |o: &Object| o.value["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"] == "true";
    let mut classes = objects.of_kind("IngressClass");
    let own = classes.find(|o| class.map_or_else(|| is_default(o), |class| o.name() == class));
    let controller = own.and_then(|own| own.value["spec"]["controller"].as_str());
    let by_controller = |name: &str| CONTROLLERS.iter().find(|(own, _)| name.starts_with(own)).map(|(_, class)| *class);
    let by_name = |class: &str| CONTROLLERS.iter().map(|(_, known)| *known).find(|known| class.contains(known));
    // People call both of nginx's controllers `nginx`.
    let is_f5s = || F5.config_map(objects).is_some() && COMMUNITY.config_map(objects).is_none();
    let by_name =
        |class| by_name(class).map(|known| if known == COMMUNITY.class && is_f5s() { F5.class } else { known });
    controller.and_then(by_controller).or_else(|| by_name(class?))
}

/// The same objects; an Ingress has the class that the rules know.
pub(crate) fn told(objects: &ObjectSet, exposing: &[ExposingObject]) -> Vec<ExposingObject> {
    let of = |own: &ExposingObject| {
        let ExposingObject::Ingress(ingress, others) = own else { return own.clone() };
        let id = own.object();
        let known = objects.of_id(&id).and_then(|o| known(objects, &o.value));
        let has = ingress.class.as_deref().is_some_and(|class| known.is_some_and(|known| class.contains(known)));
        let (Some(known), false) = (known, has) else { return own.clone() };
        let mut ingress = (**ingress).clone();
        ingress.class = Some(known.to_owned());
        ExposingObject::Ingress(Arc::new(ingress), others.clone())
    };
    exposing.iter().map(of).collect()
}

/// An Ingress to Glance whose controller nothing shows: its limits are not seen.
pub(crate) fn unknown(objects: Objects<'_>, object: &Object) -> Option<String> {
    let annotations = object.value["metadata"]["annotations"].as_object();
    let mut names = annotations.into_iter().flatten().map(|(name, _)| name);
    let is_shown = names.any(|name| ANNOTATIONS.iter().any(|prefix| name.starts_with(prefix)));
    let to_glance = object.kind() == "Ingress" && objects.names_glance(object, &object.value["spec"]["rules"]);
    (to_glance && !is_shown && known(&objects, &object.value).is_none()).then(|| {
        let class = object.value["spec"]["ingressClassName"].as_str();
        let which = class.map_or_else(|| "it names no class".to_owned(), |class| format!("its class is {class}"));
        format!(
            "{}: the controller that serves it, and how large and how slow an upload may be there ({which}; the input has no IngressClass of a controller that check knows)",
            object.id()
        )
    })
}

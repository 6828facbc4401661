//! Fields whose effect is in no fragment. The operator gives it to pods in another way, or the tool cannot take it.
//!
//! A test sets each field of the schemas and compares: either a fragment changes, or the field is named here.

use direct_upload_api::{CorsFilter, GlanceServer, GlanceSpec, HorizonSpec, Severity};

use super::contents::{self, Contents};
use super::{Component, Deployer, FragmentInput, LeftOut, LeftOutPart, Spec, ansible};
use crate::model::{FieldPath, PathElement};

const HTTPD: &str = "write the directives of `render -o files` (zz-direct-upload-httpd.conf) into that httpd yourself";

pub fn left_out(deployer: Deployer, source: &FragmentInput<'_>, contents: &Contents) -> Vec<LeftOut> {
    match (source.spec, source.service) {
        (Spec::Glance(spec), _) => glance(deployer, spec, contents),
        (Spec::Horizon(spec), _) => horizon(deployer, spec, source, contents),
        (Spec::Api, Component::Api(service)) if service.filter == CorsFilter::Swift => swift(deployer, contents),
        (Spec::Api, _) => Vec::new(),
    }
}

fn lacks(what: LeftOutPart, fix: impl Into<String>) -> LeftOut {
    LeftOut { what, fix: fix.into(), severity: Severity::Warning }
}

/// A field of the spec, by its names.
fn field(names: &[&str]) -> LeftOutPart {
    LeftOutPart::Fields(vec![spec_field(names)])
}

fn spec_field(names: &[&str]) -> FieldPath {
    names.iter().fold(FieldPath::new(&["spec"]), |path, name| path.field(name))
}

fn glance(deployer: Deployer, spec: &GlanceSpec, contents: &Contents) -> Vec<LeftOut> {
    let mut all = Vec::new();
    if spec.httpd.server != GlanceServer::None {
        let tls = spec.tls.as_ref().is_some_and(|tls| tls.enabled);
        let fields =
            if tls { vec![spec_field(&["httpd"]), spec_field(&["tls"])] } else { vec![spec_field(&["httpd"])] };
        all.push(lacks(LeftOutPart::Fields(fields), format!("if there is an httpd in front of glance-api, {HTTPD}")));
    }
    if deployer != Deployer::Rhoso {
        all.extend(contents.secrets.iter().map(|(store, secret)| {
            lacks(
                LeftOutPart::Fields(vec![spec_field(&["swift"]).then(PathElement::Key(store.clone())).field("credentials")]),
                format!(
                    "write the options in {} of Secret {} (swift_store_auth_address, swift_store_user and swift_store_key) into [{store}] yourself, where your tool keeps secrets",
                    contents::key(secret),
                    secret.secret_name
                ),
            )
        }));
    }
    if spec.image_import.as_ref().is_some_and(|import| import.worker_self_reference.is_some()) {
        let (severity, fix) = worker(deployer);
        all.push(LeftOut { severity, ..lacks(field(&["imageImport", "workerSelfReference"]), fix) });
    }
    if spec.apis.internal.is_some() {
        all.push(lacks(
            field(&["apis", "internal"]),
            "the fragment configures one API; if your tool runs an internal one, configure it by hand",
        ));
    }
    if spec.exposure.manage {
        let fix = "write the settings that uploads need into your tool's own Ingress or Route (docs/exposure.md)";
        all.push(lacks(field(&["exposure", "manage"]), fix));
    }
    if deployer == Deployer::OpenStackAnsible {
        let split = contents.policy.iter().filter(|(_, rule)| ansible::is_split(rule));
        let fix = "config_template makes a list of a text with a comma, which is another rule; write the rule into a file of policy.d yourself";
        all.extend(split.map(|(name, _)| lacks(LeftOutPart::PolicyRule(name.clone()), fix)));
    }
    all
}

/// Who sets `worker_self_reference_url`, a different one for each pod or host: `glance-api.conf.j2` of kolla-ansible
/// and of `os_glance`, and the start script of glance-operator's pods. openstack-helm has no value for it.
fn worker(deployer: Deployer) -> (Severity, String) {
    let fix = match deployer {
        Deployer::OpenStackHelm => {
            let fix = "the chart has no value for it; let all pods share the staging volume, or set the environment variable OS_DEFAULT__WORKER_SELF_REFERENCE_URL in the Deployment yourself";
            return (Severity::Warning, fix.to_owned());
        }
        tool @ (Deployer::KollaAnsible | Deployer::OpenStackAnsible) => {
            format!(
                "{tool} itself sets worker_self_reference_url for each host; check that one host reaches another there"
            )
        }
        Deployer::Rhoso => "glance-operator itself sets worker_self_reference_url for each pod".to_owned(),
    };
    (Severity::Note, fix)
}

fn horizon(deployer: Deployer, spec: &HorizonSpec, source: &FragmentInput<'_>, contents: &Contents) -> Vec<LeftOut> {
    let mut all = Vec::new();
    if let Some(cors) = spec.cors.as_ref().filter(|cors| cors.enabled) {
        let fix = if cors.allowed_origins.is_empty() { "remove it" } else { HTTPD };
        all.push(lacks(field(&["cors"]), fix));
    }
    if let Some(httpd) = &spec.httpd {
        let set = [
            (["httpd", "limitRequestBody"], httpd.limit_request_body.is_some()),
            (["httpd", "timeout"], httpd.timeout.is_some()),
        ];
        all.extend(set.into_iter().filter(|(_, is_set)| *is_set).map(|(names, _)| lacks(field(&names), HTTPD)));
        if let Some(proxy) = &httpd.glance_proxy {
            all.push(lacks(
                field(&["httpd", "glanceProxy"]),
                format!("{HTTPD}; until then, nothing passes {} to Glance, and uploads there fail", proxy.path),
            ));
        }
    }
    let proxied = spec.httpd.as_ref().and_then(|httpd| httpd.glance_proxy.as_ref()).map(|proxy| proxy.path.as_str());
    let own = source.own_paths.iter().filter(|url| contents.direct && proxied != Some(url.path()));
    all.extend(own.map(|url| {
        lacks(
            LeftOutPart::OwnPath((*url).clone()),
            "let the web server or load balancer in front of Horizon pass it to Glance (docs/same-origin.md); until then, uploads fail",
        )
    }));
    if deployer == Deployer::OpenStackAnsible && !contents.python.is_empty() {
        // os_horizon at 6126675, defaults/main.yml.
        let tls = spec.tls_termination.as_ref();
        let takes_header = tls.is_some_and(|tls| tls.forwarded_proto_header.is_some());
        let variables = [
            ("forwardedProtoHeader", "horizon_secure_proxy_ssl_header", takes_header),
            ("trustOrigins", "horizon_ssl_csrf_trusted_origins", tls.is_some_and(|tls| tls.trust_origins)),
            ("allowHosts", "horizon_allowed_hosts", tls.is_some_and(|tls| tls.allow_hosts)),
        ];
        all.extend(variables.into_iter().filter(|(.., is_set)| *is_set).map(|(name, variable, _)| {
            lacks(field(&["tlsTermination", name]), format!("set {variable}, which replaces the role's own value"))
        }));
    }
    all
}

fn swift(deployer: Deployer, contents: &Contents) -> Vec<LeftOut> {
    if deployer != Deployer::KollaAnsible || contents.options.is_empty() {
        return Vec::new();
    }
    let fix = "kolla-ansible deploys no Swift; write the options of `render -o files` into the [DEFAULT] of its proxy yourself";
    vec![lacks(field(&["cors"]), fix)]
}

//! openstack-k8s-operators: an OpenStackControlPlane.
//!
//! Read in openstack-k8s-operators/glance-operator at 65990ce of 2026-08-19: `customServiceConfig` becomes
//! `glance.conf.d/02-config.conf`, after the operator's own `[cors] allowed_origin` in 00-config.conf; an entry of
//! `glanceAPIs` takes the template's only while its own is empty (`internal/controller/glance_controller.go`). And
//! in openstack-k8s-operators/horizon-operator at 1ed6032 of 2026-08-03: Horizon's becomes
//! `local_settings.d/9999_custom_settings.py`, after a local_settings.py that sets `direct`. For the
//! place of both in the control plane, see openstack-k8s-operators/openstack-operator, `config/samples`.

use super::text::{block, comment};
use super::{Contents, Fragment};

/// What a control plane needs to be one.
const CONTROL_PLANE: &str = "apiVersion: core.openstack.org/v1beta1
kind: OpenStackControlPlane
metadata:
  name: openstack-control-plane
spec:
";

pub fn glance(contents: &Contents, next: &[String]) -> Option<Fragment> {
    if contents.options.is_empty() {
        return None;
    }
    let mut lines = vec![
        "RHOSO and openstack-k8s-operators, stage 1 of 2: Glance accepts uploads from the dashboard's pages."
            .to_owned(),
        "Merge this into your OpenStackControlPlane. customServiceConfig is one text: add to your".to_owned(),
        "text, because a patch would replace it. An entry of glanceAPIs with its own customServiceConfig".to_owned(),
        "does not get this one, so add the sections there, too.".to_owned(),
        "The origins replace the operator's own (the Horizon of this namespace), so list all of them.".to_owned(),
    ];
    if contents.has_own_options() {
        lines.push("Options outside [cors] apply to every GlanceAPI of the template.".to_owned());
    }
    lines.extend_from_slice(next);
    Some(Fragment {
        path: "glance.yaml",
        text: plane(lines, "glance", &contents.ini()),
        left_out: contents.others.clone(),
    })
}

pub fn horizon(contents: &Contents) -> Option<Fragment> {
    let settings = contents.settings();
    if settings.is_empty() {
        return None;
    }
    let lines = [
        "RHOSO and openstack-k8s-operators, stage 2 of 2: Horizon's pages upload straight to Glance.",
        "Merge this into your OpenStackControlPlane; add to your existing text.",
        "The operator writes this mode itself. Until stage 1 is done, keep users' uploads working with",
        "HORIZON_IMAGES_UPLOAD_MODE = 'legacy' here.",
    ];
    let lines = lines.map(ToOwned::to_owned).to_vec();
    Some(Fragment { path: "horizon.yaml", text: plane(lines, "horizon", &settings), left_out: contents.others.clone() })
}

fn plane(lines: Vec<String>, service: &str, text: &str) -> String {
    let lines = comment(lines);
    let text = block(text, 8);
    format!("{lines}{CONTROL_PLANE}  {service}:\n    template:\n      customServiceConfig: |\n{text}")
}

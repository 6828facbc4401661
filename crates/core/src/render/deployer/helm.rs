//! openstack-helm: values of the charts `glance` and `horizon`.
//!
//! Read in openstack/openstack-helm at 0ee5adeff of 2026-08-20: `glance/templates/configmap-etc.yaml` writes
//! `conf.glance` by `helm-toolkit.utils.to_oslo_conf` (a text as it stands) and derives `cors.allowed_origin` only
//! while it is empty; `horizon/values.yaml` has `horizon_images_upload_mode` (since 2019-07) and
//! `local_settings_d` (since 2022-01), whose files `horizon/templates/bin/_horizon.sh.tpl` links.

use super::text::{block, comment, sections};
use super::{Contents, Fragment};

pub fn glance(contents: &Contents, next: &[String]) -> Option<Fragment> {
    if contents.options.is_empty() {
        return None;
    }
    let mut lines = vec![
        "openstack-helm, stage 1 of 2: Glance accepts uploads from the dashboard's pages.".to_owned(),
        "Merge this into the values of the release of the chart glance, for example as one more file:".to_owned(),
        "  helm upgrade glance openstack-helm/glance … -f glance.yaml".to_owned(),
        "Then only these origins count, so list your other dashboards, too. Without this value, the".to_owned(),
        "chart takes the dashboard of endpoints.dashboard.".to_owned(),
    ];
    lines.extend_from_slice(next);
    let values = sections(&contents.options, 4);
    Some(Fragment {
        path: "glance.yaml",
        text: format!("{}conf:\n  glance:\n{values}", comment(lines)),
        left_out: contents.others.clone(),
    })
}

pub fn horizon(contents: &Contents) -> Option<Fragment> {
    if !contents.direct && contents.python.is_empty() {
        return None;
    }
    let lines = [
        "openstack-helm, stage 2 of 2: Horizon's pages upload straight to Glance.",
        "Merge this into the values of the release of the chart horizon:",
        "  helm upgrade horizon openstack-helm/horizon … -f horizon.yaml",
        "If you replaced conf.horizon.local_settings.template, check that yours uses this value.",
    ];
    let mut text = comment(lines) + "conf:\n  horizon:\n";
    if contents.direct {
        text += "    local_settings:\n      config:\n        horizon_images_upload_mode: \"direct\"\n";
    }
    if !contents.python.is_empty() {
        text += "    local_settings_d:\n      zz-direct-upload: |\n";
        text += &block(&contents.python, 8);
    }
    Some(Fragment { path: "horizon.yaml", text, left_out: contents.others.clone() })
}

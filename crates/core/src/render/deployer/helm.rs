//! openstack-helm: values of the charts of the services.
//!
//! Read in openstack/openstack-helm at 0ee5adeff of 2026-08-20: each chart is named as its project, and its
//! `templates/configmap-etc.yaml` writes `conf.PROJECT` by `helm-toolkit.utils.to_oslo_conf` (a text as it stands,
//! without `tpl`). glance's derives `cors.allowed_origin` only while it is empty, and writes `conf.policy` by
//! `toYaml` as `/etc/glance/policy.yaml`, which `oslo_policy.policy_file` names. swift's writes
//! `conf.proxy_server`. `horizon/values.yaml` has `horizon_images_upload_mode` (since 2019-07) and
//! `local_settings_d` (since 2022-01), whose files `horizon/templates/bin/_horizon.sh.tpl` links.

use direct_upload_api::CorsFilter;
use std::fmt::Write as _;

use super::contents::Contents;
use super::next::Next;
use super::text::{as_is, block, comment, mapping, sections};
use super::{Component, FragmentFile};

pub fn files(service: Component, contents: &Contents, next: &Next) -> Vec<FragmentFile> {
    let (chart, values) = match service {
        Component::Horizon => return horizon(contents, next).into_iter().collect(),
        Component::Glance => ("glance", "glance"),
        Component::Api(service) if service.filter == CorsFilter::Swift => (service.project, "proxy_server"),
        Component::Api(service) => (service.project, service.project),
    };
    if contents.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        format!("openstack-helm{}", next.purpose),
        format!("Merge this into the values of the release of the chart {chart}, for example as one more file:"),
        format!("  helm upgrade {chart} openstack-helm/{chart} … -f {chart}.yaml"),
    ];
    if !contents.origins.is_empty() {
        lines.push("Then only these origins count, so list your other dashboards, too.".to_owned());
        if service == Component::Glance {
            lines.push("Without this value, the chart takes the dashboard of endpoints.dashboard.".to_owned());
        }
    }
    lines.extend_from_slice(&next.lines);
    let mut text = comment(lines) + "conf:\n";
    if !contents.options.is_empty() {
        let _ = write!(text, "  {values}:\n{}", sections(&contents.options, 4, as_is));
    }
    if !contents.policy.is_empty() {
        let _ = write!(text, "  policy:\n{}", mapping(&contents.policy, 4, as_is));
    }
    vec![FragmentFile::new(format!("{chart}.yaml"), text)]
}

fn horizon(contents: &Contents, next: &Next) -> Option<FragmentFile> {
    if !contents.direct && contents.python.is_empty() {
        return None;
    }
    let mut lines = vec![
        format!("openstack-helm{}", next.purpose),
        "Merge this into the values of the release of the chart horizon:".to_owned(),
        "  helm upgrade horizon openstack-helm/horizon … -f horizon.yaml".to_owned(),
    ];
    if contents.direct {
        lines
            .push("If you replaced conf.horizon.local_settings.template, check that yours uses this value.".to_owned());
    }
    lines.extend_from_slice(&next.lines);
    let mut text = comment(lines) + "conf:\n  horizon:\n";
    if contents.direct {
        text += "    local_settings:\n      config:\n        horizon_images_upload_mode: \"direct\"\n";
    }
    if !contents.python.is_empty() {
        text += "    local_settings_d:\n      zz-direct-upload: |\n";
        text += &block(&contents.python, 8);
    }
    Some(FragmentFile::new("horizon.yaml", text))
}

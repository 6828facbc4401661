//! kolla-ansible: files of `/etc/kolla/config`.
//!
//! Read in openstack/kolla-ansible at 1a681814e of 2026-08-19 and in the package kolla-ansible 22.2.0:
//! `ansible/roles/PROJECT/tasks/config.yml` merges `config/PROJECT.conf` into the service's own file, option by
//! option (`ansible/action_plugins/merge_configs.py`). glance's takes `config/glance/policy.yaml` (before
//! policy.json: `supported_policy_format_list`), and its glance-api.conf.j2 then sets
//! `[oslo_policy] policy_file`. `ansible/roles/horizon/tasks/config.yml` copies
//! `config/horizon/_9999-custom-settings.py` (`custom_local_settings` before 2024.1). All run Jinja over them
//! first, once. There is no role for Swift. `direct` is kolla-ansible's own default since
//! I4aa6dc90c6e6da6cd5fa94ad9ea02396e9c60a8b (2023-11-06).

use super::contents::Contents;
use super::next::Next;
use super::snippet::{self, SnippetComment};
use super::text::{as_is, comment, jinja, mapping};
use super::{Component, FragmentFile};
use direct_upload_api::CorsFilter;

pub fn files(service: Component, contents: &Contents, next: &Next) -> Vec<FragmentFile> {
    let project = match service {
        Component::Horizon => return horizon(contents, next).into_iter().collect(),
        Component::Glance => "glance",
        Component::Api(service) if service.filter == CorsFilter::Swift => return Vec::new(),
        Component::Api(service) => service.project,
    };
    let mut files = Vec::new();
    if !contents.options.is_empty() {
        let mut lines = vec![
            format!("kolla-ansible{}", next.purpose),
            format!("Put this into /etc/kolla/config/{project}.conf. If you have this file, add the sections to it."),
            format!("Then: kolla-ansible reconfigure -i INVENTORY -t {project}"),
        ];
        if !contents.origins.is_empty() {
            lines.push(
                match project {
                    "glance" => {
                        "The origins replace kolla-ansible's own (Horizon's public endpoint), so list all of them."
                    }
                    "keystone" => {
                        "The origins replace kolla-ansible's own (Grafana's, if it is enabled), so list all of them."
                    }
                    _ => "Then only these origins count, so list your other dashboards, too.",
                }
                .to_owned(),
            );
        }
        lines.extend_from_slice(&next.lines);
        files.push(FragmentFile::new(format!("config/{project}.conf"), comment(lines) + &jinja(&contents.ini())));
    }
    if !contents.policy.is_empty() {
        let lines = [
            "kolla-ansible: rules of Glance's policy.",
            "Put this into /etc/kolla/config/glance/policy.yaml. If you have this file, add the rules to it.",
            "Then: kolla-ansible reconfigure -i INVENTORY -t glance",
        ];
        let rules = jinja(&mapping(&contents.policy, 0, as_is));
        files.push(FragmentFile::new("config/glance/policy.yaml", comment(lines) + &rules));
    }
    files
}

fn horizon(contents: &Contents, next: &Next) -> Option<FragmentFile> {
    let above = SnippetComment {
        tool: "kolla-ansible",
        place: &[
            "Add this at the end of /etc/kolla/config/horizon/_9999-custom-settings.py (before 2024.1:",
            "custom_local_settings). Then: kolla-ansible reconfigure -i INVENTORY -t horizon",
        ],
        legacy: [
            "Since 2023.2 kolla-ansible writes this mode itself. Until stage 1 is done, keep users' uploads",
            "working with HORIZON_IMAGES_UPLOAD_MODE = 'legacy' in this file.",
        ],
    };
    snippet::horizon(contents, next, &above, |lines, settings| {
        FragmentFile::new("config/horizon/_9999-custom-settings.py", comment(lines) + &jinja(settings))
    })
}

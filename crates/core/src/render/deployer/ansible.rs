//! openstack-ansible: variables.
//!
//! Read in openstack/openstack-ansible-os_glance at c48d1b1 of 2026-04-20 (`tasks/glance_post_install.yml` gives
//! `glance_glance_api_conf_overrides` and `glance_policy_overrides` to config_template;
//! `templates/glance-api.conf.j2` has a `[cors]` of its own from `glance_cors_allowed_origin`), in
//! openstack/ansible-config_template at 01b297a of 2026-03-12 (`_option_write`: a text as it stands takes the
//! option's place; `_merge_dict`, for YAML: a text with a comma becomes a list), and in
//! openstack/openstack-ansible-os_horizon at 6126675 of 2026-06-10 (`horizon_images_upload_mode`, `direct` by
//! default). Ansible runs Jinja over variables, once. The names of other services' variables are in the roles'
//! `tasks` of 2026-03 to 2026-07.

use std::fmt::Write as _;

use super::contents::Contents;
use super::next::Next;
use super::text::{comment, jinja, mapping, sections};
use super::{Component, FragmentFile};

pub fn files(service: Component, contents: &Contents, next: &Next) -> Vec<FragmentFile> {
    let (role, variable) = match service {
        Component::Horizon => return horizon(contents, next).into_iter().collect(),
        Component::Glance => ("glance", "glance_glance_api_conf_overrides".to_owned()),
        Component::Api(service) => (service.project, overrides(service.project)),
    };
    let policy = policy(contents);
    if contents.options.is_empty() && policy.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        format!("openstack-ansible{}", next.purpose),
        format!("Put this into /etc/openstack_deploy/user_variables.yml or user_variables_{role}.yml. If you already"),
        "have one of these variables, add the entries to it: one file would replace the other.".to_owned(),
        format!("Then: openstack-ansible openstack.osa.{role} {}", tags(role)),
    ];
    if !contents.origins.is_empty() {
        lines.push(match service {
            Component::Glance => "The origins replace glance_cors_allowed_origin, so list all of them.".to_owned(),
            _ => "Then only these origins count, so list your other dashboards, too.".to_owned(),
        });
    }
    lines.extend_from_slice(&next.lines);
    let mut text = comment(lines);
    if !contents.options.is_empty() {
        let _ = write!(text, "{variable}:\n{}", sections(&contents.options, 2, jinja));
    }
    if !policy.is_empty() {
        let _ = write!(text, "glance_policy_overrides:\n{}", mapping(&policy, 2, jinja));
    }
    vec![FragmentFile::new(format!("user_variables_{role}.yml"), text)]
}

/// The variable whose entries override the options of a service. Most roles repeat the project's name.
fn overrides(project: &str) -> String {
    match project {
        "barbican" => "barbican_config_overrides".to_owned(),
        "swift" => "swift_proxy_server_conf_overrides".to_owned(),
        project => format!("{project}_{project}_conf_overrides"),
    }
}

/// What limits the role to its files; `os_swift` has no tag for them.
fn tags(role: &str) -> String {
    if role == "swift" { "--tags post-install".to_owned() } else { format!("--tags {role}-config") }
}

/// The rules that `config_template` leaves as they are.
fn policy(contents: &Contents) -> Vec<(String, String)> {
    contents.policy.iter().filter(|(_, rule)| !is_split(rule)).cloned().collect()
}

/// Whether `config_template` makes a list of it, which is another rule.
pub(super) fn is_split(rule: &str) -> bool {
    rule.contains(',')
}

fn horizon(contents: &Contents, next: &Next) -> Option<FragmentFile> {
    if !contents.direct {
        return None;
    }
    let mut lines = vec![
        format!("openstack-ansible{}", next.purpose),
        "Put this into /etc/openstack_deploy/user_variables.yml or user_variables_horizon.yml.".to_owned(),
        "Then: openstack-ansible openstack.osa.horizon --tags horizon-config".to_owned(),
        "This is the role's own default. Until stage 1 is done, set it to legacy.".to_owned(),
    ];
    lines.extend_from_slice(&next.lines);
    Some(FragmentFile::new("user_variables_horizon.yml", comment(lines) + "horizon_images_upload_mode: direct\n"))
}

//! openstack-ansible: variables.
//!
//! Read in openstack/openstack-ansible-os_glance at c48d1b1 of 2026-04-20 (`tasks/glance_post_install.yml` gives
//! `glance_glance_api_conf_overrides` to config_template; `templates/glance-api.conf.j2` has a `[cors]` of its own
//! from `glance_cors_allowed_origin`), in openstack/ansible-config_template (`_option_write`: a text as it stands
//! takes the option's place), and in openstack/openstack-ansible-os_horizon at 6126675 of 2026-06-10
//! (`horizon_images_upload_mode`, `direct` by default).

use super::text::{comment, sections};
use super::{Contents, Fragment};

pub fn glance(contents: &Contents, next: &[String]) -> Option<Fragment> {
    if contents.options.is_empty() {
        return None;
    }
    let mut lines = vec![
        "openstack-ansible, stage 1 of 2: Glance accepts uploads from the dashboard's pages.".to_owned(),
        "Put this into /etc/openstack_deploy/user_variables.yml or user_variables_glance.yml. If you already"
            .to_owned(),
        "have glance_glance_api_conf_overrides, add the sections to it: one file would replace the other.".to_owned(),
        "Then: openstack-ansible openstack.osa.glance --tags glance-config".to_owned(),
        "The origins replace glance_cors_allowed_origin, so list all of them.".to_owned(),
    ];
    lines.extend_from_slice(next);
    let overrides = sections(&contents.options, 2);
    Some(Fragment {
        path: "user_variables_glance.yml",
        text: format!("{}glance_glance_api_conf_overrides:\n{overrides}", comment(lines)),
        left_out: contents.others.clone(),
    })
}

pub fn horizon(contents: &Contents) -> Option<Fragment> {
    if !contents.direct {
        return None;
    }
    let lines = [
        "openstack-ansible, stage 2 of 2: Horizon's pages upload straight to Glance.",
        "Put this into /etc/openstack_deploy/user_variables.yml or user_variables_horizon.yml.",
        "Then: openstack-ansible openstack.osa.horizon --tags horizon-config",
        "This is the role's own default. Until stage 1 is done, set it to legacy.",
    ];
    let mut left_out = contents.others.clone();
    if !contents.python.is_empty() {
        left_out.push("Django's settings for spec.tlsTermination (horizon_extra_local_settings)".to_owned());
    }
    Some(Fragment {
        path: "user_variables_horizon.yml",
        text: comment(lines) + "horizon_images_upload_mode: direct\n",
        left_out,
    })
}

//! kolla-ansible: files of `/etc/kolla/config`.
//!
//! Read in openstack/kolla-ansible at 1a681814e of 2026-08-19 and in the package kolla-ansible 22.2.0:
//! `ansible/roles/glance/tasks/config.yml` merges `config/glance.conf` into its own glance-api.conf, option by
//! option (`ansible/action_plugins/merge_configs.py`); `ansible/roles/horizon/tasks/config.yml` copies
//! `config/horizon/_9999-custom-settings.py` (`custom_local_settings` before 2024.1). Both run Jinja over them
//! first. `direct` is kolla-ansible's own default since I4aa6dc90c6e6da6cd5fa94ad9ea02396e9c60a8b (2023-11-06).

use super::text::comment;
use super::{Contents, Fragment};

pub fn glance(contents: &Contents, next: &[String]) -> Option<Fragment> {
    if contents.options.is_empty() {
        return None;
    }
    let mut lines = vec![
        "kolla-ansible, stage 1 of 2: Glance accepts uploads from the dashboard's pages.".to_owned(),
        "Put this into /etc/kolla/config/glance.conf. If you have this file, add the sections to it.".to_owned(),
        "Then: kolla-ansible reconfigure -i INVENTORY -t glance".to_owned(),
        "The origins replace kolla-ansible's own (Horizon's public endpoint), so list all of them.".to_owned(),
    ];
    lines.extend_from_slice(next);
    Some(Fragment {
        path: "config/glance.conf",
        text: comment(lines) + &contents.ini(),
        left_out: contents.others.clone(),
    })
}

pub fn horizon(contents: &Contents) -> Option<Fragment> {
    let settings = contents.settings();
    if settings.is_empty() {
        return None;
    }
    let lines = [
        "kolla-ansible, stage 2 of 2: Horizon's pages upload straight to Glance.",
        "Add this at the end of /etc/kolla/config/horizon/_9999-custom-settings.py (before 2024.1:",
        "custom_local_settings). Then: kolla-ansible reconfigure -i INVENTORY -t horizon",
        "Since 2023.2 kolla-ansible writes this mode itself. Until stage 1 is done, keep users' uploads",
        "working with HORIZON_IMAGES_UPLOAD_MODE = 'legacy' in this file.",
    ];
    Some(Fragment {
        path: "config/horizon/_9999-custom-settings.py",
        text: comment(lines) + &settings,
        left_out: contents.others.clone(),
    })
}

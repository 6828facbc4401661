//! Each rule: what it must find, what it must not, and what nearly looks like it.

use direct_upload_check as check;
use direct_upload_check::Text;
use direct_upload_core::openstack::Release;

mod connections;
mod cors_oracle;
mod endpoint;
mod exposed;
mod haproxy;
mod includes;
mod measured;
mod on_the_way;
mod options;
mod pages;
mod paths;
mod reading;
mod refused;
mod segments;
mod servers;
mod services;
mod settings;
mod stores;
mod swift;
mod targets;
mod traefik_files;
mod ways;

/// Severity and id of all findings over some files.
pub fn found_in(files: &[(&str, &str)], release: Option<&str>) -> Vec<String> {
    let text = |(name, text): &(&str, &str)| Text { name: (*name).into(), text: (*text).into(), named: false };
    let release = release.map(|r| r.parse::<Release>().unwrap());
    let (input, errors) =
        check::manifests::sort(files.iter().map(text).collect(), release, jiff::Timestamp::UNIX_EPOCH);
    assert!(errors.is_empty(), "{errors:?}");
    let all = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    crate::fixes::hold(&all, release);
    let mut found: Vec<_> = check::check(input).findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect();
    found.dedup();
    found
}

pub const CONF: &str = "etc/glance/glance-api.conf";
pub const SETTINGS: &str = "etc/openstack-dashboard/local_settings.py";
pub const GOOD: &str = "[cors]\nallowed_origin = https://d.example\n";
pub const DASHBOARD: (&str, &str) =
    (SETTINGS, "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n");

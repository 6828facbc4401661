//! Stores of Glance, and imports into them.

use rstest::rstest;

use super::{CONF, DASHBOARD, GOOD, found_in};

#[rstest]
#[case::silently_off("2026.1", "swift_store_multi_tenant = True", &["error DU019"])]
#[case::older("2025.1", "swift_store_multi_tenant = True", &[])]
#[case::half_said("2026.1", "swift_store_multi_tenant = True\nswift_store_use_trusts = True", &["error DU019"])]
#[case::said("2026.1", "swift_store_multi_tenant = True\nswift_store_use_trusts = True\ndefault_swift_reference = ref1", &[])]
#[case::unwanted("2026.1", "swift_store_multi_tenant = True\nswift_store_use_trusts = False", &["warning DU019"])]
#[case::exclusive("2025.1", "swift_store_multi_tenant = True\nswift_store_config_file = /x", &["error DU019"])]
#[case::nameless("2026.1", "swift_store_config_file = /x", &["error DU019"])]
#[case::nameless_of_old("2025.1", "swift_store_config_file = /x", &[])]
#[case::single_tenant("2026.1", "swift_store_config_file = /x\ndefault_swift_reference = ref2", &[])]
#[case::by_itself("2026.1", "swift_store_user = a:b", &[])]
#[case::buffers_nowhere("2025.1", "swift_buffer_on_upload = True", &["error DU019"])]
#[case::buffers("2025.1", "swift_buffer_on_upload = True\nswift_upload_buffer_dir = /var/tmp/glance", &[])]
#[case::buffers_not("2025.1", "swift_buffer_on_upload = False", &[])]
fn swift_stores_must_be_able_to_renew_tokens(#[case] release: &str, #[case] lines: &str, #[case] expected: &[&str]) {
    let conf = format!(
        "[DEFAULT]\nenabled_backends = s:swift,f:file\n[glance_store]\ndefault_backend = f\n[s]\n{lines}\n{GOOD}allow_headers = X-Auth-Token,X-CSRFToken\n"
    );
    // Large images that somebody puts into this store by name fail, too (DU027).
    let mut found = found_in(&[(CONF, &conf), DASHBOARD], Some(release));
    found.retain(|line| line != "note DU027");
    assert_eq!(found, expected);
}

const RENEWS: &str = "swift_store_multi_tenant = True\nswift_store_use_trusts = True\ndefault_swift_reference = ref1";
const KEEPS: &str = "swift_store_multi_tenant = True\nswift_store_use_trusts = False";

/// Keystone's own lifetime of tokens counts only for what uses them again.
#[rstest]
#[case::renewed(RENEWS, "expiration = 3600", &[])]
#[case::renewed_but_short(RENEWS, "expiration = 600", &["note DU019"])]
#[case::unsaid(RENEWS, "provider = fernet", &[])]
#[case::not_renewed(KEEPS, "expiration = 14400", &["warning DU019", "note DU019"])]
#[case::silently_not(&RENEWS[..31], "expiration = 3600", &["error DU019", "note DU019"])]
#[case::single_tenant("swift_store_user = a:b", "expiration = 300", &[])]
#[case::buffered(
    "swift_store_multi_tenant = True\nswift_store_use_trusts = False\nswift_buffer_on_upload = True\nswift_upload_buffer_dir = /b",
    "provider = fernet",
    &["warning DU019", "note DU019"]
)]
#[case::buffered_and_renewed(
    "swift_store_multi_tenant = True\nswift_store_use_trusts = True\ndefault_swift_reference = ref1\nswift_buffer_on_upload = True\nswift_upload_buffer_dir = /b",
    "provider = fernet",
    &[]
)]
fn a_tokens_lifetime_counts_for_what_uses_it_again(
    #[case] store: &str,
    #[case] token: &str,
    #[case] expected: &[&str],
) {
    let conf = format!(
        "[DEFAULT]\nenabled_backends = s:swift,f:file\n[glance_store]\ndefault_backend = f\n[s]\n{store}\n{GOOD}allow_headers = X-Auth-Token,X-CSRFToken\n"
    );
    let keystone = format!("[token]\n{token}\n");
    let files = [(CONF, conf.as_str()), DASHBOARD, ("etc/keystone/keystone.conf", keystone.as_str())];
    let mut found = found_in(&files, Some("2026.1"));
    found.retain(|line| line != "note DU027");
    assert_eq!(found, expected);
}

#[rstest]
#[case::converted("['image_conversion']", &["warning DU021"])]
#[case::own("[clamav_scan]", &["warning DU021"])]
#[case::none("['no_op']", &[])]
#[case::empty("[]", &[])]
fn imports_that_direct_uploads_pass_by_are_found(#[case] plugins: &str, #[case] expected: &[&str]) {
    let conf = format!("{GOOD}[image_import_opts]\nimage_import_plugins = {plugins}\n");
    assert_eq!(found_in(&[(CONF, &conf), DASHBOARD], Some("2025.1")), expected);
}

#[rstest]
#[case::tiny("1048576", &["error DU014"])]
#[case::small("5368709120", &["warning DU014"])]
#[case::usual("1099511627776", &[])]
fn glances_own_limit(#[case] limit: &str, #[case] expected: &[&str]) {
    let conf = format!("[DEFAULT]\nimage_size_cap = {limit}\n{GOOD}");
    assert_eq!(found_in(&[DASHBOARD, (CONF, &conf)], Some("2025.1")), expected);
}

/// The default store must be an enabled one that can write.
#[rstest]
#[case::writes("[DEFAULT]\nenabled_backends = fast:file,web:http\n[glance_store]\ndefault_backend = fast\n", &[])]
#[case::only_reads("[DEFAULT]\nenabled_backends = fast:file,web:http\n[glance_store]\ndefault_backend = web\n", &["error DU026"])]
#[case::none_of_them("[DEFAULT]\nenabled_backends = fast:file\n[glance_store]\ndefault_backend = slow\n", &["error DU026"])]
#[case::an_excerpt("[DEFAULT]\nenabled_backends = fast:file\n", &[])]
#[case::by_a_name("[DEFAULT]\nenabled_backends = fast:file\n[glance_store]\ndefault_backend = $x\n", &[])]
#[case::of_old("[glance_store]\nstores = file,http\ndefault_store = file\n", &[])]
#[case::of_old_that_is_not_enabled("[glance_store]\nstores = http,rbd\ndefault_store = file\n", &["error DU026"])]
#[case::of_old_that_only_reads("[glance_store]\nstores = http\ndefault_store = http\n", &["error DU026"])]
#[case::nothing_said("", &[])]
fn the_default_store_takes_images(#[case] conf: &str, #[case] expected: &[&str]) {
    let conf = format!("{conf}{GOOD}");
    assert_eq!(found_in(&[DASHBOARD, (CONF, &conf)], Some("2025.1")), expected, "{conf}");
}

#[rstest]
#[case::tiny("10MB", &["warning DU014"])]
#[case::in_bytes("1073741824", &["warning DU014"])]
#[case::generous("2TB", &[])]
#[case::none("0", &[])]
fn glances_own_quota(#[case] quota: &str, #[case] expected: &[&str]) {
    let conf = format!("[DEFAULT]\nuser_storage_quota = {quota}\n{GOOD}");
    assert_eq!(found_in(&[DASHBOARD, (CONF, &conf)], Some("2025.1")), expected);
}

//! The file of Swift's proxy: its own options, and what counts of them, by Swift's own reader.

use rstest::rstest;
use serde_json::{Value, json};
use test_support::oracle::ask;

use super::found_in;

const FILE: &str = "etc/swift/proxy-server.conf";
const REST: &str = "[pipeline:main]\npipeline = proxy-server\n[app:proxy-server]\nuse = egg:swift#proxy\n";
const LOGIN: &str = "[pipeline:main]\npipeline = authtoken proxy-server\n[app:proxy-server]\nuse = egg:swift#proxy\n\
    [filter:authtoken]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\n";

#[rstest]
#[case::good("[DEFAULT]\ncors_allow_origin = https://a.example, https://b.example\n", REST, &[])]
#[case::none("[DEFAULT]\nbind_port = 8080\n", REST, &[])]
#[case::slash("[DEFAULT]\ncors_allow_origin = https://a.example/\n", REST, &["warning DU001"])]
#[case::quoted("[DEFAULT]\ncors_allow_origin = \"https://a.example\"\n", REST, &["warning DU001"])]
#[case::spaces("[DEFAULT]\ncors_allow_origin = https://a.example https://b.example\n", REST, &["warning DU001"])]
#[case::any("[DEFAULT]\ncors_allow_origin = *\n", REST, &["warning DU005"])]
#[case::not_strict("[DEFAULT]\nstrict_cors_mode = no\n", REST, &["note DU005"])]
#[case::strict("[DEFAULT]\nstrict_cors_mode = t\n", REST, &[])]
#[case::oslos_section("[cors]\nallowed_origin = https://a.example\n", REST, &["warning DU017"])]
#[case::oslos_name("[DEFAULT]\nallowed_origin = https://a.example\n", REST, &["warning DU017"])]
#[case::near("[DEFAULT]\ncors_allow_origins = https://a.example\n", REST, &["warning DU017"])]
#[case::other_option("[DEFAULT]\norigin = here\nlog_level = INFO\n", REST, &[])]
#[case::in_a_filter("[filter:tempurl]\ncors_allow_origin = https://a.example\n", REST, &["warning DU007"])]
#[case::twice("[DEFAULT]\ncors_allow_origin = https://a.example\ncors_allow_origin = https://b.example\n", REST, &["warning DU007"])]
#[case::in_the_app("", "[pipeline:main]\npipeline = proxy-server\n[app:proxy-server]\nuse = egg:swift#proxy\ncors_allow_origin = https://a.example\n", &[])]
#[case::shadowed("[DEFAULT]\ncors_allow_origin = https://a.example\n", "[pipeline:main]\npipeline = proxy-server\n[app:proxy-server]\nuse = egg:swift#proxy\ncors_allow_origin = https://b.example\n", &["warning DU007"])]
#[case::set("[DEFAULT]\ncors_allow_origin = https://a.example\n", "[pipeline:main]\npipeline = proxy-server\n[app:proxy-server]\nuse = egg:swift#proxy\nset cors_allow_origin = https://b.example\n", &["warning DU007"])]
#[case::login("[DEFAULT]\ncors_allow_origin = https://a.example\n", LOGIN, &["warning DU020"])]
#[case::no_origin_and_login("", LOGIN, &[])]
fn what_is_wrong_in_the_file_of_swifts_proxy(#[case] options: &str, #[case] rest: &str, #[case] expected: &[&str]) {
    assert_eq!(found_in(&[(FILE, &format!("{options}{rest}"))], None), expected);
}

#[test]
fn a_login_that_waits_lets_preflights_through() {
    let text = format!("[DEFAULT]\ncors_allow_origin = https://a.example\n{LOGIN}delay_auth_decision = True\n");
    assert!(found_in(&[(FILE, &text)], None).is_empty());
}

/// A part of the file, by its folder, or by its options.
#[rstest]
#[case("etc/swift/proxy-server.conf.d/zz.conf", &["warning DU005"])]
#[case("etc/swift/proxy.d/zz.conf", &["warning DU005"])]
#[case("etc/other/zz.conf", &[])]
fn a_fragment_is_recognised(#[case] name: &str, #[case] expected: &[&str]) {
    assert_eq!(found_in(&[(name, "[DEFAULT]\ncors_allow_origin = *\n")], None), expected);
}

const PIPELINE: &str =
    "[pipeline:main]\npipeline = authtoken proxy-server\n[app:proxy-server]\nuse = egg:swift#proxy\n";
const WAITS: &str = "[filter:authtoken]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\ndelay_auth_decision = True\n";
const ORIGIN: &str = "[DEFAULT]\ncors_allow_origin = https://a.example\n";

/// A folder of files is one file for the proxy: sorted by name, and the later option replaces the earlier one.
#[rstest]
#[case::together(&[("10.conf", PIPELINE), ("20.conf", WAITS), ("zz.conf", ORIGIN)], &[])]
#[case::login(&[("10.conf", LOGIN), ("zz.conf", ORIGIN)], &["warning DU020"])]
#[case::login_mended_later(&[("10.conf", LOGIN), ("20.conf", "[filter:authtoken]\ndelay_auth_decision = 1\n"), ("zz.conf", ORIGIN)], &[])]
#[case::replaced(&[("10.conf", "[DEFAULT]\ncors_allow_origin = https://old.example\n"), ("zz.conf", ORIGIN)], &["warning DU007"])]
#[case::set_elsewhere(&[("10.conf", "[app:proxy-server]\nset cors_allow_origin = https://old.example\n"), ("zz.conf", ORIGIN)], &["warning DU007"])]
#[case::in_the_app(&[("10.conf", "[app:proxy-server]\ncors_allow_origin = https://a.example/\n"), ("20.conf", "[app:proxy-server]\nuse = egg:swift#proxy\n")], &["warning DU001"])]
#[case::two_apps(&[("10.conf", PIPELINE), ("20.conf", "[app:proxy-server]\nset cors_allow_origin = https://a.example\n[filter:authtoken]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\n")], &["warning DU020"])]
#[case::another_name(&[("zz.txt", ORIGIN)], &[])]
#[case::not_conf(&[("10.conf", PIPELINE), ("zz", ORIGIN)], &["warning DU007"])]
#[case::refused(&[("10.conf", PIPELINE), ("20.conf", "[DEFAULT]\nnonsense\n")], &["warning DU007"])]
fn files_of_a_folder(#[case] files: &[(&str, &str)], #[case] expected: &[&str]) {
    let files: Vec<(String, &str)> =
        files.iter().map(|(name, text)| (format!("etc/swift/proxy-server.conf.d/{name}"), *text)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    assert_eq!(found_in(&files, None), expected);
}

/// A single file next to the folder belongs to another proxy, and is judged alone.
#[test]
fn a_file_beside_the_folder() {
    let folder = ("etc/swift/proxy-server.conf.d/zz.conf", ORIGIN);
    let old = "[DEFAULT]\ncors_allow_origin = https://old.example\n";
    assert!(found_in(&[(FILE, &format!("{old}{REST}")), folder], None).is_empty());
}

/// Which of several files counts, as Swift's proxy itself says.
#[test]
fn what_counts_of_a_folder_is_what_swift_gets() {
    use direct_upload_core::render::swift_proxy::{SwiftProxy, items};
    let (first, second) = (
        format!("[DEFAULT]\ncors_allow_origin = https://old.example\nx = b\n{REST}"),
        "[DEFAULT]\ncors_allow_origin = https://a.example, https://%(x)s.example\n",
    );
    let files = json!({"proxy-server.conf.d/10.conf": first, "proxy-server.conf.d/20.conf": second});
    let has: Value = ask(&json!({"ask": "swift", "files": files, "start": "proxy-server.conf.d"}));
    let proxy = SwiftProxy::read_all([first.as_str(), second]).unwrap();
    let value = proxy.option("cors_allow_origin").map(|option| option.value).unwrap_or_default();
    assert_eq!(has["origins"], json!(items(&value).collect::<Vec<_>>()));
}

/// Which of several lines counts, as Swift's proxy itself says.
#[rstest]
#[case("[DEFAULT]\ncors_allow_origin = https://a.example\n", "")]
#[case("", "cors_allow_origin = https://b.example\n")]
#[case("[DEFAULT]\ncors_allow_origin = https://a.example\n", "cors_allow_origin = https://b.example\n")]
#[case("[DEFAULT]\ncors_allow_origin = https://a.example\n", "set cors_allow_origin = https://b.example\n")]
#[case("[DEFAULT]\nx = a\ncors_allow_origin = https://%(x)s.example, ,\n", "")]
#[case("[DEFAULT]\nCORS_ALLOW_ORIGIN = https://a.example\n", "")]
#[case("[default]\ncors_allow_origin = https://a.example\n", "")]
#[case("[DEFAULT]\ncors_allow_origin = https://a.example\n  ,https://b.example\n", "")]
fn what_counts_is_what_swift_gets(#[case] default: &str, #[case] app: &str) {
    use direct_upload_core::render::swift_proxy::{SwiftProxy, items};
    let text = format!("{default}{REST}{app}");
    let has: Value = ask(&json!({"ask": "swift", "files": {"proxy-server.conf": text}, "start": "proxy-server.conf"}));
    let proxy = SwiftProxy::read(&text).unwrap();
    let value = proxy.option("cors_allow_origin").map(|option| option.value).unwrap_or_default();
    assert_eq!(has["origins"], json!(items(&value).collect::<Vec<_>>()), "{text}");
}

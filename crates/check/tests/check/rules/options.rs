//! `[cors]`: its values, and where they are read.

use rstest::rstest;

use super::{CONF, SETTINGS, found_in};

/// `[cors]` with these lines, before a dashboard at https://d.example.
fn cors(lines: &str) -> Vec<String> {
    let conf = format!("[DEFAULT]\n[cors]\n{lines}\n[paste_deploy]\nflavor = keystone\n");
    let settings = "CSRF_TRUSTED_ORIGINS = ['https://d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    found_in(&[(CONF, &conf), (SETTINGS, settings)], Some("2025.1"))
}

#[rstest]
#[case::fine("allowed_origin = https://d.example", &[])]
#[case::quoted("allowed_origin = \"https://d.example\"", &[])]
#[case::several("allowed_origin = https://d.example, https://e.example", &[])]
#[case::continued("allowed_origin = https://e.example,\n  https://d.example", &[])]
#[case::trailing_comma("allowed_origin = https://d.example,", &[])]
#[case::slash("allowed_origin = https://d.example/", &["error DU001"])]
#[case::path("allowed_origin = https://d.example/dashboard", &["error DU001"])]
#[case::upper_case("allowed_origin = https://D.example", &["error DU001"])]
#[case::default_port("allowed_origin = https://d.example:443", &["error DU001"])]
// As openstack-helm writes it.
#[case::both_forms("allowed_origin = https://d.example,https://d.example:443", &[])]
#[case::with_a_slash_too("allowed_origin = https://d.example,https://d.example/", &["note DU001"])]
#[case::comment_behind("allowed_origin = https://d.example # the dashboard", &["error DU001"])]
#[case::blanks_between("allowed_origin = https://d.example https://e.example", &["error DU001"])]
#[case::no_scheme("allowed_origin = d.example", &["error DU001"])]
#[case::quoted_together("allowed_origin = \"https://d.example, https://e.example\"", &[])]
#[case::in_angle_brackets("allowed_origin = <https://d.example>", &["error DU001"])]
#[case::semicolons("allowed_origin = https://d.example;https://e.example", &["error DU001"])]
#[case::list("allowed_origin = ['https://d.example']", &["error DU001"])]
#[case::pattern("allowed_origin = https://*.example", &["error DU001"])]
#[case::substituted("allowed_origin = https://$my_host", &["error DU007"])]
#[case::substituted_with_a_group("allowed_origin = https://$d.example", &["error DU007"])]
#[case::a_dollar_sign("allowed_origin = https://d.example,https://$$x", &["error DU001"])]
#[case::other("allowed_origin = https://e.example", &["error DU002"])]
#[case::other_port("allowed_origin = https://d.example:8443", &["error DU002"])]
#[case::other_scheme("allowed_origin = http://d.example", &["error DU002"])]
#[case::empty("allowed_origin =", &["error DU002"])]
#[case::nothing("max_age = 5", &["error DU002"])]
#[case::any("allowed_origin = *", &["warning DU005"])]
#[case::null("allowed_origin = null,https://d.example", &["warning DU005"])]
fn an_origin_must_be_what_the_browser_sends(#[case] lines: &str, #[case] expected: &[&str]) {
    assert_eq!(cors(lines), expected, "{lines}");
}

#[rstest]
#[case::default("", &[])]
#[case::lower_case("allow_headers = x-auth-token", &[])]
#[case::without_token("allow_headers = Content-MD5", &["error DU003"])]
#[case::star("allow_headers = *", &["error DU003"])]
#[case::methods("allow_methods = GET,PUT", &[])]
#[case::no_put("allow_methods = GET,POST", &["error DU004"])]
#[case::lower_put("allow_methods = get,put", &["error DU004"])]
#[case::substituted("allow_methods = $methods", &["error DU007"])]
#[case::commented("allow_headers = X-Auth-Token # the token", &["error DU003"])]
#[case::no_flag("allow_credentials = maybe", &["error DU007"])]
#[case::no_number("max_age = an hour", &["error DU007"])]
fn a_list_must_hold_what_uploads_need(#[case] line: &str, #[case] expected: &[&str]) {
    assert_eq!(cors(&format!("allowed_origin = https://d.example\n{line}")), expected, "{line}");
}

#[rstest]
#[case::always("2026.1", "", "", &["error DU003"])]
#[case::allowed("2026.1", "allow_headers = X-Auth-Token,X-CSRFToken", "", &[])]
#[case::stripped("2026.2", "", "CSRF_COOKIE_HTTPONLY = True", &[])]
#[case::older("2024.1", "", "", &[])]
#[case::older_httponly("2024.1", "", "CSRF_COOKIE_HTTPONLY = True", &["error DU003"])]
#[case::older_not_httponly("2024.1", "", "CSRF_COOKIE_HTTPONLY = False", &[])]
#[case::unknown("", "", "", &["warning DU003"])]
#[case::legacy("2026.1", "", "HORIZON_IMAGES_UPLOAD_MODE = 'legacy'", &["warning DU003"])]
fn the_csrf_header_is_needed_where_horizon_sends_it(
    #[case] release: &str,
    #[case] line: &str,
    #[case] setting: &str,
    #[case] expected: &[&str],
) {
    let conf = format!("[cors]\nallowed_origin = https://d.example\n{line}\n");
    let mode = if setting.contains("MODE") { "" } else { "HORIZON_IMAGES_UPLOAD_MODE = 'direct'" };
    let settings = format!("ALLOWED_HOSTS = ['d.example']\n{mode}\n{setting}\n");
    let release = Some(release).filter(|r| !r.is_empty());
    assert_eq!(found_in(&[(CONF, &conf), (SETTINGS, &settings)], release), expected);
}

#[rstest]
#[case::release_unknown(None, "[cors.x]\nallowed_origin = https://e.example", &["warning DU006"])]
#[case::still_read(Some("2025.2"), "[cors.x]\nallowed_origin = https://e.example", &[])]
#[case::gone(Some("2026.1"), "[cors.x]\nallowed_origin = https://e.example", &["error DU006"])]
#[case::repeated(Some("2026.1"), "[cors.x]\nallowed_origin = https://d.example", &["note DU006"])]
#[case::of_the_dashboard(Some("2026.1"), "[cors]\nallowed_origin = https://e.example\n[cors.x]\nallowed_origin = https://d.example", &["error DU006"])]
#[case::not_one(Some("2026.1"), "[corsx]\nmax_age = 5", &[])]
fn subgroups_of_cors_are_no_longer_read(
    #[case] release: Option<&str>,
    #[case] section: &str,
    #[case] expected: &[&str],
) {
    let conf =
        format!("[cors]\nallowed_origin = https://d.example\nallow_headers = X-Auth-Token,X-CSRFToken\n{section}\n");
    assert_eq!(found_in(&[(CONF, &conf)], release), expected);
}

/// The Django panel's upload has credentials; where the panel is not shown, the stricter of both counts.
#[rstest]
#[case::angular_by_default("", "allow_credentials = false", &[])]
#[case::angular("ANGULAR_FEATURES = {'images_panel': True}", "allow_credentials = false", &[])]
#[case::a_dict_without_it_has_the_default("ANGULAR_FEATURES = {'flavors_panel': True}", "allow_credentials = false", &[])]
#[case::django("ANGULAR_FEATURES = {'images_panel': False}", "allow_credentials = false", &["error DU024"])]
#[case::by_key("ANGULAR_FEATURES['images_panel'] = False", "allow_credentials = false", &["error DU024"])]
#[case::by_key_of_a_dict("ANGULAR_FEATURES = {'images_panel': True}\nANGULAR_FEATURES['images_panel'] = 0", "allow_credentials = no", &["error DU024"])]
#[case::by_update("ANGULAR_FEATURES.update({'images_panel': False})", "allow_credentials = false", &["error DU024"])]
#[case::by_keyword("ANGULAR_FEATURES.update(images_panel=False)", "allow_credentials = false", &["error DU024"])]
#[case::merged("ANGULAR_FEATURES = {'images_panel': True}\nANGULAR_FEATURES |= {'images_panel': False}", "allow_credentials = false", &["error DU024"])]
#[case::another_key("ANGULAR_FEATURES['roles_panel'] = False", "allow_credentials = false", &[])]
#[case::not_known("from site import ANGULAR_FEATURES", "allow_credentials = false", &["error DU024"])]
#[case::not_known_after_a_change("ANGULAR_FEATURES = {'images_panel': True}\nANGULAR_FEATURES.update(more())", "allow_credentials = false", &["error DU024"])]
#[case::django_with_the_default("ANGULAR_FEATURES = {'images_panel': False}", "", &[])]
fn credentials_are_judged_as_the_panel_needs_them(
    #[case] settings: &str,
    #[case] lines: &str,
    #[case] expected: &[&str],
) {
    let conf = format!("[cors]\nallowed_origin = https://d.example\n{lines}\n");
    let main = "CSRF_TRUSTED_ORIGINS = ['https://d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    let snippet = ("etc/openstack-dashboard/local_settings.d/_50.py", settings);
    assert_eq!(found_in(&[(CONF, &conf), (SETTINGS, main), snippet], Some("2025.1")), expected, "{settings}");
}

#[rstest]
#[case::angular("True", "*", &["warning DU005"])]
#[case::django("False", "*", &["error DU005"])]
#[case::not_known("x", "*", &["error DU005"])]
#[case::django_is_listed_beside_it("False", "*,https://d.example", &["warning DU005"])]
#[case::django_is_not_listed("False", "*,https://e.example", &["error DU005"])]
fn a_wildcard_is_judged_as_the_panel_takes_it(#[case] panel: &str, #[case] origins: &str, #[case] expected: &[&str]) {
    let conf = format!("[cors]\nallowed_origin = {origins}\n");
    let settings = format!(
        "import x\nANGULAR_FEATURES = {{'images_panel': {panel}}}\nCSRF_TRUSTED_ORIGINS = ['https://d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"
    );
    assert_eq!(found_in(&[(CONF, &conf), (SETTINGS, &settings)], Some("2025.1")), expected);
}

/// Only Glance: the panel is unknown. In legacy mode no user is affected yet.
#[rstest]
#[case::alone(&[], &["error DU024"])]
#[case::legacy(&[(SETTINGS, "ANGULAR_FEATURES = {'images_panel': False}\nHORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n")], &["warning DU024"])]
fn the_panel_counts_for_direct_uploads(#[case] more: &[(&str, &str)], #[case] expected: &[&str]) {
    let conf = "[cors]\nallowed_origin = https://d.example\nallow_credentials = false\nallow_headers = X-Auth-Token,X-CSRFToken\n";
    assert_eq!(found_in(&[&[(CONF, conf)], more].concat(), Some("2025.1")), expected);
}

//! Which files Glance reads, and which of them wins.

use rstest::rstest;

use super::{CONF, DASHBOARD, GOOD, found_in};

const OTHER: &str = "[cors]\nallowed_origin = https://e.example\n";

#[rstest]
#[case::drop_in(&[(CONF, "[DEFAULT]\n"), ("etc/glance/glance-api.conf.d/x.conf", GOOD)], &[])]
#[case::projects_drop_in(&[(CONF, "[DEFAULT]\n"), ("etc/glance/glance.conf.d/x.conf", GOOD)], &[])]
#[case::elsewhere(&[(CONF, "[DEFAULT]\n"), ("etc/glance/cors.conf", GOOD)], &["error DU007"])]
#[case::other_folder(&[(CONF, "[DEFAULT]\n"), ("etc/glance/conf.d/cors.conf", GOOD)], &["error DU007"])]
#[case::no_conf(&[(CONF, "[DEFAULT]\n"), ("etc/glance/glance-api.conf.d/x.ini", GOOD)], &["error DU007"])]
#[case::elsewhere_too(&[(CONF, GOOD), ("etc/glance/cors.conf", GOOD)], &["note DU007"])]
#[case::overridden(&[(CONF, GOOD), ("etc/glance/glance-api.conf.d/x.conf", OTHER)], &["error DU007"])]
#[case::main_overrides_nothing(&[(CONF, OTHER), ("etc/glance/glance-api.conf.d/x.conf", GOOD)], &["warning DU007"])]
#[case::projects_drop_in_beats_main(&[(CONF, GOOD), ("etc/glance/glance.conf.d/x.conf", OTHER)], &["error DU007"])]
#[case::programs_beats_projects(&[("etc/glance/glance.conf.d/x.conf", OTHER), ("etc/glance/glance-api.conf.d/a.conf", GOOD)], &["warning DU007"])]
#[case::by_name(&[("etc/glance/glance-api.conf.d/90.conf", OTHER), ("etc/glance/glance-api.conf.d/10.conf", GOOD)], &["error DU007"])]
#[case::unparsable(&[(CONF, "[cors]\nallowed_origin\n")], &["error DU007"])]
#[case::paste_beats_all(&[(CONF, GOOD), ("etc/glance/glance-api-paste.ini", "[filter:cors]\nallowed_origin = https://e.example\npaste.filter_factory = glance.api\n")], &["error DU007"])]
fn an_origin_must_stand_where_glance_reads_it(#[case] files: &[(&str, &str)], #[case] expected: &[&str]) {
    assert_eq!(found_in(&[files, &[DASHBOARD]].concat(), Some("2025.1")), expected);
}

const PASTE: &str = "[pipeline:glance-api]\npipeline = cors context rootapp\n[pipeline:glance-api-keystone]\npipeline = cors authtoken context rootapp\n[filter:cors]\npaste.filter_factory = oslo_middleware.cors:filter_factory\n";

#[rstest]
#[case::shipped("keystone", None, &[])]
#[case::caching("keystone+caching", None, &[])]
#[case::never_was("keystone+cors", None, &["error DU008"])]
#[case::own("keystone", Some(PASTE), &[])]
#[case::own_lacks("keystone+caching", Some(PASTE), &["error DU008"])]
#[case::without_cors("keystone", Some("[pipeline:glance-api-keystone]\npipeline = authtoken context rootapp\n"), &["error DU008"])]
#[case::behind_login("keystone", Some("[pipeline:glance-api-keystone]\npipeline = healthcheck authtoken cors rootapp\n"), &["error DU020"])]
#[case::renamed("keystone", Some("[pipeline:glance-api-keystone]\npipeline = crossorigin authtoken rootapp\n[filter:crossorigin]\npaste.filter_factory = oslo_middleware.cors:filter_factory\n"), &[])]
#[case::composite("keystone", Some("[composite:glance-api-keystone]\n/: api\n[composite:api]\nkeystone = authtoken cors rootapp\n"), &["error DU020"])]
fn the_cors_filter_must_stand_in_the_pipeline_before_the_login(
    #[case] flavor: &str,
    #[case] paste: Option<&str>,
    #[case] expected: &[&str],
) {
    let conf = format!("{GOOD}[paste_deploy]\nflavor = {flavor}\n");
    let mut files = vec![(CONF, conf.as_str()), DASHBOARD];
    files.extend(paste.map(|text| ("etc/glance/glance-api-paste.ini", text)));
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}

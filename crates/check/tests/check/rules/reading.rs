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
#[case::a_byte_order_mark(&[(CONF, "\u{feff}[cors]\nallowed_origin = https://d.example\n")], &["error DU007"])]
#[case::a_byte_order_mark_before_a_comment(&[(CONF, "\u{feff}# cors = 1\n[cors]\nallowed_origin = https://d.example\n")], &["error DU007"])]
#[case::a_byte_order_mark_of_a_fragment(&[(CONF, GOOD), ("etc/glance/glance-api.conf.d/x.conf", "\u{feff}[DEFAULT]\nworkers = 2\n")], &["error DU007"])]
#[case::unparsable(&[(CONF, "[cors]\nallowed_origin\n")], &["error DU007"])]
#[case::paste_beats_all(&[(CONF, GOOD), ("etc/glance/glance-api-paste.ini", "[filter:cors]\nallowed_origin = https://e.example\npaste.filter_factory = glance.api\n")], &["error DU007"])]
fn an_origin_must_stand_where_glance_reads_it(#[case] files: &[(&str, &str)], #[case] expected: &[&str]) {
    assert_eq!(found_in(&[files, &[DASHBOARD]].concat(), Some("2025.1")), expected);
}

/// What each paste file has in addition to its pipelines.
const REST: &str = "[app:rootapp]\npaste.app_factory = glance.api:root\n[filter:context]\npaste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory\n[filter:healthcheck]\npaste.filter_factory = oslo_middleware:Healthcheck.factory\n[filter:authtoken]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\n";

const CORS: &str = "[filter:cors]\npaste.filter_factory = oslo_middleware.cors:filter_factory\noslo_config_project = glance\noslo_config_program = glance-api\n";

const PASTE: &str = "[pipeline:glance-api]\npipeline = cors context rootapp\n[pipeline:glance-api-keystone]\npipeline = cors authtoken context rootapp\n";

#[rstest]
#[case::shipped("keystone", None, &[])]
#[case::caching("keystone+caching", None, &[])]
#[case::never_was("keystone+cors", None, &["error DU008"])]
#[case::own("keystone", Some((PASTE, CORS)), &[])]
#[case::own_lacks("keystone+caching", Some((PASTE, CORS)), &["error DU008"])]
#[case::no_such_filter("keystone", Some((PASTE, "")), &["error DU008"])]
#[case::twice("keystone", Some((PASTE, "[filter:cors]\n[filter:cors]\n")), &["error DU008"])]
#[case::without_cors("keystone", Some(("[pipeline:glance-api-keystone]\npipeline = authtoken context rootapp\n", CORS)), &["error DU008"])]
#[case::behind_login("keystone", Some(("[pipeline:glance-api-keystone]\npipeline = healthcheck authtoken cors rootapp\n", CORS)), &["error DU020"])]
#[case::behind_login_that_waits("keystone", Some(("[pipeline:glance-api-keystone]\npipeline = waits cors rootapp\n[filter:waits]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\ndelay_auth_decision = true\n", CORS)), &[])]
#[case::size_limit("keystone", Some(("[pipeline:glance-api-keystone]\npipeline = cors sizelimit context rootapp\n[filter:sizelimit]\npaste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory\n", CORS)), &["error DU014"])]
#[case::renamed("keystone", Some(("[pipeline:glance-api-keystone]\npipeline = crossorigin authtoken rootapp\n[filter:crossorigin]\npaste.filter_factory = oslo_middleware.cors:filter_factory\noslo_config_project = glance\n", "")), &[])]
#[case::composite("keystone", Some(("[composite:glance-api-keystone]\n/: api\n[composite:api]\nkeystone = authtoken cors rootapp\n", CORS)), &["error DU020"])]
#[case::another_project("keystone", Some((PASTE, "[filter:cors]\npaste.filter_factory = oslo_middleware.cors:filter_factory\noslo_config_project = nova\n")), &["error DU007"])]
#[case::nothing_to_read("keystone", Some((PASTE, "[filter:cors]\npaste.filter_factory = oslo_middleware.cors:filter_factory\n")), &["error DU008"])]
#[case::another_program("keystone", Some((PASTE, "[filter:cors]\nuse = egg:wsgicors#middleware\npolicy = open\n")), &["warning DU008"])]
fn the_cors_filter_must_stand_in_the_pipeline_before_the_login(
    #[case] flavor: &str,
    #[case] paste: Option<(&str, &str)>,
    #[case] expected: &[&str],
) {
    let conf = format!("[DEFAULT]\n{GOOD}[paste_deploy]\nflavor = {flavor}\n");
    let text = paste.map(|(pipelines, filter)| format!("{pipelines}{filter}{REST}"));
    let mut files = vec![(CONF, conf.as_str()), DASHBOARD];
    files.extend(text.as_deref().map(|text| ("etc/glance/glance-api-paste.ini", text)));
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}

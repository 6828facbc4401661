//! Settings of the dashboard, and options that do not exist.

use rstest::rstest;

use super::{CONF, DASHBOARD, GOOD, SETTINGS, found_in};

const SNIPPET: &str = "etc/openstack-dashboard/local_settings.d/50.py";
const DIRECT: &str = "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
const LEGACY: &str = "HORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n";

#[rstest]
#[case::fine(&[(SETTINGS, LEGACY), (SNIPPET, DIRECT)], &[])]
#[case::not_python(&[(SETTINGS, ""), ("etc/openstack-dashboard/local_settings.d/50.conf", DIRECT)], &["warning DU016"])]
#[case::example(&[(SETTINGS, DIRECT), ("etc/openstack-dashboard/local_settings.d/x.py.example", "X = [")], &[])]
#[case::does_not_parse(&[(SETTINGS, ""), (SNIPPET, "HORIZON_IMAGES_UPLOAD_MODE = 'direct\n")], &["warning DU016"])]
#[case::other_does_not_parse(&[(SETTINGS, DIRECT), (SNIPPET, "X = (\n")], &["warning DU016"])]
#[case::unquoted(&[(SETTINGS, ""), (SNIPPET, "HORIZON_IMAGES_UPLOAD_MODE = direct\n")], &["warning DU016"])]
#[case::raises_before(&[(SETTINGS, ""), (SNIPPET, "raise ValueError()\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["warning DU016"])]
#[case::raises_in_function(&[(SETTINGS, DIRECT), (SNIPPET, "def f():\n    raise ValueError()\n")], &[])]
#[case::raises_perhaps(&[(SETTINGS, DIRECT), (SNIPPET, "if X:\n    raise ValueError()\n")], &[])]
#[case::capital(&[(SETTINGS, ""), (SNIPPET, "HORIZON_IMAGES_UPLOAD_MODE = 'Direct'\n")], &["warning DU016"])]
#[case::boolean(&[(SETTINGS, ""), (SNIPPET, "HORIZON_IMAGES_UPLOAD_MODE = True\n")], &["warning DU016"])]
#[case::overridden(&[(SETTINGS, ""), (SNIPPET, DIRECT), ("etc/openstack-dashboard/local_settings.d/_9.py", LEGACY)], &["warning DU016"])]
#[case::overridden_by_digits(&[(SETTINGS, ""), ("etc/openstack-dashboard/local_settings.d/10.py", DIRECT), (SNIPPET, LEGACY)], &["warning DU016"])]
#[case::in_one_file(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\nHORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n")], &["warning DU016"])]
#[case::perhaps(&[(SETTINGS, DIRECT), (SNIPPET, "import os\nif os.path.exists('/x'):\n    HORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n")], &[])]
#[case::from_environment(&[(SETTINGS, "import os\nHORIZON_IMAGES_UPLOAD_MODE = os.environ.get('MODE', 'direct')\n")], &[])]
#[case::computed(&[(SETTINGS, "from x import MODE\nHORIZON_IMAGES_UPLOAD_MODE = MODE\n")], &[])]
#[case::concatenated(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE = 'dir' + 'ect'\n")], &[])]
#[case::other_folder(&[(SETTINGS, ""), ("etc/openstack-dashboard/conf.d/50.py", DIRECT)], &["warning DU016"])]
#[case::never_was(&[(SETTINGS, "OPENSTACK_GLANCE_DIRECT_UPLOAD = True\n")], &["warning DU017"])]
#[case::seed(&[(SETTINGS, "GLANCE_ENDPOINT = 'https://g.example'\nCORS_ALLOWED_ORIGINS = []\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["warning DU017", "note DU017"])]
#[case::corsheaders(&[(SETTINGS, "ADD_INSTALLED_APPS = ['corsheaders']\nCORS_ALLOWED_ORIGINS = []\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::misspelt(&[(SETTINGS, "HORIZON_IMAGE_UPLOAD_MODE = 'direct'\n")], &["warning DU017"])]
#[case::lower_case(&[(SETTINGS, "horizon_images_upload_mode = 'direct'\n")], &["warning DU017"])]
#[case::in_a_dict(&[(SETTINGS, "HORIZON_CONFIG = {'HORIZON_IMAGES_UPLOAD_MODE': 'direct'}\n")], &["warning DU016"])]
#[case::in_a_function(&[(SETTINGS, "def settings():\n    HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["warning DU016"])]
#[case::compared(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE == 'direct'\n")], &["warning DU016"])]
#[case::as_in_yaml(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE: 'direct'\n")], &["warning DU016"])]
#[case::named_and_set(&[(SETTINGS, "REST = {'HORIZON_IMAGES_UPLOAD_MODE': 1}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::csp_of_django(&[(SETTINGS, "SECURE_CSP = {'default-src': [\"'self'\"]}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["error DU013"])]
#[case::csp_of_django_csp(&[(SETTINGS, "CONTENT_SECURITY_POLICY = {'DIRECTIVES': {'connect-src': [\"'self'\"]}}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["error DU013"])]
#[case::csp_of_more(&[(SETTINGS, "SECURE_CSP = {'connect-src': ['https://glance.example']}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::csp_by_names(&[(SETTINGS, "from django.utils.csp import CSP\nSECURE_CSP = {'default-src': [CSP.SELF], 'connect-src': [CSP.SELF]}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["error DU013"])]
#[case::csp_by_names_with_glance(&[(SETTINGS, "from django.utils.csp import CSP\nSECURE_CSP = {'default-src': [CSP.SELF], 'connect-src': [CSP.SELF, 'https://glance.example']}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::csp_by_a_longer_name(&[(SETTINGS, "from django.utils import csp\nSECURE_CSP = {'connect-src': [csp.CSP.SELF]}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["error DU013"])]
#[case::csp_of_scripts(&[(SETTINGS, "from django.utils.csp import CSP\nSECURE_CSP = {'script-src': [CSP.SELF, CSP.NONCE]}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::csp_that_reports(&[(SETTINGS, "from django.utils.csp import CSP\nSECURE_CSP_REPORT_ONLY = {'default-src': [CSP.SELF]}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::csp_of_constants(&[(SETTINGS, "from csp.constants import SELF, NONE as NOTHING\nCONTENT_SECURITY_POLICY = {'DIRECTIVES': {'default-src': [NOTHING], 'connect-src': [SELF]}}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["error DU013"])]
#[case::a_mark_before_the_main_file(&[(SETTINGS, "\u{feff}HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::a_mark_before_a_snippet(&[(SETTINGS, ""), (SNIPPET, "\u{feff}HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["warning DU016"])]
#[case::the_main_file_does_not_parse(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE = 'direct\n")], &["error DU016"])]
#[case::the_main_file_raises(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\nX = yes\n")], &["error DU016"])]
#[case::a_name_that_is_not_there(&[(SETTINGS, ""), (SNIPPET, "ANGULAR_FEATURESX['a'] = 1\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["warning DU016"])]
#[case::a_name_that_grows(&[(SETTINGS, ""), (SNIPPET, "MORE_APPS += ['a']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["warning DU016"])]
#[case::horizons_own_name(&[(SETTINGS, DIRECT), (SNIPPET, "ANGULAR_FEATURES['a'] = 1\nINSTALLED_APPS += ['a']\nHORIZON_CONFIG.update({'b': 1})\n")], &[])]
#[case::a_name_of_the_main_file(&[(SETTINGS, "DATABASES = {}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"), (SNIPPET, "DATABASES['default'] = {}\n")], &[])]
#[case::horizons_own_name_in_the_main_file(&[(SETTINGS, "HORIZON_CONFIG['a'] = 1\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["error DU016"])]
#[case::an_imported_name_in_the_main_file(&[(SETTINGS, "from openstack_dashboard.settings import HORIZON_CONFIG\nHORIZON_CONFIG['a'] = 1\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::a_name_of_a_star_import(&[(SETTINGS, "from openstack_dashboard.settings import *\nHORIZON_CONFIG['a'] = 1\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"), (SNIPPET, "OWN['a'] = 1\n")], &[])]
#[case::a_guarded_name(&[(SETTINGS, "try:\n    OWN['a'] = 1\nexcept NameError:\n    pass\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::divided_by_zero(&[(SETTINGS, ""), (SNIPPET, "X = 1 / 0\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["warning DU016"])]
#[case::a_text_with_zero(&[(SETTINGS, "X = '%d' % 0\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::among_the_globals(&[(SETTINGS, "globals()['HORIZON_IMAGES_UPLOAD_MODE'] = 'direct'\n")], &[])]
#[case::overridden_by_off(&[(SETTINGS, DIRECT), (SNIPPET, "HORIZON_IMAGES_UPLOAD_MODE = 'off'\n")], &["error DU016"])]
#[case::off(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE = 'off'\n")], &[])]
fn a_setting_must_take_effect_and_exist(#[case] files: &[(&str, &str)], #[case] expected: &[&str]) {
    assert_eq!(found_in(&[files, &[(CONF, GOOD)]].concat(), Some("2025.1")), expected);
}

#[rstest]
#[case::plural("[cors]\nallowed_origins = https://d.example\n", &["error DU002", "error DU017"])]
#[case::case_of_names("[cors]\nAllowed_Origin = https://d.example\n", &["error DU002", "error DU017"])]
#[case::nothing_but_an_unknown_one("[cors]\nenabled = true\n", &["error DU002", "note DU017"])]
#[case::headers("[cors]\nallowed_origin = https://d.example\nallowed_headers = X-Auth-Token\n", &["warning DU017"])]
#[case::in_default("[DEFAULT]\nallowed_origin = https://d.example\n[cors]\n", &["error DU002", "error DU017"])]
#[case::upper_case("[CORS]\nallowed_origin = https://d.example\n", &[])]
#[case::all_known("[cors]\nallowed_origin = https://d.example\nallow_credentials = true\nmax_age = 5\nexpose_headers = X\n", &[])]
fn options_that_glance_does_not_have_are_found(#[case] conf: &str, #[case] expected: &[&str]) {
    assert_eq!(found_in(&[(CONF, conf), DASHBOARD], Some("2025.1")), expected);
}

//! "Fine" is said only of what was seen as a whole.

use direct_upload_api::{Rule, Severity};
use direct_upload_check as check;
use direct_upload_check::{Report, Text, Verdict};
use rstest::rstest;

pub(super) fn report(files: &[(&str, &str)]) -> Report {
    of_release(files, Some("2025.1"))
}

/// `release`: none, if the images show it.
pub(super) fn of_release(files: &[(&str, &str)], release: Option<&str>) -> Report {
    let text = |(name, text): &(&str, &str)| Text { name: (*name).into(), text: (*text).into(), named: false };
    let release = release.map(|release| release.parse().unwrap());
    let (input, errors) =
        check::manifests::sort(files.iter().map(text).collect(), release, jiff::Timestamp::UNIX_EPOCH);
    assert!(errors.is_empty(), "{errors:?}");
    check::check(input)
}

pub(super) const CONF: (&str, &str) =
    ("etc/glance/glance-api.conf", "[DEFAULT]\n[cors]\nallowed_origin = https://d.example\n");
pub(super) const SETTINGS: (&str, &str) = (
    "etc/openstack-dashboard/local_settings.py",
    "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n",
);
pub(super) const HORIZON: (&str, &str) = (
    "etc/apache2/sites-enabled/horizon.conf",
    "<VirtualHost *:443>\nServerName d.example\nSSLEngine on\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\n</VirtualHost>\n",
);
pub(super) const GLANCE: (&str, &str) = (
    "etc/apache2/sites-enabled/glance.conf",
    "<VirtualHost *:443>\nServerName g.example\nSSLEngine on\nProxyPass / http://127.0.0.1:9292/\n</VirtualHost>\n",
);

#[test]
fn a_whole_cloud_is_fine() {
    let report = report(&[CONF, SETTINGS, HORIZON, GLANCE]);
    assert_eq!((report.verdict(), report.findings.len(), report.unseen), (Verdict::Fine, 0, vec![]));
}

/// Other variables, folders that are Glance's usual ones, and Glance's own server, which does not ask for the folder.
#[rstest]
#[case(
    "import os\nDEBUG = bool(os.environ.get('X'))\nALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n",
    "[Service]\nEnvironment=OS_GLANCE_CONFIG_DIR=/opt/own\nExecStart=/usr/bin/glance-api\n"
)]
#[case(SETTINGS.1, "[Service]\nEnvironment=OS_GLANCE_CONFIG_DIR=/etc/glance/\nExecStart=/usr/bin/uwsgi --ini /etc/glance/glance-api-uwsgi.ini\n")]
fn variables_that_decide_nothing(#[case] settings: &str, #[case] unit: &str) {
    let unit = ("etc/systemd/system/glance-api.service", unit);
    let report = report(&[CONF, (SETTINGS.0, settings), HORIZON, GLANCE, unit]);
    assert_eq!((report.verdict(), report.unseen), (Verdict::Fine, vec![]));
}

/// Connections that nginx passes on are a way to Glance.
#[test]
fn a_server_of_connections_is_in_front_of_glance() {
    let text = "stream {\n server {\n listen 9292;\n proxy_pass 192.0.2.6:9292;\n }\n}\n";
    let report = report(&[CONF, SETTINGS, HORIZON, ("etc/nginx/nginx.conf", text)]);
    assert_eq!((report.verdict(), report.findings.len(), report.unseen), (Verdict::Fine, 0, vec![]));
}

/// Debian's old and waiting sites: the server does not read them, unless they are all that there is.
#[test]
fn a_site_that_is_not_enabled_does_not_count() {
    let limit = GLANCE.1.replace(
        "ProxyPass / http://127.0.0.1:9292/",
        "LimitRequestBody 1000000\nWSGIScriptAlias / /usr/bin/glance-wsgi-api",
    );
    let old = ("etc/apache2/sites-available/old.conf", limit.as_str());
    let enabled = report(&[CONF, SETTINGS, HORIZON, GLANCE, old]);
    assert_eq!((enabled.verdict(), enabled.findings.len()), (Verdict::Fine, 0));
    let alone = report(&[CONF, SETTINGS, old]);
    assert!(alone.findings.iter().any(|finding| finding.rule == Rule::BodyLimit), "{:?}", alone.findings);
}

#[rstest]
#[case::glance(&[SETTINGS, HORIZON, GLANCE], "Glance: the input has no readable configuration")]
#[case::dashboard(&[CONF, HORIZON, GLANCE], "the dashboard: the input has no readable settings")]
#[case::before_glance(&[CONF, SETTINGS, HORIZON], "how browsers reach Glance")]
#[case::before_the_dashboard(&[CONF, SETTINGS, GLANCE], "how browsers reach the dashboard")]
#[case::a_fragment(&[("etc/glance/glance-api.conf.d/1.conf", "[cors]\nallowed_origin = https://d.example\n"), SETTINGS, HORIZON, GLANCE], "only fragments")]
#[case::a_template(&[CONF, SETTINGS, HORIZON, GLANCE, ("roles/x/templates/glance-api.conf.j2", "[cors]\nallowed_origin = {{ x }}\n")], "is a template")]
#[case::a_chart(&[CONF, SETTINGS, HORIZON, GLANCE, ("chart/templates/deployment.yaml", "{{- if .Values.x }}\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance}\n{{- end }}\n")], "is a template")]
#[case::a_computed_mode(&[CONF, ("etc/openstack-dashboard/local_settings.py", "import x\nALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = x.mode()\n"), HORIZON, GLANCE], "HORIZON_IMAGES_UPLOAD_MODE comes from")]
#[case::a_variable(&[CONF, ("etc/openstack-dashboard/local_settings.py", "import os\nALLOWED_HOSTS = ['d.example']\nmode = os.environ.get('MODE', 'direct')\nHORIZON_IMAGES_UPLOAD_MODE = mode\n"), HORIZON, GLANCE], "the environment variable MODE, on which")]
#[case::a_condition_on_a_variable(&[CONF, ("etc/openstack-dashboard/local_settings.py", "import os\nALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\nif os.environ.get('X'):\n    HORIZON_IMAGES_UPLOAD_MODE = 'off'\n"), HORIZON, GLANCE], "the environment variable X, on which")]
#[case::a_folder_of_glances_own(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, env: [{name: OS_GLANCE_CONFIG_DIR, value: /opt/own}], volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, configMap: {name: glance-etc}}]}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: glance-etc, namespace: o}\ndata: {glance-api.conf: '[DEFAULT]'}\n")], "/opt/own/glance-api.conf, which OS_GLANCE_CONFIG_DIR")]
#[case::a_folder_of_a_unit(&[CONF, SETTINGS, HORIZON, GLANCE, ("etc/systemd/system/glance-api.service", "[Service]\nEnvironment=OS_GLANCE_CONFIG_DIR=/opt/own\nExecStart=/usr/bin/uwsgi --ini /etc/glance/glance-api-uwsgi.ini\n")], "/opt/own/glance-api.conf, which OS_GLANCE_CONFIG_DIR")]
#[case::a_file_of_kolla(&[("etc/kolla/horizon/config.json", "{\"command\": \"x\", \"config_files\": [{\"source\": \"/var/lib/kolla/config_files/_9998-kolla-settings.py\", \"dest\": \"/etc/openstack-dashboard/local_settings.d/_9998-kolla-settings.py\"}, {\"source\": \"/var/lib/kolla/config_files/_9999-custom-settings.py\", \"dest\": \"/etc/openstack-dashboard/local_settings.d/_9999-custom-settings.py\"}]}"), ("etc/kolla/horizon/_9999-custom-settings.py", "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], "which config.json copies")]
#[case::an_old_version(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: r, namespace: o}\nspec: {rules: [{http: {paths: [{backend: {serviceName: glance-api}}]}}]}\n")], "check does not read networking.k8s.io/v1beta1 of this kind")]
#[case::connections_of_traefik(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: traefik.io/v1alpha1\nkind: IngressRouteTCP\nmetadata: {name: r, namespace: o}\nspec: {routes: [{match: HostSNI(`*`), services: [{name: glance-api}]}]}\n")], "check does not read objects of this kind")]
#[case::a_kind(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: apisix.apache.org/v2\nkind: ApisixRoute\nmetadata: {name: r, namespace: o}\nspec: {http: [{backends: [{serviceName: glance-api}]}]}\n")], "check does not read objects of this kind")]
#[case::a_release(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: glance, namespace: o}\nspec: {chart: {spec: {chart: glance}}}\n")], "what it deploys is not in the input")]
#[case::a_paste_file(&[("etc/glance/glance-api.conf", "[DEFAULT]\n[cors]\nallowed_origin = https://d.example\n[paste_deploy]\nconfig_file = /etc/glance/own-paste.ini\n"), SETTINGS, HORIZON, GLANCE], "own-paste.ini, which [paste_deploy]")]
#[case::routes_of_uwsgi(&[CONF, SETTINGS, HORIZON, GLANCE, ("etc/glance/glance-api-uwsgi.ini", "[uwsgi]\nhttp-socket = :9292\nroute-if = lt:${CONTENT_LENGTH};5 break:405\n")], "uWSGI's route-if")]
#[case::a_middleware(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: r, namespace: o}\nspec: {routes: [{match: Host(`g.example`), services: [{name: glance-api}], middlewares: [{name: gone}]}]}\n")], "Middleware o/gone")]
#[case::rules_of_cilium(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: r, namespace: o}\nspec: {endpointSelector: {matchLabels: {application: glance}}, ingress: [{toPorts: [{rules: {http: [{method: GET}]}}]}]}\n")], "which HTTP requests it lets pass")]
#[case::a_closed_pod(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: r, namespace: o}\nspec: {podSelector: {matchLabels: {application: glance}}, policyTypes: [Ingress], ingress: []}\n")], "it blocks all traffic to Glance's pods")]
#[case::a_pod_for_some(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: r, namespace: o}\nspec: {podSelector: {matchLabels: {application: glance}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {x: y}}}]}]}\n")], "it lets only some pods or addresses reach Glance's pods")]
#[case::a_pod_for_its_neighbours(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: r, namespace: o}\nspec: {podSelector: {matchLabels: {application: glance}}, ingress: [{from: [{podSelector: {matchLabels: {application: nova}}}, {ipBlock: {cidr: 192.0.2.0/24}}]}]}\n")], "it lets only some pods or addresses reach Glance's pods")]
#[case::connections_to_the_dashboard(&[CONF, ("etc/openstack-dashboard/local_settings.py", "ALLOWED_HOSTS = ['*']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"), GLANCE, ("etc/haproxy/haproxy.cfg", "defaults\n  mode tcp\n  timeout client 1h\n  timeout server 1h\nlisten horizon\n  bind :443\n  server h 192.0.2.1:443\n")], "nothing in the input names the dashboard's host; etc/haproxy/haproxy.cfg")]
#[case::connections_of_nginx_to_the_dashboard(&[CONF, ("etc/openstack-dashboard/local_settings.py", "ALLOWED_HOSTS = ['*']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"), GLANCE, ("etc/nginx/nginx.conf", "stream {\n server {\n listen 443;\n proxy_pass horizon.internal:443;\n }\n}\n")], "nothing in the input names the dashboard's host; etc/nginx/nginx.conf")]
#[case::a_secret(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, secret: {secretName: glance-etc}}]}}}\n")], "Secret o/glance-etc")]
#[case::encrypted(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, secret: {secretName: glance-etc}}]}}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: glance-etc, namespace: o}\nstringData: {glance-api.conf: 'ENC[AES256_GCM,data:abc=,iv:xx=,tag:yy==,type:str]'}\n")], "glance-api.conf of Secret o/glance-etc, which a tool must still decrypt or fill in")]
#[case::a_reference(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, secret: {secretName: glance-etc}}]}}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: glance-etc, namespace: o}\nstringData: {glance-api.conf: '<path:kv/data/glance#conf>'}\n")], "glance-api.conf of Secret o/glance-etc, which a tool must still decrypt or fill in")]
#[case::a_variable_of_flux(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, secret: {secretName: glance-etc}}]}}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: glance-etc, namespace: o}\nstringData: {glance-api.conf: '${GLANCE_CONF}'}\n")], "glance-api.conf of Secret o/glance-etc, which a tool must still decrypt or fill in")]
#[case::an_encrypted_file(&[("etc/glance/glance-api.conf", "$ANSIBLE_VAULT;1.1;AES256\n62313365396662343061393464336163\n"), SETTINGS, HORIZON, GLANCE], "is a template")]
#[case::a_star_import(&[CONF, ("etc/openstack-dashboard/local_settings.py", "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\nfrom local.custom import *\n"), HORIZON, GLANCE], "what local.custom sets")]
#[case::a_computed_name(&[CONF, ("etc/openstack-dashboard/local_settings.py", "import os\nALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\nfor k in os.environ:\n    globals()[k] = os.environ[k]\n"), HORIZON, GLANCE], "which names this line sets")]
#[case::computed_names(&[CONF, ("etc/openstack-dashboard/local_settings.py", "import os\nALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\nglobals().update(os.environ)\n"), HORIZON, GLANCE], "which names this line sets")]
#[case::a_computed_program(&[CONF, ("etc/openstack-dashboard/local_settings.py", "import os\nALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\nexec(open('/x').read())\n"), HORIZON, GLANCE], "which names this line sets")]
#[case::variables_of_a_secret(&[SETTINGS, HORIZON, GLANCE, ("glance.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: etc, namespace: o}\ndata: {glance-api.conf: \"[cors]\\nallowed_origin = https://d.example\\n\"}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, envFrom: [{secretRef: {name: more}}], volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, configMap: {name: etc}}]}}}\n")], "Secret o/more, whose keys are environment variables")]
#[case::the_dashboards_name(&[CONF, ("etc/openstack-dashboard/local_settings.py", "ALLOWED_HOSTS = ['*']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"), (HORIZON.0, "<VirtualHost *:443>\nSSLEngine on\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\n</VirtualHost>\n"), GLANCE], "nothing in the input names the dashboard's host")]
#[case::a_key(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, configMap: {name: glance-etc}}]}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: glance-etc, namespace: o}\ndata: {other: x}\n")], "which has no such key")]
#[case::a_file_of_the_command(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, args: [glance-api, --config-file, /etc/glance/own.conf], volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, configMap: {name: glance-etc}}]}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: glance-etc, namespace: o}\ndata: {glance-api.conf: '[DEFAULT]'}\n")], "/etc/glance/own.conf, which the command")]
#[case::a_volume(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: v, mountPath: /etc/glance}]}], volumes: [{name: v, hostPath: {path: /srv/glance}}]}}}\n")], "a hostPath volume")]
#[case::a_kind_before_a_service_of_any_name(&[SETTINGS, HORIZON, ("glance.yaml", IMAGES)], "TCPRoute o/r: it names Service images")]
fn what_is_missing_is_named(#[case] files: &[(&str, &str)], #[case] expected: &str) {
    let report = report(files);
    assert_eq!(report.verdict(), Verdict::Incomplete, "{:#?}", report.findings);
    assert!(report.unseen.iter().any(|what| what.contains(expected)), "{:#?}", report.unseen);
}

/// Glance behind a Service whose name does not say so, and a kind that leads there and is not read.
const IMAGES: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {metadata: {labels: {app: g}}, spec: {containers: [{name: g, volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, configMap: {name: etc}}]}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: etc, namespace: o}\ndata: {glance-api.conf: \"[DEFAULT]\\n[cors]\\nallowed_origin = https://d.example\\n\"}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: images, namespace: o}\nspec: {selector: {app: g}, ports: [{port: 9292}]}\n---\napiVersion: gateway.networking.k8s.io/v1alpha2\nkind: TCPRoute\nmetadata: {name: r, namespace: o}\nspec: {parentRefs: [{name: public}], rules: [{backendRefs: [{name: images, port: 9292}]}]}\n";

const NGINX: &str = "server {\n listen 443 ssl;\n server_name g.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n @\n location / {\n proxy_pass http://127.0.0.1:9292;\n }\n}\n";

const HAPROXY: &str = "defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\nfrontend images\n  bind :443 ssl crt g.pem\n  @\n  default_backend glance\nbackend glance\n  server g 192.0.2.2:9292\n";

fn before_glance(name: &str, text: &str, more: &[(&str, &str)]) -> Report {
    report(&[&[CONF, SETTINGS, HORIZON, (name, text)], more].concat())
}

/// What a server includes, and whom it lets pass, may decide about each upload.
#[rstest]
#[case::nothing("", None)]
#[case::a_snippet("include /etc/nginx/snippets/cors.conf;", Some("/etc/nginx/snippets/cors.conf, which the server"))]
#[case::usual("include /etc/nginx/proxy_params;", None)]
#[case::addresses("allow 192.0.2.0/24;\n deny all;", Some("lets only some addresses pass"))]
#[case::all_addresses("allow all;\n deny all;", None)]
fn what_nginx_does_not_show(#[case] lines: &str, #[case] expected: Option<&str>) {
    unseen(&before_glance("etc/nginx/conf.d/glance.conf", &NGINX.replace('@', lines), &[]), expected);
}

#[rstest]
#[case::a_file("Include /etc/apache2/extra/limits.conf", Some("/etc/apache2/extra/limits.conf, which the server"))]
#[case::a_folder("IncludeOptional conf-extra/*.conf", Some("conf-extra/*.conf, which the server"))]
#[case::addresses("<Location />\nRequire ip 192.0.2.0/24\n</Location>", Some("lets only some addresses pass"))]
#[case::addresses_of_old(
    "<Location />\nOrder deny,allow\nDeny from all\nAllow from 192.0.2.0/24\n</Location>",
    Some("lets only some addresses pass")
)]
#[case::everybody("<Location />\nRequire all granted\n</Location>", None)]
fn what_httpd_does_not_show(#[case] lines: &str, #[case] expected: Option<&str>) {
    let host = GLANCE.1.replace("</VirtualHost>", &format!("{lines}\n</VirtualHost>"));
    unseen(&before_glance(GLANCE.0, &host, &[]), expected);
}

/// A variable of the browser's address, by default one that is refused.
#[rstest]
#[case::refused_unless_listed("geo $own { default 1; 192.0.2.0/24 0; }", "if ($own) { return 403; }", true)]
#[case::compared("geo $own { default no; 192.0.2.0/24 yes; }", "if ($own = no) { return 403; }", true)]
#[case::compared_with_another("geo $own { default no; 192.0.2.0/24 yes; }", "if ($own != yes) { return 403; }", true)]
#[case::listed_are_refused("geo $own { default 0; 192.0.2.0/24 1; }", "if ($own) { return 403; }", false)]
#[case::no_default("geo $own { 192.0.2.0/24 1; }", "if ($own) { return 403; }", false)]
#[case::of_a_log("geo $own { default 1; 192.0.2.0/24 0; }", "set $log $own;", false)]
fn addresses_of_nginxs_geo(#[case] geo: &str, #[case] line: &str, #[case] told: bool) {
    let text = format!("{geo}\n{}", NGINX.replace('@', line));
    let report = report(&[CONF, SETTINGS, HORIZON, ("etc/nginx/conf.d/glance.conf", &text)]);
    assert_eq!(
        report.unseen.iter().any(|what| what.contains("geo lets only some addresses pass")),
        told,
        "{:?}",
        report.unseen
    );
}

/// Glance's own port, and the one to which a server leads.
#[rstest]
#[case::its_own("", "9292", None)]
#[case::of_a_uwsgi_that_is_not_seen("", "60999", None)]
#[case::written("bind_port = 9191\n", "9191", None)]
#[case::another_than_written("bind_port = 9191\n", "9292", Some("leads to port 9292, but Glance listens on 9191"))]
#[case::of_nginx("", "nginx 9191", Some("leads to port 9191, but Glance listens on 9292"))]
#[case::its_own_of_nginx("", "nginx 9292", None)]
fn a_server_leads_to_the_port_of_glance(#[case] line: &str, #[case] port: &str, #[case] expected: Option<&str>) {
    let conf = format!("[DEFAULT]\n{line}[cors]\nallowed_origin = https://d.example\n[keystone_authtoken]\n");
    let (name, host) = match port.strip_prefix("nginx ") {
        Some(port) => ("etc/nginx/conf.d/glance.conf", NGINX.replace('@', "").replace("9292", port)),
        None => (GLANCE.0, GLANCE.1.replace("9292", port)),
    };
    let report = report(&[(CONF.0, &conf), SETTINGS, HORIZON, (name, &host)]);
    match expected {
        Some(text) => assert!(report.unseen.iter().any(|what| what.contains(text)), "{:?}", report.unseen),
        None => assert!(report.unseen.is_empty(), "{:?}", report.unseen),
    }
}

/// An included file of the input is read.
#[test]
fn what_is_included_and_there_is_not_missed() {
    let host = GLANCE.1.replace("</VirtualHost>", "Include /etc/apache2/extra/limits.conf\n</VirtualHost>");
    let limits = ("etc/apache2/extra/limits.conf", "LimitRequestBody 0\n");
    unseen(&before_glance(GLANCE.0, &host, &[limits]), None);
}

#[rstest]
#[case::listed("http-request deny unless { src 192.0.2.0/24 }", Some("lets only some addresses pass"))]
#[case::named("acl own src 192.0.2.0/24\n  http-request deny if !own", Some("lets only some addresses pass"))]
#[case::blocked("http-request deny if { src -f /etc/haproxy/blocked.lst }", None)]
fn whom_haproxy_lets_pass(#[case] lines: &str, #[case] expected: Option<&str>) {
    unseen(&before_glance("etc/haproxy/haproxy.cfg", &HAPROXY.replace('@', lines), &[]), expected);
}

/// Conditions that may end an upload, and whose values the input does not show. Those of misuse, load and files on the
/// server's disk are left out.
#[rstest]
#[case::a_file("haproxy", "http-request deny if { path_beg -f /etc/haproxy/paths.lst }", true)]
#[case::a_variable("haproxy", "http-request deny if { env(CLOSED) -m bool }", true)]
#[case::a_rate("haproxy", "http-request deny if { sc_http_req_rate(0) gt 100 }", false)]
#[case::load("haproxy", "http-request deny if { nbsrv(glance) lt 1 }", false)]
#[case::decided("haproxy", "http-request deny if { path_beg /v1 }", false)]
#[case::nginxs_variable("nginx", "if ($ssl_protocol = TLSv1.2) {\n return 403;\n }", true)]
#[case::nginxs_file("nginx", "if (-f /etc/nginx/closed) {\n return 503;\n }", false)]
#[case::an_address("nginx", "if ($remote_addr != 192.0.2.7) {\n return 403;\n }", false)]
#[case::an_expression("httpd", "<If \"%{TIME_HOUR} -gt 20\">\nRequire all denied\n</If>", true)]
#[case::an_expression_that_lets_pass("httpd", "<If \"%{TIME_HOUR} -gt 20\">\nRequire all granted\n</If>", false)]
#[case::an_environment("httpd", "<Location />\nRequire env OPEN\n</Location>", true)]
fn conditions_that_the_input_does_not_decide(#[case] server: &str, #[case] lines: &str, #[case] told: bool) {
    let report = match server {
        "haproxy" => before_glance("etc/haproxy/haproxy.cfg", &HAPROXY.replace('@', lines), &[]),
        "nginx" => before_glance("etc/nginx/conf.d/glance.conf", &NGINX.replace('@', lines), &[]),
        _ => {
            let host = GLANCE.1.replace("</VirtualHost>", &format!("{lines}\n</VirtualHost>"));
            before_glance(GLANCE.0, &host, &[])
        }
    };
    unseen(&report, told.then_some("the input does not show whether this ends uploads"));
}

/// Star imports that cannot change the mode.
#[rstest]
#[case::before("from local.custom import *\nALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")]
#[case::of_horizon(
    "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\nfrom openstack_dashboard.settings import *\n"
)]
#[case::of_one_name(
    "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\nfrom local.custom import THEMES\n"
)]
fn imports_that_do_not_set_the_mode(#[case] settings: &str) {
    unseen(&report(&[CONF, (SETTINGS.0, settings), HORIZON, GLANCE]), None);
}

fn unseen(report: &Report, expected: Option<&str>) {
    let found: Vec<_> = report.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(found.is_empty(), "{found:#?}");
    match expected {
        None => assert_eq!(report.unseen, [""; 0]),
        Some(words) => assert!(report.unseen.iter().any(|what| what.contains(words)), "{:#?}", report.unseen),
    }
}

/// Who may upload, by Glance's own policy file.
#[rstest]
#[case::nobody("\"upload_image\": \"!\"\n", Some("upload_image is \"!\""))]
#[case::administrators("\"upload_image\": \"role:admin\"\n", Some("upload_image is \"role:admin\""))]
#[case::members("\"upload_image\": \"role:admin or role:member\"\n", None)]
#[case::everybody("\"upload_image\": \"\"\n", None)]
#[case::only_a_sample("#\"upload_image\": \"role:admin\"\n", None)]
#[case::another("\"publicize_image\": \"role:admin\"\n", None)]
fn a_policy_that_users_may_not_pass(#[case] policy: &str, #[case] expected: Option<&str>) {
    unseen(&report(&[CONF, SETTINGS, HORIZON, GLANCE, ("etc/glance/policy.yaml", policy)]), expected);
}

/// The published URL is one that a seen server serves.
#[rstest]
#[case::served("https://g.example", None)]
#[case::another_name("https://images.example", Some("has the name images.example"))]
#[case::another_port("https://g.example:9292", Some("listens on port 9292"))]
fn a_published_url_that_nothing_serves(#[case] url: &str, #[case] expected: Option<&str>) {
    let conf = (CONF.0, &*format!("[DEFAULT]\npublic_endpoint = {url}\n[cors]\nallowed_origin = https://d.example\n"));
    unseen(&report(&[conf, SETTINGS, HORIZON, GLANCE]), expected);
}

#[test]
fn httpd_leads_another_path_than_the_published_one() {
    let conf = (CONF.0, "[DEFAULT]\npublic_endpoint = https://g.example\n[cors]\nallowed_origin = https://d.example\n");
    let host = GLANCE.1.replace("ProxyPass /", "ProxyPass /v1");
    unseen(&report(&[conf, SETTINGS, HORIZON, (GLANCE.0, &host)]), Some("no ProxyPass of"));
}

/// `allowed_origin` says https, and nothing that is seen ends TLS.
#[rstest]
#[case::plain("<VirtualHost *:80>", "", "https", Some("what ends TLS before the dashboard"))]
#[case::plain_and_so_is_the_origin("<VirtualHost *:80>", "", "http", None)]
#[case::stated("<VirtualHost *:80>", "CSRF_TRUSTED_ORIGINS = ['https://d.example']\n", "https", None)]
#[case::tls("<VirtualHost *:443>", "", "https", None)]
fn what_ends_tls(#[case] host: &str, #[case] settings: &str, #[case] scheme: &str, #[case] expected: Option<&str>) {
    let conf = CONF.1.replace("https", scheme);
    let mut horizon = HORIZON.1.replace("<VirtualHost *:443>", host);
    if host.contains(":80") {
        horizon = horizon.replace("SSLEngine on\n", "");
    }
    let settings = format!("{}{settings}", SETTINGS.1);
    unseen(&report(&[(CONF.0, &conf), (SETTINGS.0, &settings), (HORIZON.0, &horizon), GLANCE]), expected);
}

/// Files that are mounted in addition to configuration do not affect an upload.
#[test]
fn certificates_are_not_missed() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: c, mountPath: /etc/glance/certs/tls.crt}]}], volumes: [{name: c, secret: {secretName: glance-tls}}]}}}\n";
    let report = report(&[CONF, SETTINGS, HORIZON, GLANCE, ("glance.yaml", text)]);
    assert_eq!(report.unseen, [""; 0]);
}

/// A report ends with what was looked at, and an incomplete one never says "fine".
#[test]
fn a_report_ends_with_what_was_looked_at() {
    let text = check::output::text(&report(&[CONF, SETTINGS, HORIZON]), false);
    assert!(text.starts_with("incomplete: "), "{text}");
    assert!(!text.contains("fine"), "{text}");
    let (_, table) = text.split_once("checked:\n").unwrap();
    assert!(table.contains("Glance") && table.contains("release 2025.1 (--release)"), "{table}");
    assert!(table.ends_with("behind httpd etc/apache2/sites-enabled/horizon.conf:1\n"), "{table}");
}

/// Policies that let what leads browsers to Glance pass, or whose peers may be that.
#[rstest]
#[case::everybody("ingress: [{}]")]
#[case::a_port("ingress: [{ports: [{port: 9292}]}]")]
#[case::all_namespaces("ingress: [{from: [{namespaceSelector: {}}]}]")]
#[case::a_controller(
    "ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}]}]"
)]
#[case::the_router_of_openshift(
    "ingress: [{from: [{namespaceSelector: {matchLabels: {network.openshift.io/policy-group: ingress}}}]}]"
)]
#[case::all_addresses("ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]")]
#[case::what_leaves("policyTypes: [Egress], egress: []")]
#[case::other_pods("ingress: [], podSelector: {matchLabels: {application: nova}}")]
fn a_network_policy_that_lets_browsers_pass(#[case] spec: &str) {
    let selector = if spec.contains("podSelector: {matchLabels: {application: nova}}") {
        ""
    } else {
        "podSelector: {matchLabels: {application: glance}}, "
    };
    let policy = format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: r, namespace: o}}\nspec: {{{selector}{spec}}}\n"
    );
    let report = report(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", &policy)]);
    assert_eq!((report.verdict(), report.unseen), (Verdict::Fine, vec![]));
}

/// Files in the folder of one of several clouds.
fn of_cloud<'a>(folder: &str, files: &[(&str, &'a str)], host: &str) -> Vec<(String, String)> {
    let own = |(name, text): &(&str, &'a str)| (format!("{folder}/{name}"), text.replace(".example", host));
    files.iter().map(own).collect()
}

/// One whole cloud says nothing about the next.
#[rstest]
#[case::nothing_before(&[CONF, SETTINGS], ".b.example", "how browsers reach b/glance")]
#[case::nothing_before_its_dashboard(&[CONF, SETTINGS, GLANCE], ".b.example", "how browsers reach b/horizon")]
#[case::no_glance(&[SETTINGS, HORIZON], ".b.example", "the Glance of b/horizon")]
#[case::another_region(
    &[("etc/glance/glance-api.conf", "[DEFAULT]\npublic_endpoint = https://g.example\n[cors]\n"), GLANCE],
    ".b.example",
    "which dashboard uploads to b/glance"
)]
fn each_cloud_is_complete(#[case] second: &[(&str, &str)], #[case] host: &str, #[case] gap: &str) {
    let first = [
        (
            "etc/glance/glance-api.conf",
            "[DEFAULT]\npublic_endpoint = https://g.example\n[cors]\nallowed_origin = https://d.example\n",
        ),
        SETTINGS,
        HORIZON,
        GLANCE,
    ];
    let all = [of_cloud("a", &first, ".example"), of_cloud("b", second, host)].concat();
    let all: Vec<(&str, &str)> = all.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let report = report(&all);
    assert_eq!(report.verdict(), Verdict::Incomplete, "{:?}", report.findings);
    assert!(report.unseen.iter().any(|what| what.starts_with(gap)), "{:?}", report.unseen);
}

/// Controllers of one cloud, of which one has the balancer, and a second host with the same dashboard.
#[test]
fn machines_of_one_cloud_are_no_clouds() {
    let balancer = (
        "etc/haproxy/haproxy.cfg",
        "defaults\n mode http\nfrontend glance\n bind 192.0.2.1:9292 ssl crt x\n default_backend glance\nbackend glance\n server c1 192.0.2.2:9292\n server c2 192.0.2.3:9292\n",
    );
    let first = of_cloud("c1", &[CONF, SETTINGS, HORIZON, balancer], ".example");
    let second = of_cloud("c2", &[CONF, SETTINGS, HORIZON], ".example");
    let third = of_cloud("c3", &[SETTINGS, HORIZON], ".example");
    let all = [first, second, third].concat();
    let all: Vec<(&str, &str)> = all.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let report = report(&all);
    assert_eq!((report.verdict(), report.unseen), (Verdict::Fine, vec![]), "{:?}", report.findings);
}

/// A server of uWSGI with one more line.
fn with_uwsgi(line: &str) -> Report {
    let ini =
        format!("[uwsgi]\nhttp-socket = 127.0.0.1:9292\nmodule = glance.wsgi.api\nsocket-timeout = 600\n{line}\n");
    report(&[CONF, SETTINGS, HORIZON, GLANCE, ("etc/glance/glance-api-uwsgi.ini", &ini)])
}

/// uWSGI's own language: other sections, other options' values, conditions, the environment.
#[rstest]
#[case("", Verdict::Fine)]
#[case("[debug]\nlimit-post = 10", Verdict::Fine)]
#[case("lim = 10\nlimit-post = %(lim)", Verdict::Fails)]
#[case("if-env = LIMITED\nlimit-post = 10\nendif =", Verdict::Incomplete)]
#[case("limit-post = $(LIMIT)", Verdict::Incomplete)]
#[case("ini = /etc/glance/limits.ini", Verdict::Incomplete)]
#[case("del-header = Access-Control-Allow-Origin", Verdict::Fails)]
#[case("route-run = addheader:Access-Control-Allow-Origin: *", Verdict::Fails)]
#[case("route = ^/v3 addheader:Access-Control-Allow-Origin: *", Verdict::Fine)]
#[case("route-run = addheader:X-Served-By: g", Verdict::Fine)]
fn the_language_of_uwsgi(#[case] line: &str, #[case] verdict: Verdict) {
    let report = with_uwsgi(line);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// Options on uWSGI's command line count as those in its file.
#[test]
fn the_command_line_of_uwsgi() {
    let unit = "[Service]\nExecStart=/usr/bin/uwsgi --ini /etc/glance/glance-api-uwsgi.ini --limit-post 10\n";
    let ini = "[uwsgi]\nhttp-socket = 127.0.0.1:9292\nmodule = glance.wsgi.api\nsocket-timeout = 600\n";
    let uwsgi = ("etc/glance/glance-api-uwsgi.ini", ini);
    let of_unit = ("etc/systemd/system/glance-api.service", unit);
    let report = report(&[CONF, SETTINGS, HORIZON, GLANCE, uwsgi, of_unit]);
    assert_eq!(report.verdict(), Verdict::Fails, "{:?}", report.findings);
}

/// Only servers that answer the published URL are judged.
#[rstest]
#[case::another_name(
    "<VirtualHost *:443>\nServerName int.example\nSSLEngine on\nHeader always set Access-Control-Allow-Origin *\nProxyPass / http://127.0.0.1:9292/\n</VirtualHost>\n",
    Verdict::Fine
)]
#[case::plain_http(
    "<VirtualHost *:80>\nServerName g.example\nHeader always set Access-Control-Allow-Origin *\nProxyPass / http://127.0.0.1:9292/\n</VirtualHost>\n",
    Verdict::Fine
)]
fn servers_that_browsers_do_not_use(#[case] other: &str, #[case] verdict: Verdict) {
    let conf = CONF.1.replace("[DEFAULT]\n", "[DEFAULT]\npublic_endpoint = https://g.example\n");
    let other = ("etc/apache2/sites-enabled/other.conf", other);
    let report = report(&[(CONF.0, &conf), SETTINGS, HORIZON, GLANCE, other]);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// `<Proxy *>` is about what httpd passes on to Glance, and one of another URL is not.
#[rstest]
#[case("<Proxy *>\nRequire all denied\n</Proxy>", Verdict::Fails)]
#[case("<Proxy *>\nOrder deny,allow\nDeny from all\n</Proxy>", Verdict::Fails)]
#[case("<Proxy http://192.0.2.9/>\nRequire all denied\n</Proxy>", Verdict::Fine)]
fn a_closed_proxy(#[case] block: &str, #[case] verdict: Verdict) {
    let text = GLANCE.1.replace("SSLEngine on\n", &format!("SSLEngine on\n{block}\n"));
    let report = report(&[CONF, SETTINGS, HORIZON, (GLANCE.0, &text)]);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// A rule about the status of an answer, of which Glance's answers to an upload have 200 and 204.
#[rstest]
#[case("if { status ge 500 }", Verdict::Fine)]
#[case("if { status lt 300 }", Verdict::Fails)]
fn a_status_of_haproxy(#[case] condition: &str, #[case] verdict: Verdict) {
    let text = format!(
        "defaults\n mode http\nfrontend glance\n bind 192.0.2.1:9292 ssl crt x\n default_backend glance\nbackend glance\n http-response add-header Access-Control-Allow-Origin * {condition}\n server c1 192.0.2.2:9292\n"
    );
    let report = report(&[CONF, SETTINGS, HORIZON, ("etc/haproxy/haproxy.cfg", &text)]);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// Copies that nothing reads, and what the filter does not read but the dashboard does not need either.
#[rstest]
#[case("etc/glance/backup/glance-api.conf", Verdict::Fine, 0)]
#[case("etc/glance/glance-api.conf.d/old/cors.conf", Verdict::Fine, 0)]
#[case("etc/glance/glance-api.conf.d/sub/cors.conf", Verdict::Fine, 1)]
#[case("etc/glance/site.d/cors.conf", Verdict::Fine, 1)]
#[case("etc/glance/glance-api.conf.save", Verdict::Fine, 0)]
fn copies_are_no_errors(#[case] path: &str, #[case] verdict: Verdict, #[case] findings: usize) {
    let old = "[cors]\nallowed_origin = https://old.example\n";
    let report = report(&[CONF, SETTINGS, HORIZON, GLANCE, (path, old)]);
    assert_eq!((report.verdict(), report.findings.len()), (verdict, findings), "{:?}", report.findings);
}

//! Which file is whose, by its name and text.

use direct_upload_check::classify::{Kind, kind, program_path};
use rstest::rstest;

#[rstest]
#[case("etc/glance/glance-api.conf", "", Some(Kind::Glance))]
#[case("etc/glance/glance-api.conf.d/x.txt", "", Some(Kind::Glance))]
#[case("etc/glance/custom/cors.conf", "[cors]\nallowed_origin=x", Some(Kind::Glance))]
#[case("etc/nova/nova.conf", "[cors]\n[paste_deploy]\n", Some(Kind::Oslo))]
#[case("etc/nova/conf.d/cors.conf", "[cors]\n", Some(Kind::Oslo))]
#[case("etc/nova/nova.conf", "[DEFAULT]\n", None)]
#[case(
    "etc/systemd/system/glance-api.service.d/cors.conf",
    "[Service]\nEnvironment=OS_CORS__ALLOWED_ORIGIN=https://d.example\n",
    Some(Kind::Systemd)
)]
#[case(
    "etc/systemd/system/nova-api.service.d/cors.conf",
    "[Service]\nEnvironment=OS_CORS__ALLOWED_ORIGIN=https://d.example\n",
    None
)]
#[case("etc/systemd/system/glance-api.service", "[Service]\nExecStart=/usr/bin/glance-api\n", Some(Kind::Systemd))]
#[case("etc/systemd/system/nova-api.service", "[Service]\nExecStart=/usr/bin/nova-api\n", None)]
#[case("etc/haproxy/hosts.map", "# hosts\nd.example horizon-back\n", Some(Kind::Map))]
#[case("static/app.js.map", "{\"version\":3}", None)]
#[case("traefik.yaml", "entryPoints:\n  web:\n    address: ':80'\n", Some(Kind::Traefik))]
#[case("cors.conf", "[cors]\nallowed_origin=x", Some(Kind::Glance))]
#[case("00-config.conf", "[DEFAULT]\n[glance_store]\n", Some(Kind::Glance))]
#[case("api-paste.ini", "[pipeline:glance-api-keystone]\npipeline = cors", Some(Kind::Paste))]
#[case("local_settings", "", Some(Kind::Settings))]
#[case("local_settings.d/README", "about it", None)]
#[case("local_settings.d/x.py.example", "HORIZON_IMAGES_UPLOAD_MODE = 'direct'", None)]
#[case("local_settings.d/x.conf", "HORIZON_IMAGES_UPLOAD_MODE = 'direct'", Some(Kind::Settings))]
#[case("site-packages/openstack_dashboard/defaults.py", "HORIZON_IMAGES_UPLOAD_MODE = 'legacy'", None)]
#[case("glance.conf.d/00.conf", "", Some(Kind::Glance))]
#[case("sites-enabled/glance.conf", "<VirtualHost *:9292>", Some(Kind::Httpd))]
#[case("sites-enabled/glance", "<VirtualHost *:9292>", Some(Kind::Httpd))]
#[case("etc/apache2/sites-enabled/glance.conf.old", "<VirtualHost *:9292>", None)]
#[case("etc/httpd/conf.d/glance.off", "<VirtualHost *:9292>", None)]
#[case("etc/httpd/conf.d/glance.no", "<VirtualHost *:9292>", None)]
#[case("etc/nginx/sites-enabled/glance", "server { listen 80; }", Some(Kind::Nginx))]
#[case("etc/glance/glance-api.conf.2024-01-01", "[cors]\nallowed_origin=x", None)]
#[case("etc/glance/glance-api.conf.dpkg-old", "[cors]\nallowed_origin=x", None)]
#[case("services.yml", "http:\n  services:\n    glance:\n      loadBalancer:\n", Some(Kind::Traefik))]
#[case("nginx.conf", "http {\n server {\n listen 80; } }", Some(Kind::Nginx))]
#[case("haproxy.cfg", "global\n  daemon\ndefaults\n  mode http\n", Some(Kind::Haproxy))]
#[case("glance.cfg", "listen glance_api\n\n  bind 192.0.2.1:9292\n", Some(Kind::Haproxy))]
#[case("setup.cfg", "defaults\nx = 1\n", None)]
#[case("x.ini", "[uwsgi]\nhttp = :9292", Some(Kind::Uwsgi))]
#[case("config.json", "{\"config_files\": []}", Some(Kind::Kolla))]
#[case("policy.json", "{}", None)]
fn kinds(#[case] path: &str, #[case] text: &str, #[case] expected: Option<Kind>) {
    assert_eq!(kind(path, text), expected);
}

#[rstest]
#[case("node1/etc/glance/glance-api.conf", Some("/etc/glance/glance-api.conf"))]
#[case("/etc/openstack-dashboard/local_settings.d/x.py", Some("/etc/openstack-dashboard/local_settings.d/x.py"))]
#[case("myetc/glance/glance-api.conf", None)]
#[case("glance-api.conf", None)]
fn paths(#[case] path: &str, #[case] expected: Option<&str>) {
    assert_eq!(program_path(path).as_deref(), expected);
}

//! `httpd -t` over whole folders as the distributions lay them out, with the fragment where the layout
//! puts it. The httpd is this machine's: on Debian, Debian's binary reads Red Hat's layout.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use direct_upload_core::render::{HttpdServer, TlsHost};
use rstest::rstest;
use tempfile::TempDir;

use crate::render::glance::httpd::fragment as glance_fragment;
use crate::render::horizon::proxy::fragment as proxy_fragment;
use crate::render::httpd::server::{MODULES, Site, binary, module_dir};

/// As puppet-glance and RDO's images run glance-api under mod_wsgi.
const WSGI: &str = "Listen 9292\n<VirtualHost *:9292>\n  ServerName glance.example.com\n  DocumentRoot \"/var/www/cgi-bin/glance\"\n  <Directory \"/var/www/cgi-bin/glance\">\n    Options -Indexes +FollowSymLinks +MultiViews\n    AllowOverride None\n    Require all granted\n  </Directory>\n  SetEnvIf X-Forwarded-Proto https HTTPS=1\n  WSGIApplicationGroup %{GLOBAL}\n  WSGIDaemonProcess glance display-name=glance_wsgi processes=2 threads=1\n  WSGIProcessGroup glance\n  WSGIScriptAlias / \"/var/www/cgi-bin/glance/glance-api\"\n</VirtualHost>\n";
/// httpd before glance-api, as glance-operator has it.
const PROXY: &str = "Listen 9292\n<VirtualHost *:9292>\n  ServerName glance.example.com\n  SetEnv proxy-initial-not-pooled 1\n  <Location \"/\">\n    Require all granted\n  </Location>\n  ProxyPass / http://localhost:9293/ retry=10\n  ProxyPassReverse / http://localhost:9293/\n</VirtualHost>\n";
const UWSGI: &str = "Listen 9292\n<VirtualHost *:9292>\n  ProxyPass / uwsgi://127.0.0.1:9293/\n</VirtualHost>\n";
/// The dashboard's package: no virtual host of its own.
const DASHBOARD: &str = "WSGIDaemonProcess dashboard\nWSGIProcessGroup dashboard\nWSGISocketPrefix run/wsgi\nWSGIApplicationGroup %{GLOBAL}\nWSGIScriptAlias /dashboard /usr/share/openstack-dashboard/openstack_dashboard/wsgi.py\nAlias /dashboard/static /usr/share/openstack-dashboard/static\n<Directory /usr/share/openstack-dashboard/openstack_dashboard>\n  Options All\n  AllowOverride All\n  Require all granted\n</Directory>\n";

struct Layout {
    /// Of the service, below the root.
    host: &'static str,
    /// Of our fragment.
    ours: &'static str,
    main: &'static str,
    conf: &'static str,
    modules: &'static str,
}

const DEBIAN: Layout = Layout {
    host: "sites-enabled/000-service.conf",
    ours: "conf-enabled/zz-direct-upload-httpd.conf",
    main: "apache2.conf",
    conf: "DefaultRuntimeDir run\nPidFile run/apache2.pid\nTimeout 300\nErrorLog error.log\nIncludeOptional mods-enabled/*.load\nInclude ports.conf\n<Directory />\n  AllowOverride None\n  Require all denied\n</Directory>\nIncludeOptional conf-enabled/*.conf\nIncludeOptional sites-enabled/*.conf\n",
    modules: "mods-enabled/all.load",
};
const RED_HAT: Layout = Layout {
    host: "conf.d/10-service.conf",
    ours: "conf.d/zz-direct-upload-httpd.conf",
    main: "conf/httpd.conf",
    conf: "Listen 80\nInclude conf.modules.d/*.conf\nServerAdmin root@localhost\n<Directory />\n  AllowOverride none\n  Require all denied\n</Directory>\nDocumentRoot \"/var/www/html\"\nErrorLog \"error.log\"\nLogLevel warn\nEnableSendfile on\nIncludeOptional conf.d/*.conf\n",
    modules: "conf.modules.d/00-base.conf",
};

/// What `httpd -t` says.
fn check(layout: &Layout, modules: &[&str], host: &str, ours: &str) -> (bool, String) {
    let root: TempDir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let mut loads = String::new();
    for name in modules {
        let _ = writeln!(loads, "LoadModule {name}_module modules/mod_{name}.so");
    }
    symlink(module_dir(), root.path().join("modules")).unwrap();
    fs::create_dir(root.path().join("run")).unwrap();
    put("ports.conf", "Listen 80\n");
    put(layout.modules, &loads);
    put(layout.main, &format!("ServerName localhost\n{}", layout.conf));
    put(layout.host, host);
    put(layout.ours, ours);
    let mut command = Command::new(binary());
    command.arg("-d").arg(root.path()).arg("-f").arg(layout.main).arg("-t");
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn tls(dir: &Path) -> TlsHost {
    Site::certificate(dir);
    TlsHost {
        port: 9294,
        certificate_dir: dir.to_str().unwrap().into(),
        server_name: Some("glance.example.com".into()),
        backend: "127.0.0.1:9293".into(),
        wsgi_script: "/var/www/cgi-bin/glance/glance-api".into(),
    }
}

#[rstest]
fn both_layouts_are_read(
    #[values(&DEBIAN, &RED_HAT)] layout: &Layout,
    #[values((HttpdServer::ModWsgi, WSGI), (HttpdServer::ModProxy, PROXY), (HttpdServer::ModProxyUwsgi, UWSGI))] of: (
        HttpdServer,
        &str,
    ),
    #[values(true, false)] with_tls: bool,
) {
    let (server, host) = of;
    let dir = tempfile::tempdir().unwrap();
    let ours = glance_fragment(server, with_tls.then(|| tls(dir.path())), true);
    let (fine, said) = check(layout, MODULES, host, &ours);
    assert!(fine && said.contains("Syntax OK") && !said.contains("AH00111"), "{said}");
    // The test sees what httpd minds.
    assert!(!check(layout, MODULES, host, &format!("{ours}LimitRequestBody many\n")).0);
}

#[rstest]
fn both_layouts_read_the_dashboards_fragment(#[values(&DEBIAN, &RED_HAT)] layout: &Layout) {
    let modules: Vec<_> = MODULES.iter().chain(&["alias"]).copied().collect();
    let (fine, said) = check(layout, &modules, DASHBOARD, &proxy_fragment("/image", "http://glance:9292"));
    assert!(fine && said.contains("Syntax OK") && !said.contains("AH00111"), "{said}");
}

/// TLS that cannot be had is an error: an httpd that starts without its port looks healthy.
#[rstest]
fn tls_needs_its_module_and_its_files(#[values(&DEBIAN, &RED_HAT)] layout: &Layout) {
    let dir = tempfile::tempdir().unwrap();
    let ours = glance_fragment(HttpdServer::ModProxy, Some(tls(dir.path())), false);
    let without: Vec<_> = MODULES.iter().copied().filter(|name| *name != "ssl").collect();
    let (fine, said) = check(layout, &without, PROXY, &ours);
    assert!(!fine && said.contains("Invalid command 'SSLEngine'"), "{said}");
    fs::remove_file(dir.path().join("tls.key")).unwrap();
    let (fine, said) = check(layout, MODULES, PROXY, &ours);
    assert!(!fine && said.contains("SSLCertificateKeyFile"), "{said}");
}

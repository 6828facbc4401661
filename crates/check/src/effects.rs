//! What directives of each server do to an upload: data that rules read, and that docs/servers.md shows.
//!
//! Rows of nginx, HAProxy, httpd and uWSGI are measured in a test against the real servers, except those about TLS,
//! ports, `stream`, ModSecurity, mod_qos, mod_wsgi, HAProxy before 2.1 and the choice of a server; of the others the source is named, as it was in November 2026. The operator and `check` read
//! the limits in fields of objects by the table of `direct-upload-core`; a test compares the two.

pub use direct_upload_core::derive::exposure_issue::policy::Limit;

/// One directive of one server.
#[derive(Clone, Copy, Debug)]
pub struct Effect {
    /// The program, or the kind of the object.
    pub server: &'static str,
    /// As it is written; for objects, the path of the field.
    pub directive: &'static str,
    pub limit: Limit,
    /// Its effects. Each is empty if there is none.
    pub preflight: &'static str,
    pub answer: &'static str,
    pub size: &'static str,
    pub time: &'static str,
}

const NOTHING: Effect =
    Effect { server: "", directive: "", limit: Limit::Other, preflight: "", answer: "", size: "", time: "" };

const fn whole(server: &'static str, directive: &'static str, time: &'static str) -> Effect {
    Effect { server, directive, limit: Limit::Whole, time, ..NOTHING }
}

const fn answer(server: &'static str, directive: &'static str, time: &'static str) -> Effect {
    Effect { server, directive, limit: Limit::Answer, time, ..NOTHING }
}

const fn silence(server: &'static str, directive: &'static str, time: &'static str) -> Effect {
    Effect { server, directive, limit: Limit::Silence, time, ..NOTHING }
}

const fn size(server: &'static str, directive: &'static str, size: &'static str) -> Effect {
    Effect { server, directive, limit: Limit::Size, size, ..NOTHING }
}

const fn cors(server: &'static str, directive: &'static str, preflight: &'static str, answer: &'static str) -> Effect {
    Effect { server, directive, preflight, answer, ..NOTHING }
}

const CUT: &str = "cut after this time, however fast the data flows";
const LATE: &str = "504 if Glance does not answer within this time after the last byte";
const STILL: &str = "cut after a silence of this length";
const DOUBLED: &str = "two values: refused";
const ANSWERED: &str = "answers instead of Glance";
const REFUSED: &str = "refused";
const SEEN: &str = "the browser gets this status if the condition is true; it refuses a redirect";
const PAGE: &str = "the browser gets this status if the condition matches its request";
const CERTIFICATE: &str = "refused: browsers send no client certificate";
const OLD_TLS: &str = "no connection";
const LISTS: &str = "refused, unless the new list has all that uploads need";
const BAD_PORT: &str = "not sent";
const LARGE_HEADERS: &str = "400: with its token, the request's headers are larger";
const CHOSEN: &str = "only what answers the published URL can end uploads";
const LOOP: &str = "a redirect without end, if no proxy adds the header: refused";
const FOLLOWED: &str = "a redirect: refused";

/// All of them, by server.
pub const EFFECTS: [Effect; 147] = [
    // nginx 1.22: measured.
    size("nginx", "client_max_body_size", "413 above this size; 1 MiB if it is not set; 0: no limit"),
    cors("nginx", "add_header Access-Control-Allow-Origin", DOUBLED, DOUBLED),
    cors("nginx", "proxy_hide_header Access-Control-Allow-Origin", "no grant: refused", "no grant: refused"),
    cors("nginx", "proxy_hide_header Access-Control-Allow-Headers, -Methods", LISTS, ""),
    cors("nginx", "deny all, without an allow before it", "403", "403"),
    cors("nginx", "location … { return … }, for the path of uploads", SEEN, SEEN),
    cors("nginx", "if ($request_method = OPTIONS) { return … }", ANSWERED, ""),
    cors("nginx", "if ($request_method …) { return … }, also by set, map or rewrite", SEEN, SEEN),
    cors("nginx", "limit_except, without OPTIONS or PUT", "403", "403"),
    cors("nginx", "auth_basic, auth_request, auth_jwt", "401: a preflight has no credentials", "401"),
    cors("nginx", "valid_referers, without the dashboard's host", PAGE, PAGE),
    cors("nginx", "if ($http_sec_fetch_site …), ($http_user_agent …) or another header of a page", PAGE, PAGE),
    size("nginx", "if ($content_length …) { return 413; }, also by map", "the status above the length"),
    cors("nginx", "proxy_pass_request_body off, proxy_set_body, proxy_method", "", "Glance gets no image"),
    cors("nginx", "ssl_verify_client on", CERTIFICATE, CERTIFICATE),
    cors("nginx", "ssl_protocols, without TLSv1.2 or TLSv1.3", OLD_TLS, OLD_TLS),
    cors("nginx", "listen, on a port that browsers block", BAD_PORT, BAD_PORT),
    silence("nginx", "client_body_timeout", "408 if the browser sends nothing for this time (60s)"),
    silence("nginx", "proxy_send_timeout", "504 if Glance takes nothing for this time (60s)"),
    answer("nginx", "proxy_read_timeout", "504 if Glance sends nothing for this time (60s)"),
    silence("nginx", "uwsgi_send_timeout", "the same for uwsgi_pass (60s)"),
    answer("nginx", "uwsgi_read_timeout", "the same for uwsgi_pass (60s)"),
    Effect {
        time: "on (the default): the whole image is stored first",
        ..cors("nginx", "proxy_request_buffering", "", "")
    },
    Effect {
        time: "cut after a silence of this length (10m)", ..cors("nginx", "stream { … proxy_timeout }", "", "")
    },
    cors("nginx", "large_client_header_buffers, below 683 to 1536 bytes in all", "", LARGE_HEADERS),
    size("nginx", "modsecurity on", "413 above SecRequestBodyLimit (128 MiB), unless SecRequestBodyAccess is Off"),
    // Which server and location answer, and what leads on: ngx_http_core_module (Server names, location, try_files).
    cors("nginx", "server_name, listen, for the published URL", CHOSEN, CHOSEN),
    cors("nginx", "location … { try_files … @NAME; }", "conditions, logins and the size are the first location's", ""),
    cors("nginx", "proxy_pass, to an address or a path that Glance does not have", "", "404, or no answer"),
    cors("nginx", "return|rewrite to https, where $http_x_forwarded_proto is not https", LOOP, LOOP),
    cors("nginx", "modsecurity_rules, SecRule … with deny", "403, or the status", "the same"),
    // HAProxy 2.6: measured.
    cors(
        "HAProxy",
        "http-response set-header Access-Control-Allow-Origin",
        "one value for every dashboard",
        "the same",
    ),
    cors("HAProxy", "http-response add-header Access-Control-Allow-Origin", DOUBLED, DOUBLED),
    cors("HAProxy", "http-response del-header Access-Control-Allow-Origin", "no grant: refused", "no grant: refused"),
    cors("HAProxy", "http-response set-header|del-header Access-Control-Allow-Headers, -Methods", LISTS, ""),
    cors("HAProxy", "http-request return … if METH_OPTIONS", ANSWERED, ""),
    cors("HAProxy", "http-request deny|return|redirect …, tcp-request content reject …, by method or path", SEEN, SEEN),
    cors(
        "HAProxy",
        "the same by hdr(sec-fetch-site), hdr(user-agent), hdr(referer) or another header of a page",
        PAGE,
        PAGE,
    ),
    cors("HAProxy", "http-request auth", "401: a preflight has no credentials", "401"),
    size("HAProxy", "http-request deny if { req.body_size gt N }", "403, or deny_status, above this size"),
    cors("HAProxy", "bind … verify required", CERTIFICATE, CERTIFICATE),
    cors("HAProxy", "bind … ssl-max-ver TLSv1.1, ssl-default-bind-options", OLD_TLS, OLD_TLS),
    cors("HAProxy", "bind, on a port that browsers block", BAD_PORT, BAD_PORT),
    cors("HAProxy", "reqdeny, reqtarpit, reqallow, reqdel, reqrep (before 2.1)", SEEN, SEEN),
    cors("HAProxy", "tune.bufsize without tune.maxrewrite, below 683 to 1536", "", LARGE_HEADERS),
    cors("HAProxy", "tune.http.maxhdr, below 12 to 20", "400", "400"),
    silence("HAProxy", "timeout client", "does not end a body that stalls (2.6)"),
    silence("HAProxy", "timeout server", "504 if the body stalls, or Glance does not answer, for this time"),
    Effect {
        time: "waits for the body, within timeout http-request",
        ..cors("HAProxy", "option http-buffer-request", "", "")
    },
    // Which backend answers (configuration.txt: use_backend, map, .if), and what leads on.
    cors("HAProxy", "use_backend, default_backend, by host, path, address or map", CHOSEN, CHOSEN),
    cors("HAProxy", "http-request set-path|replace-path, to another path than Glance's", "", "404"),
    cors("HAProxy", "server, with another port or protocol than Glance's", "no answer", "no answer"),
    cors("HAProxy", "redirect scheme https, unless hdr(X-Forwarded-Proto) is https", LOOP, LOOP),
    cors("HAProxy", ".if, with a condition on the environment or the version", "its lines are not judged", ""),
    // httpd 2.4.71 in front of mod_proxy_http: measured.
    cors("httpd", "Header always set|add|append|merge|setifempty Access-Control-Allow-Origin", DOUBLED, DOUBLED),
    cors("httpd", "Header add Access-Control-Allow-Origin", DOUBLED, DOUBLED),
    cors("httpd", "Header append Access-Control-Allow-Origin", "a list: refused", "a list: refused"),
    cors("httpd", "Header set Access-Control-Allow-Origin", "one value for every dashboard", "the same"),
    cors("httpd", "Header unset Access-Control-Allow-Origin", "no grant: refused", "no grant: refused"),
    cors(
        "httpd",
        "Require valid-user, without <LimitExcept OPTIONS PUT>",
        "401: a preflight has no credentials",
        "401",
    ),
    cors("httpd", "Require method, <Limit>, <LimitExcept>, without OPTIONS or PUT", "403", "403"),
    cors("httpd", "Header set|unset Access-Control-Allow-Headers, -Methods", LISTS, ""),
    cors("httpd", "Order, Deny from all, without an Allow that counts after it", "403", "403"),
    cors("httpd", "ProxyPass … !, for the path of uploads", "200 without a grant: refused", "405"),
    cors("httpd", "AllowMethods, without OPTIONS or PUT", "405", "405"),
    cors("httpd", "RewriteRule … [F], [R=…] or to another host, by method or path", SEEN, SEEN),
    cors("httpd", "the same by %{HTTP_REFERER}, %{HTTP_USER_AGENT} or another header of a page", PAGE, PAGE),
    size("httpd", "the same by %{HTTP:Content-Length}", "403, or the status, above it"),
    cors("httpd", "SecRule REQUEST_METHOD or REQUEST_HEADERS:…, with deny", "403, or the status", "the same"),
    cors("httpd", "SSLVerifyClient require", CERTIFICATE, CERTIFICATE),
    cors("httpd", "SSLProtocol, without TLSv1.2 or TLSv1.3", OLD_TLS, OLD_TLS),
    cors("httpd", "<VirtualHost>, on a port that browsers block", BAD_PORT, BAD_PORT),
    size(
        "httpd",
        "LimitRequestBody",
        "413 above this size by mod_wsgi and mod_proxy_uwsgi (1 GiB if it is not set); mod_proxy_http of 2.4 enforces no limit",
    ),
    size("httpd", "QS_LimitRequestBody", "413 above this size, also by mod_proxy_http"),
    cors("httpd", "LimitRequestFieldSize, below 190 to 272", "", LARGE_HEADERS),
    cors("httpd", "LimitRequestFields, below 12 to 20", "400", "400"),
    cors("httpd", "LimitRequestLine, below 65", "414", "414"),
    size("httpd", "SecRequestBodyLimit", "413 above this size (128 MiB) where SecRequestBodyAccess is On"),
    whole("httpd", "RequestReadTimeout body=N", "408 after N seconds; with MinRate, each part of the body adds time"),
    silence("httpd", "Timeout", STILL),
    Effect {
        time: "mod_wsgi restarts Glance when requests take longer: uploads may end",
        ..cors("httpd", "WSGIDaemonProcess … request-timeout=", "", "")
    },
    Effect {
        time: "500 if the body stalls, 504 if Glance does not answer, for this time",
        ..cors("httpd", "WSGIDaemonProcess … socket-timeout=", "", "")
    },
    answer("httpd", "ProxyTimeout", "502 if Glance sends nothing for this time"),
    // Which host answers (mod_rewrite, mod_proxy and core of httpd's manual), and what leads on.
    cors("httpd", "ServerName, ServerAlias, <VirtualHost>, for the published URL", CHOSEN, CHOSEN),
    cors("httpd", "ServerName https://HOST:PORT, of the dashboard", "the page's origin has this port", ""),
    cors("httpd", "RewriteOptions Inherit", "the main server's rules count for the host, too", "the same"),
    cors("httpd", "RewriteRule to https, where %{HTTP:X-Forwarded-Proto} is not https", LOOP, LOOP),
    cors("httpd", "ProxyPass, to an address or a path that Glance does not have", "", "404, or no answer"),
    // uWSGI 2.0.21: measured; chunked-input-limit as in docs/runbook/DU022.md.
    size("uWSGI", "limit-post", "uWSGI closes the connection above this size, without an answer"),
    size("uWSGI", "chunked-input-limit", "legacy only: a chunk above this size (1 MiB) breaks the upload"),
    whole("uWSGI", "harakiri", "uWSGI kills the worker after this time, and closes the connection without an answer"),
    silence(
        "uWSGI",
        "socket-timeout",
        "the upload ends if nothing arrives for this time (4s); an answer may take longer",
    ),
    silence(
        "uWSGI",
        "http-timeout",
        "the router ends the upload if nothing arrives, or Glance does not answer, for this time (60s)",
    ),
    Effect { time: "the whole image is stored first", ..cors("uWSGI", "post-buffering", "", "") },
    cors("uWSGI", "route, route-if, route-run … break|return|redirect|basicauth", SEEN, SEEN),
    cors("uWSGI", "add-header, route … addheader:Access-Control-Allow-Origin", DOUBLED, DOUBLED),
    cors("uWSGI", "del-header Access-Control-Allow-Origin", "no grant: refused", "no grant: refused"),
    cors("uWSGI", "env = OS_GLANCE_CONFIG_DIR=…, OS_CORS__…=…", "moves Glance's files, or sets its options", ""),
    cors(
        "uWSGI",
        "buffer-size, below 1029 to 2048",
        "",
        "uWSGI closes the connection: the request's headers are larger",
    ),
    // Gateway API and Envoy Gateway v1.9: gateway.envoyproxy.io, API reference; Envoy's time-outs.
    cors("HTTPRoute", "filters[].cors", "the gateway answers", "its values"),
    cors("HTTPRoute", "filters[].requestRedirect, to another URL", FOLLOWED, FOLLOWED),
    cors("HTTPRoute", "matches[].method, without OPTIONS", "404", ""),
    cors("HTTPRoute", "backendRefs, all with weight 0", "500", "500"),
    cors("HTTPRouteFilter", "spec.directResponse", ANSWERED, "the gateway's own answer"),
    cors("HTTPRouteFilter", "spec.urlRewrite.path, of the path of uploads", "", "404"),
    whole("HTTPRoute", "timeouts.request", "implementations start counting at the request's start, or after its body"),
    whole("ClientTrafficPolicy", "spec.timeout.http.requestReceivedTimeout", CUT),
    silence("ClientTrafficPolicy", "spec.timeout.http.streamIdleTimeout", STILL),
    whole("ClientTrafficPolicy", "spec.connection.connectionLimit.maxConnectionDuration", CUT),
    whole("ClientTrafficPolicy", "spec.connection.connectionLimit.maxStreamDuration", CUT),
    answer("BackendTrafficPolicy", "spec.timeout.http.requestTimeout", LATE),
    whole("BackendTrafficPolicy", "spec.timeout.http.maxStreamDuration", CUT),
    answer(
        "BackendTrafficPolicy",
        "spec.timeout.http.maxConnectionDuration",
        "the gateway closes the connection to Glance after this time",
    ),
    silence("BackendTrafficPolicy", "spec.timeout.http.streamIdleTimeout", STILL),
    size("BackendTrafficPolicy", "spec.requestBuffer.limit", "413 above it"),
    cors("ClientTrafficPolicy", "spec.tls.clientValidation, unless it is optional", CERTIFICATE, CERTIFICATE),
    cors("BackendTrafficPolicy", "spec.faultInjection.abort", "the gateway's own error", "the same"),
    cors("SecurityPolicy", "spec.cors", ANSWERED, "its values"),
    cors("SecurityPolicy", "spec.basicAuth, jwt, oidc, extAuth, apiKeyAuth", REFUSED, "requires a login"),
    cors("SecurityPolicy", "spec.authorization", "403 if its rules refuse it", "the same"),
    // NGINX Gateway Fabric: ClientSettingsPolicy's reference.
    size("ClientSettingsPolicy", "spec.body.maxSize", "413 above it; 1 MiB if no policy sets it"),
    silence("ClientSettingsPolicy", "spec.body.timeout", STILL),
    // Istio: the references of VirtualService (Envoy's route time-out), AuthorizationPolicy and RequestAuthentication.
    cors("VirtualService", "http[].corsPolicy", ANSWERED, "its values"),
    cors("VirtualService", "http[].redirect, for the path of uploads", FOLLOWED, FOLLOWED),
    cors("VirtualService", "http[].fault.abort", "the gateway's own error", "the same"),
    cors("AuthorizationPolicy", "spec.rules, DENY", "403 if a rule matches", "the same"),
    cors("AuthorizationPolicy", "spec.rules, ALLOW", "403 unless a rule matches", "the same"),
    cors(
        "RequestAuthentication",
        "spec.jwtRules[].fromHeaders with X-Auth-Token",
        "",
        "401: Keystone's token is no JWT of it",
    ),
    answer("VirtualService", "timeout", LATE),
    answer("VirtualService", "retries.perTryTimeout", LATE),
    // Contour: HTTPProxy's reference.
    cors("HTTPProxy", "virtualhost.corsPolicy", ANSWERED, "its values"),
    answer(
        "HTTPProxy",
        "timeoutPolicy.response",
        "504 if Glance does not answer within this time after the last byte; 15s if it is not set",
    ),
    silence("HTTPProxy", "timeoutPolicy.idle", STILL),
    answer("HTTPProxy", "retryPolicy.perTryTimeout", LATE),
    whole("ContourConfiguration", "spec.envoy.timeouts.requestTimeout", CUT),
    whole("ContourConfiguration", "spec.envoy.timeouts.maxConnectionDuration", CUT),
    silence("ContourConfiguration", "spec.envoy.timeouts.streamIdleTimeout", STILL),
    cors("HTTPProxy", "routes[].requestRedirectPolicy, for the path of uploads", FOLLOWED, FOLLOWED),
    cors("HTTPProxy", "virtualhost.authorization, virtualhost.jwtProviders", REFUSED, "requires a login"),
    // Traefik v3: its reference, and the migration notes of v2.11.2.
    cors("Middleware", "spec.headers.accessControlAllowOriginList", ANSWERED, "its values"),
    cors("Middleware", "spec.redirectRegex, redirectScheme, to another URL", FOLLOWED, FOLLOWED),
    cors("Middleware", "spec.basicAuth, digestAuth, forwardAuth", REFUSED, "requires a login"),
    Effect { size: "413 above it", ..cors("Middleware", "spec.buffering.maxRequestBodyBytes", "", "") },
    Effect {
        time: "the whole image is stored first",
        ..cors("Middleware", "spec.buffering, without maxRequestBodyBytes", "", "")
    },
    cors("Middleware", "spec.rateLimit with burst 1, spec.inFlightReq", "429 above it", "429 above it"),
    whole(
        "Traefik",
        "entryPoints.NAME.transport.respondingTimeouts.readTimeout",
        "cut after this time; 60s if it is not set, since v2.11.2",
    ),
    answer("ServersTransport", "spec.forwardingTimeouts.responseHeaderTimeout", LATE),
];

/// What a server's directives limit in one way.
pub fn of(server: &str, limit: Limit) -> impl Iterator<Item = &'static str> {
    EFFECTS.iter().filter(move |effect| effect.server == server && effect.limit == limit).map(|effect| effect.directive)
}

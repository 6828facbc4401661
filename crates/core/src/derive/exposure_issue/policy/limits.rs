//! Which fields limit uploads, by kind.

/// What a field limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The total time of a request with its body.
    Whole,
    /// How long Glance may take to answer after the body's last byte.
    Answer,
    /// The longest silence.
    Silence,
    /// The body's size.
    Size,
    /// It is something else, which is read elsewhere.
    Other,
}

/// The last steps to each field, by kind, and where upstream says what they do: gateway.envoyproxy.io v1.9 API reference and
/// Envoy's route and connection manager time-outs; Istio's VirtualService (Envoy's route timeout);
/// Contour's TimeoutPolicy and ContourConfiguration; Traefik's forwardingTimeouts; NGINX Gateway Fabric's ClientSettingsPolicy.
pub const LIMITS: [(&str, &[&str], Limit); 20] = [
    ("ClientTrafficPolicy", &["spec", "timeout", "http", "requestReceivedTimeout"], Limit::Whole),
    ("ClientTrafficPolicy", &["spec", "timeout", "http", "streamIdleTimeout"], Limit::Silence),
    ("ClientTrafficPolicy", &["spec", "connection", "connectionLimit", "maxConnectionDuration"], Limit::Whole),
    ("ClientTrafficPolicy", &["spec", "connection", "connectionLimit", "maxStreamDuration"], Limit::Whole),
    ("BackendTrafficPolicy", &["spec", "timeout", "http", "requestTimeout"], Limit::Answer),
    ("BackendTrafficPolicy", &["spec", "timeout", "http", "maxStreamDuration"], Limit::Whole),
    ("BackendTrafficPolicy", &["spec", "timeout", "http", "maxConnectionDuration"], Limit::Answer),
    ("BackendTrafficPolicy", &["spec", "timeout", "http", "streamIdleTimeout"], Limit::Silence),
    ("BackendTrafficPolicy", &["spec", "requestBuffer", "limit"], Limit::Size),
    ("ClientSettingsPolicy", &["spec", "body", "maxSize"], Limit::Size),
    ("ClientSettingsPolicy", &["spec", "body", "timeout"], Limit::Silence),
    ("VirtualService", &["timeout"], Limit::Answer),
    ("VirtualService", &["retries", "perTryTimeout"], Limit::Answer),
    ("ContourConfiguration", &["spec", "envoy", "timeouts", "requestTimeout"], Limit::Whole),
    ("ContourConfiguration", &["spec", "envoy", "timeouts", "maxConnectionDuration"], Limit::Whole),
    ("ContourConfiguration", &["spec", "envoy", "timeouts", "streamIdleTimeout"], Limit::Silence),
    ("HTTPProxy", &["timeoutPolicy", "response"], Limit::Answer),
    ("HTTPProxy", &["retryPolicy", "perTryTimeout"], Limit::Answer),
    ("HTTPProxy", &["timeoutPolicy", "idle"], Limit::Silence),
    ("ServersTransport", &["spec", "forwardingTimeouts", "responseHeaderTimeout"], Limit::Answer),
];

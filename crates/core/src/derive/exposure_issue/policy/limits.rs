//! Which fields limit uploads, by kind.

use crate::model::PolicyKind;

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
pub const LIMITS: [(PolicyKind, &[&str], Limit); 20] = [
    (PolicyKind::ClientTrafficPolicy, &["spec", "timeout", "http", "requestReceivedTimeout"], Limit::Whole),
    (PolicyKind::ClientTrafficPolicy, &["spec", "timeout", "http", "streamIdleTimeout"], Limit::Silence),
    (
        PolicyKind::ClientTrafficPolicy,
        &["spec", "connection", "connectionLimit", "maxConnectionDuration"],
        Limit::Whole,
    ),
    (PolicyKind::ClientTrafficPolicy, &["spec", "connection", "connectionLimit", "maxStreamDuration"], Limit::Whole),
    (PolicyKind::BackendTrafficPolicy, &["spec", "timeout", "http", "requestTimeout"], Limit::Answer),
    (PolicyKind::BackendTrafficPolicy, &["spec", "timeout", "http", "maxStreamDuration"], Limit::Whole),
    (PolicyKind::BackendTrafficPolicy, &["spec", "timeout", "http", "maxConnectionDuration"], Limit::Answer),
    (PolicyKind::BackendTrafficPolicy, &["spec", "timeout", "http", "streamIdleTimeout"], Limit::Silence),
    (PolicyKind::BackendTrafficPolicy, &["spec", "requestBuffer", "limit"], Limit::Size),
    (PolicyKind::ClientSettingsPolicy, &["spec", "body", "maxSize"], Limit::Size),
    (PolicyKind::ClientSettingsPolicy, &["spec", "body", "timeout"], Limit::Silence),
    (PolicyKind::VirtualService, &["timeout"], Limit::Answer),
    (PolicyKind::VirtualService, &["retries", "perTryTimeout"], Limit::Answer),
    (PolicyKind::ContourConfiguration, &["spec", "envoy", "timeouts", "requestTimeout"], Limit::Whole),
    (PolicyKind::ContourConfiguration, &["spec", "envoy", "timeouts", "maxConnectionDuration"], Limit::Whole),
    (PolicyKind::ContourConfiguration, &["spec", "envoy", "timeouts", "streamIdleTimeout"], Limit::Silence),
    (PolicyKind::HTTPProxy, &["timeoutPolicy", "response"], Limit::Answer),
    (PolicyKind::HTTPProxy, &["retryPolicy", "perTryTimeout"], Limit::Answer),
    (PolicyKind::HTTPProxy, &["timeoutPolicy", "idle"], Limit::Silence),
    (PolicyKind::ServersTransport, &["spec", "forwardingTimeouts", "responseHeaderTimeout"], Limit::Answer),
];

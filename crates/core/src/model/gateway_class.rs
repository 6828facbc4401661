//! Gateway API GatewayClasses: which controller serves Gateways.

use super::condition::Condition;
use super::meta::Meta;

/// A GatewayClass, which is cluster-scoped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GatewayClass {
    pub meta: Meta,
    /// `spec.controllerName`.
    pub controller: String,
    pub conditions: Vec<Condition>,
}

//! JSON objects, as the API server or a file holds them, become values of the [`model`](crate::model).
//!
//! A file for each kind that Kubernetes itself defines, and `foreign` for the others: they implement
//! [`Observed`](crate::model::Observed). Each object decodes on its
//! own: one that does not is named, and hurts only itself.

mod annotations;
mod config_map;
mod custom;
mod decode;
mod foreign;
mod ingress;
mod job;
mod namespace;
mod pod;
mod pod_template;
mod revision;
mod rolling;
mod service;
mod workload;

//! Files → what the programs make of them: pure values that rules look at.

pub(crate) mod addressed;
pub mod answering;
pub mod api;
pub(crate) mod browser;
pub mod catalog;
pub mod cloud;
pub mod filter;
mod first_hop;
pub mod glance;
pub mod haproxy;
pub mod horizon;
mod horizons_names;
pub(crate) mod httpd;
pub(crate) mod listen;
mod locations;
pub(crate) mod nginx;
pub(crate) mod other_servers;
pub(crate) mod page_policy;
pub mod paste;
pub mod server;
mod stream;
pub mod traefik;
mod traefik_routers;
pub(crate) mod traefik_rule;
pub(crate) mod upload_path;
pub(crate) mod uwsgi;
pub mod uwsgi_options;

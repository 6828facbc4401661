//! The pure core, held against the real programs that read what it writes.

mod drain;
mod layouts;
mod model;
mod offline;
mod offline_cli;
mod offline_input;
mod offline_pairing;
mod preflight;
mod preflight_cli;
mod preflight_properties;
mod preflight_server;
mod render_glance;
mod render_horizon;
mod render_httpd;
mod render_httpd_glance;
mod render_httpd_horizon;
mod render_meaning;
mod render_oracle;
mod render_oslo;
mod render_python;
mod render_server;

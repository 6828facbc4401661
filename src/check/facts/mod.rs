//! Files → what the programs make of them: pure values that rules look at.

mod catalog;
mod cloud;
mod glance;
mod haproxy;
mod horizon;
mod server;

pub use catalog::Published;
pub use cloud::{Certainty, Cloud, Dashboard, Hindered, Pair};
pub use glance::{CORS_OPTIONS, Conf, Glance, Setting};
pub use horizon::{Horizon, KOLLA, MODE, Mode, Snippet, mode};
pub use server::{Item, Server};

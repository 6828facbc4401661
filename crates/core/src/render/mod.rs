//! Settings become files. Pure.
//!
//! In: [`ApiSettings`] and [`HorizonSettings`], whose types have only valid values. Out: [`File`]s,
//! whose bytes depend only on the settings: no date, no version, no map order. The effect of our files is
//! read back from their bytes ([`effects`]).

pub mod configparser;
pub mod deployer;
mod effects;
mod error;
mod file;
mod glance;
mod horizon;
pub mod httpd;
mod meaning;
pub mod oslo;
pub mod python;
mod settings;
pub mod swift_proxy;

pub use effects::effects;
pub use error::{FormatLimit, RenderError, Unwritable};
pub use file::{File, FileFormat, HTTPD_FILE, OWN_FILE, SNIPPET_FILE};
pub use glance::import::{Filter, ImportSettings};
pub use glance::{api, glance};
pub use horizon::horizon;
pub use meaning::{same_meaning, says_enough};
pub use settings::{
    ApiSettings, CorsSettings, GlanceHttpdSettings, HorizonCorsSettings, HorizonHttpdSettings, HorizonSettings,
    HttpdServer, OwnSettings, PolicySettings, SwiftStore, SwiftTenancy, TlsHost, TlsTerminationSettings,
};

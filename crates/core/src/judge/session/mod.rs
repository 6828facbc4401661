//! A user's upload, from the login to the deleted image. Pure.
//!
//! In: the answers of the dashboard's pages, its REST API and Glance. Out: the next request, or a
//! [`Break`]: what is wrong, and what to change. [`login`] and [`panel`] read pages, [`image`] what the
//! REST API says about an image, [`put`] the answer to the data itself. [`canary`] is the operator's own
//! upload, [`content`] the data. [`report`] has the result of each step.

pub mod broken;
pub mod canary;
pub mod content;
pub mod cookies;
pub mod encode;
pub mod image;
pub mod login;
pub mod panel;
pub mod put;
pub mod reply;
pub mod report;
pub mod secret;
pub mod settings;
pub use broken::Break;
pub use content::Content;
pub use cookies::Jar;
pub use login::{LoginForm, Next, Person, RequestUrl};
pub use reply::Reply;
pub use report::{Account, VerifyStep};
pub use secret::Secret;
pub use settings::{Mode, Settings};

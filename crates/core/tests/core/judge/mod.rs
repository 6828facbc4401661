//! What a browser makes of an answer.

mod call;
mod catalog;
mod diagnose;
mod head;
mod page;
mod preflight;
mod properties;
mod session;
mod table;
mod upload;

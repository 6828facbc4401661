//! What a browser makes of an answer.

mod catalog;
mod head;
mod preflight;
mod properties;
mod table;
mod upload;

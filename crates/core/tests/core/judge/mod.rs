//! What a browser makes of an answer.

mod preflight;
mod properties;
mod table;
mod upload;

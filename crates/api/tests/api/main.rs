//! What users write and read. The folders are those of `src`.

mod duration;
mod explain;
mod rehearsing;
mod rule;
mod web;

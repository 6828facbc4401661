//! Plans, carried out on files.

mod fragments;
mod shapes;
mod simulation;

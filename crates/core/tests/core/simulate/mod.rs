//! Plans, carried out on files.

mod shapes;
mod simulation;

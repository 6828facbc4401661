//! Steps, and their order.

mod finalize;
mod order;
mod same_origin;

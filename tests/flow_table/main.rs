//! The flow table through its public face: segments in, what its sink is told out.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

mod datagram;
mod script;
mod stream;
mod table;
mod tcp;

//! What must hold of verdicts whatever a capture is like: a worse one may say less, never something else.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "test helpers"
)]

mod caps;
mod frames;
mod same;
mod sites;
mod worse;

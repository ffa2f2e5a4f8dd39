//! The later recognisers through the whole watch: what opens them, what comes inside and after, how it
//! is cut, one side alone, their neighbours, and that their document names them all.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail loudly"
)]

mod documented;
mod inner;
mod mail_and_iot;
mod mobotix;
mod rtsp;
mod talk;
mod udp;
mod xprotect;

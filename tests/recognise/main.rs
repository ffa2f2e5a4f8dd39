//! Each recogniser against the octets of its document: opens it, cut at every octet, on a foreign
//! port, and its neighbours refused.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]
#![expect(clippy::arithmetic_side_effects, reason = "test code")]

mod calls;
mod dns;
mod files_and_milestone;
mod infrastructure;
mod probing;
mod remote_and_vendors;

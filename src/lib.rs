//! camsentry: does every conversation of a video-surveillance network obey the vendors'
//! hardening guides?
//!
//! The data flows one way:
//!
//! ```text
//! capture → decode → flow → recognise → (events) → inventory + policy + judge → export, report
//! ```
//!
//! Everything from [`decode`] to [`judge`] does no I/O, reads no clock and starts no thread:
//! time comes in with the packet. [`pipeline`] and [`cli`] are the rim that owns files,
//! threads and the terminal. ARCHITECTURE.md has the map and the invariants.

pub mod addr;
pub mod capture;
pub mod decode;
pub mod event;
pub mod evidence;
pub mod export;
pub mod flow;
pub mod inventory;
pub mod judge;
mod kernel;
pub mod pipeline;
pub mod policy;
pub mod recognise;
pub mod report;
pub mod service;
pub mod time;
pub mod verdict;
#[cfg(feature = "live")]
pub mod watch;

pub mod cli;

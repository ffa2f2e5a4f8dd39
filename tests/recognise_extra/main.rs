//! The later recognisers through the whole watch: what opens them, what comes inside and after, how it
//! is cut, one side alone, their neighbours, and that their document names them all.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may fail loudly")]

mod documented;
mod hostile;
mod inner;
mod mail_and_iot;
mod mobotix;
mod quic_versions;
mod rtsp;
mod sip;
mod smb;
mod talk;
mod udp;
mod xprotect;

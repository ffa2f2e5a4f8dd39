//! Headers of a frame become a [`Segment`]; what is not a conversation or cannot be decoded is
//! counted by cause. Pure: state is the fragment table only, time comes with the frame.

mod checksum;
mod context;
mod datagram;
mod decoder;
mod extension;
mod fast;
mod fingerprint;
mod fragments;
mod icmp;
mod icmp_error;
mod late;
mod link;
mod llc;
mod logged;
mod neighbour;
mod network;
mod octets;
pub mod segment;
mod tag;
pub mod tally;
mod transport;
mod tunnel;
pub mod undecoded;
mod unread;
mod walk;

pub use decoder::DecodeSettings;
pub use decoder::Decoded;
pub use decoder::Decoder;
pub use segment::Segment;
pub use tally::DecodeTally;
pub use undecoded::Undecoded;
pub use unread::Read;
pub use unread::Unread;

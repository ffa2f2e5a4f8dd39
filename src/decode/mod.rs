//! Headers of a frame become a [`Segment`]; what is not a conversation or cannot be decoded is
//! counted by cause. Pure: state is the fragment table only, time comes with the frame.

pub mod segment;
pub mod undecoded;

pub use segment::Segment;
pub use undecoded::Undecoded;

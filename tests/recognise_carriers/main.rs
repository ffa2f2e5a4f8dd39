//! The recognisers of what carries video: TLS, HTTP, RTSP, MOBOTIX media, RTP. Each opens its
//! protocol on any port, gives the same answer for every cut, and refuses its neighbours.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail loudly"
)]

mod driver;
mod hostile;
mod http;
mod mxpeg;
mod rtp;
mod rtsp;
mod tls;

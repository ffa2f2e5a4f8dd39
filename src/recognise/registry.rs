//! Every recogniser, in the order in which they are asked; the first match wins. A new protocol is a
//! new file beside this one and one line here.

use super::Recogniser;
use super::http::Http;
use super::mxpeg_flow::MobotixMedia;
use super::rtp::Rtcp;
use super::rtp::Rtp;
use super::rtsp::Rtsp;
use super::rtsp::RtspMidstream;
use super::tls::Tls;

/// The recognisers in force, most specific signature first, heuristics last.
pub static RECOGNISERS: &[&dyn Recogniser] = &[
    &Rtsp,
    &Http,
    &Tls,
    // Heuristics, and what stands in the middle of something.
    &RtspMidstream,
    &MobotixMedia,
    &Rtcp,
    &Rtp,
];

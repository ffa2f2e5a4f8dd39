//! Every recogniser, in the order in which they are asked; the first match wins. A new protocol is a
//! new file beside this one and one line here.

use super::Recogniser;
use super::http::Http;
use super::http::HttpMidstream;
use super::mxpeg_flow::MobotixMedia;
use super::rtp::Rtcp;
use super::rtp::Rtp;
use super::rtsp::Rtsp;
use super::rtsp::RtspMidstream;
use super::tls::Tls;
use super::tls::TlsMidstream;

/// The recognisers in force, most specific signature first, heuristics last.
pub static RECOGNISERS: &[&dyn Recogniser] = &[
    &Rtsp,
    &Http,
    &Tls,
    // What stands in the middle of something, then heuristics.
    &HttpMidstream,
    &TlsMidstream,
    &RtspMidstream,
    &MobotixMedia,
    &Rtcp,
    &Rtp,
];

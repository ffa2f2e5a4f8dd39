//! What a session description (SDP, RFC 8866) tells of a device, line by line.

use super::text::starts_with;

/// What one line says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SdpFact {
    /// A stream of video is described.
    Video,
    /// A stream is MxPEG: encoding name `X-MXPEG`.
    Mxpeg,
}

/// Reads one line of a description.
pub fn fact(line: &[u8]) -> Option<SdpFact> {
    if starts_with(line, b"m=video ") {
        return Some(SdpFact::Video);
    }
    let map = line.strip_prefix(b"a=rtpmap:".as_slice())?;
    let encoding = map.get(memchr::memchr(b' ', map)?..)?.trim_ascii_start();
    starts_with(encoding, b"X-MXPEG/").then_some(SdpFact::Mxpeg)
}

#[cfg(test)]
mod tests {
    use super::SdpFact;
    use super::fact;

    #[test]
    fn video_and_mxpeg_are_read() {
        assert_eq!(fact(b"m=video 0 RTP/AVP 96"), Some(SdpFact::Video));
        assert_eq!(fact(b"a=rtpmap:96 X-MXPEG/90000"), Some(SdpFact::Mxpeg));
        assert_eq!(fact(b"a=rtpmap:96 H264/90000"), None);
        assert_eq!(fact(b"m=audio 0 RTP/AVP 97"), None);
    }
}

//! What a session description (SDP, RFC 8866) tells of a device and its media, line by line.
//!
//! Source: RFC 8866 §5.14 (media), §6.6 (rtpmap); RFC 4568 §4 (`a=crypto`), RFC 5763 §5 and RFC 8122 §5
//! (`a=fingerprint`), RFC 3711 §12 and RFC 5764 §8 (`SAVP`); the encoding name `X-MXPEG` of MOBOTIX.

use super::finding_words::Codec;
use super::text::contains;
use super::text::starts_with;

/// What one line says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SdpFact {
    /// A stream of video is described.
    Video,
    /// The encoding of a stream.
    Codec(Codec),
    /// A stream is SRTP.
    Encrypted,
}

/// Reads one line of a description; it may say two things.
pub fn facts(line: &[u8]) -> [Option<SdpFact>; 2] {
    let encrypted = |so: bool| so.then_some(SdpFact::Encrypted);
    if starts_with(line, b"m=") {
        let video = starts_with(line, b"m=video ").then_some(SdpFact::Video);
        return [video, encrypted(contains(line, b"/SAVP"))];
    }
    if line.starts_with(b"a=crypto:") || line.starts_with(b"a=fingerprint:") {
        return [encrypted(true), None];
    }
    [codec(line).map(SdpFact::Codec), None]
}

/// The encoding in `a=rtpmap:96 H264/90000`.
fn codec(line: &[u8]) -> Option<Codec> {
    let map = line.strip_prefix(b"a=rtpmap:".as_slice())?;
    let encoding = map.get(memchr::memchr(b' ', map)?..)?.trim_ascii_start();
    let name = encoding.split(|octet| *octet == b'/').next()?.to_ascii_uppercase();
    Codec::parse(str::from_utf8(&name).ok()?)
}

#[cfg(test)]
mod tests {
    use super::Codec;
    use super::SdpFact;
    use super::facts;

    #[test]
    fn video_encodings_and_encryption_are_read() {
        assert_eq!(facts(b"m=video 0 RTP/AVP 96"), [Some(SdpFact::Video), None]);
        assert_eq!(facts(b"m=video 0 RTP/SAVPF 96"), [Some(SdpFact::Video), Some(SdpFact::Encrypted)]);
        assert_eq!(facts(b"m=audio 0 RTP/AVP 97"), [None, None]);
        let codec = |codec| [Some(SdpFact::Codec(codec)), None];
        assert_eq!(facts(b"a=rtpmap:96 X-MXPEG/90000"), codec(Codec::Mxpeg));
        assert_eq!(facts(b"a=rtpmap:96 H264/90000"), codec(Codec::H264));
        assert_eq!(facts(b"a=rtpmap:98 vnd.onvif.metadata/90000"), codec(Codec::OnvifMetadata));
        assert_eq!(facts(b"a=rtpmap:99 theora/90000"), [None, None]);
        assert_eq!(facts(b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x"), [Some(SdpFact::Encrypted), None]);
    }
}

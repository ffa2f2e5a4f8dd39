//! What a long TCP stream carries: heads as the protocols have them, and noise where pictures and secrets are.

use std::collections::VecDeque;

use crate::workloads::chance::Noise;

/// What kind of stream it is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// RTP inside RTSP (RFC 2326 §10.12).
    Interleaved,
    /// Answers to `live` of Milestone's ImageServer protocol.
    ImageServer,
    /// MxPEG pictures end to end, as MOBOTIX's event stream has them.
    EventStream,
    /// MxPEG pictures as parts of a server push.
    FastStream,
    /// JPEG pictures as parts of a server push.
    MotionJpeg,
    /// Application data (RFC 8446 §5.1).
    Tls,
    /// WRITE requests ([MS-SMB2] §2.2.21).
    Smb,
}

/// A piece of a message: octets as they are, then so many of noise.
struct Piece {
    head: Vec<u8>,
    noise: usize,
}

/// The messages of one direction, handed out in segments.
pub(super) struct Content {
    kind: Kind,
    /// Of the next message.
    number: u64,
    pieces: VecDeque<Piece>,
    /// Octets of the first piece's head that are gone.
    taken: usize,
    /// Of the next RTP packet.
    sequence: u16,
    /// Octets that SMB has written, and of its last message.
    written: u64,
    last: u32,
}

/// The first sequence number after the 12 packets of the fixtures' dialogue.
pub(super) const NEXT_RTP: u16 = 112;
/// Payload of an interleaved RTP packet that is full.
pub(super) const RTP_FULL: usize = 1400;
/// Units of RTP's clock (90 kHz) in a picture of 40 ms.
pub(super) const TICKS: u32 = 3600;
pub(super) const SSRC: [u8; 4] = [0x1b, 0xad, 0xca, 0xfe];
/// 2026-11-02T08:00:00Z in microseconds, where all captures of the fixtures begin.
const START: u64 = 1_793_606_400_000_000;

impl Content {
    /// Goes on after the messages with numbers below `number`.
    pub(super) fn new(kind: Kind, number: u64) -> Self {
        Self { kind, number, pieces: VecDeque::new(), taken: 0, sequence: NEXT_RTP, written: 0, last: 0 }
    }

    /// Prepares the next message, of about `size` octets; gives its length.
    pub(super) fn next(&mut self, size: usize) -> usize {
        let number = self.number;
        self.number += 1;
        match self.kind {
            Kind::Interleaved => self.interleaved(number as u32, size),
            Kind::ImageServer => {
                self.piece(image_head(number, size), size);
                self.piece(b"\r\n\r\n".to_vec(), 0);
            }
            Kind::EventStream => self.mxpeg(Vec::new(), number, size),
            Kind::FastStream => {
                let length = mxpeg_head(number).len() + size + END.len();
                self.mxpeg(part("MOBOTIX_Fast_Serverpush", length), number, size);
                self.piece(b"\r\n".to_vec(), 0);
            }
            Kind::MotionJpeg => {
                let mut head = part("myboundary", JPEG.len() + size + END.len());
                head.extend(JPEG);
                self.piece(head, size);
                self.piece([END, b"\r\n"].concat(), 0);
            }
            Kind::Tls => {
                let length = (size as u16).to_be_bytes();
                self.piece(vec![23, 3, 3, length[0], length[1]], size);
            }
            Kind::Smb => {
                self.piece(smb_message(number, 0, &smb_write(self.written, size), size), size);
                self.written += size as u64;
                self.last = size as u32;
            }
        }
        self.pieces.iter().map(|piece| piece.head.len() + piece.noise).sum()
    }

    /// What the other side says to the message that has just gone out; usually nothing but an acknowledgement.
    pub(super) fn answer(&self) -> Vec<u8> {
        let Kind::Smb = self.kind else { return Vec::new() };
        // WRITE response ([MS-SMB2] §2.2.22).
        let mut body = vec![17, 0, 0, 0];
        body.extend(self.last.to_le_bytes());
        body.extend([0; 8]);
        smb_message(self.number - 1, 1, &body, 0)
    }

    /// Appends the next `count` octets of the message.
    pub(super) fn take(&mut self, noise: &mut Noise, out: &mut Vec<u8>, mut count: usize) {
        while count > 0 {
            let piece = &mut self.pieces[0];
            let head = count.min(piece.head.len() - self.taken);
            out.extend_from_slice(&piece.head[self.taken..self.taken + head]);
            self.taken += head;
            let rest = (count - head).min(piece.noise);
            noise.append(out, rest);
            piece.noise -= rest;
            count -= head + rest;
            if self.taken == piece.head.len() && piece.noise == 0 {
                self.pieces.pop_front();
                self.taken = 0;
            }
        }
    }

    fn piece(&mut self, head: Vec<u8>, noise: usize) {
        self.pieces.push_back(Piece { head, noise });
    }

    fn interleaved(&mut self, picture: u32, size: usize) {
        let mut left = size;
        while left > 0 {
            let count = left.min(RTP_FULL);
            let rtp = rtp_head(picture, self.sequence, left == size, left == count);
            self.sequence = self.sequence.wrapping_add(1);
            let mut head = vec![b'$', 0];
            head.extend(((rtp.len() + count) as u16).to_be_bytes());
            head.extend(rtp);
            self.piece(head, count);
            left -= count;
        }
    }

    fn mxpeg(&mut self, mut head: Vec<u8>, number: u64, size: usize) {
        head.extend(mxpeg_head(number));
        self.piece(head, size);
        self.piece(END.to_vec(), 0);
    }
}

/// RTP with the head of a fragmentation unit of H.264 (RFC 3550 §5.1, RFC 6184 §5.8).
pub(super) fn rtp_head(picture: u32, sequence: u16, first: bool, last: bool) -> Vec<u8> {
    let mut head = vec![0x80, u8::from(last) << 7 | 96];
    head.extend(sequence.to_be_bytes());
    head.extend((12 + picture).wrapping_mul(TICKS).to_be_bytes());
    head.extend(SSRC);
    head.extend([0x5c, u8::from(first) << 7 | u8::from(last) << 6 | 1]);
    head
}

const END: &[u8] = &[0xff, 0xd9];
const JPEG: &[u8] =
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0";

fn part(boundary: &str, length: usize) -> Vec<u8> {
    format!("--{boundary}\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

/// A picture's head up to its scan: JFIF, the frame header, the mask of changed tiles, start of scan.
fn mxpeg_head(number: u64) -> Vec<u8> {
    let at = START + number * 40_000;
    let mut head = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xfe\0\x42MXF\0".to_vec();
    head.extend(0x0081_4559_u32.to_le_bytes());
    head.extend(at.to_le_bytes());
    head.extend((number as u32).to_le_bytes());
    head.extend((number as u32).to_le_bytes());
    head.extend([0; 4]);
    head.extend(((at / 1_000_000) as u32).to_le_bytes());
    head.extend([0; 32]);
    head.extend(b"\xff\xfe\0\x10MXM\0\x04\0\x03\0\0\0\0\0\xa0\0");
    head.extend(b"\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0");
    head
}

/// The fixtures' form of Milestone's `ImageResponse`, with a generic byte data header of 32 octets.
fn image_head(number: u64, size: usize) -> Vec<u8> {
    let at = START / 1000 + number * 40;
    let mut head = format!(
        "ImageResponse\r\nRequestId: 2\r\nPrev: 0\r\nCurrent: {at}\r\nNext: 0\r\nContent-length: {}\r\n\
         Content-type: application/x-genericbytedata-octet-stream\r\n\r\n",
        size + 32
    )
    .into_bytes();
    head.extend([0, 0x10]);
    head.extend((32 + size as u32).to_be_bytes());
    head.extend([0, 0x0a]);
    head.extend((number as u16).to_be_bytes());
    head.extend([0, 1]);
    head.extend((START / 1000).to_be_bytes());
    head.extend(at.to_be_bytes());
    head.extend([0; 4]);
    head
}

fn smb_write(offset: u64, size: usize) -> Vec<u8> {
    let mut body = vec![49, 0, 112, 0];
    body.extend((size as u32).to_le_bytes());
    body.extend(offset.to_le_bytes());
    body.extend([0x77; 16]);
    body.extend([0; 16]);
    body
}

/// A WRITE of the session that the fixtures' dialogue has set up; `data` octets follow it.
fn smb_message(number: u64, flags: u32, body: &[u8], data: usize) -> Vec<u8> {
    let mut message = ((64 + body.len() + data) as u32).to_be_bytes().to_vec();
    message.extend([0xfe, b'S', b'M', b'B', 64, 0, 1, 0, 0, 0, 0, 0]);
    message.extend([9, 0, 1, 0]);
    message.extend(flags.to_le_bytes());
    message.extend([0; 4]);
    message.extend(number.to_le_bytes());
    message.extend([0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0]);
    message.extend([0; 16]);
    message.extend(body);
    message
}

//! Opens QUIC's Initial packets: their keys are public, made from the client's first destination
//! identifier, so that this is reading and no breaking.
//!
//! HKDF and AES come from the crates `hkdf` and `aes` (RustCrypto, Rust alone, eight small crates in
//! all); `ring` would bring C and assembly for the same. The packet's tag is not checked: nothing is
//! decided by an Initial but by a ClientHello that parses to its end, and a wrong key gives noise.
//!
//! Source: RFC 9001 §5.2 (keys), §5.3 (AES-128-GCM; GCM's counter of NIST SP 800-38D §7.1), §5.4
//! (header protection); RFC 9369 §3.3 (labels of version 2); RFC 9000 §19 (frames); Google's frames:
//! its wire layout specification, and Chromium's `quic_framer.cc` for CRYPTO, which is younger.

use aes::Aes128;
use aes::cipher::BlockCipherEncrypt;
use aes::cipher::KeyInit;
use hkdf::Hkdf;
use sha2::Sha256;

use super::octets::Octets;
use super::quic::Packet;
use super::quic::number;
use super::quic_version::Dialect;

/// Octets of the tag behind a packet.
const TAG: usize = 16;
/// Octets of a packet that are opened, at most: a datagram of Ethernet is shorter.
const OPENED_MOST: usize = 2048;
/// Frames of one packet that are walked.
const FRAMES_MOST: usize = 2048;

/// The keys of a client's Initials.
pub(super) struct Keys {
    key: [u8; 16],
    iv: [u8; 12],
    protection: [u8; 16],
    /// What they open has Google's frames.
    google: bool,
}

impl Keys {
    /// The client's keys for this destination identifier.
    pub(super) fn of_client(dialect: Dialect, destination: &[u8]) -> Self {
        let Dialect { salt, second, google } = dialect;
        let mut secret = [0_u8; 32];
        expand(&Hkdf::<Sha256>::new(Some(salt), destination), b"client in", &mut secret);
        let mut keys = Self { key: [0; 16], iv: [0; 12], protection: [0; 16], google };
        if let Ok(hkdf) = Hkdf::<Sha256>::from_prk(&secret) {
            let [key, iv, protection]: [&[u8]; 3] = if second {
                [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"]
            } else {
                [b"quic key", b"quic iv", b"quic hp"]
            };
            expand(&hkdf, key, &mut keys.key);
            expand(&hkdf, iv, &mut keys.iv);
            expand(&hkdf, protection, &mut keys.protection);
        }
        keys
    }

    /// What stands in the packet's CRYPTO frames, each with its offset; `None` if these are not its keys.
    pub(super) fn open(&self, packet: &Packet<'_>) -> Option<Vec<(usize, Vec<u8>)>> {
        let protected = packet.octets.get(packet.number_at..)?;
        // RFC 9001 §5.4.2: the sample starts as if the number had four octets.
        let mask = block(&self.protection, *protected.get(4..)?.first_chunk::<16>()?);
        let first = packet.octets.first()? ^ (mask.first()? & 0x0f);
        // The two bits that must be zero (RFC 9000 §17.2).
        if first & 0x0c != 0 {
            return None;
        }
        let length = usize::from(first & 3).saturating_add(1);
        let mut nonce = self.iv;
        let masked = protected.get(..length)?.iter().zip(mask.get(1..)?).map(|(octet, mask)| octet ^ mask);
        let behind = nonce.len().saturating_sub(length);
        for (slot, octet) in nonce.iter_mut().skip(behind).zip(masked) {
            *slot ^= octet;
        }
        let payload = protected.get(length..protected.len().checked_sub(TAG)?)?;
        crypto(&self.stream(&nonce, payload.get(..payload.len().min(OPENED_MOST))?), self.google)
    }

    /// Counter mode as GCM uses it: the first block of data has counter 2.
    fn stream(&self, nonce: &[u8; 12], payload: &[u8]) -> Vec<u8> {
        let mut plain = Vec::with_capacity(payload.len());
        for (counter, part) in (2_u32..).zip(payload.chunks(16)) {
            let mut input = [0_u8; 16];
            let counted = nonce.iter().copied().chain(counter.to_be_bytes());
            input.iter_mut().zip(counted).for_each(|(slot, octet)| *slot = octet);
            let key = block(&self.key, input);
            plain.extend(part.iter().zip(key).map(|(octet, key)| octet ^ key));
        }
        plain
    }
}

/// HKDF-Expand-Label of TLS 1.3 with an empty context (RFC 8446 §7.1).
fn expand(hkdf: &Hkdf<Sha256>, label: &[u8], out: &mut [u8]) {
    let length = u16::try_from(out.len()).unwrap_or(0).to_be_bytes();
    let named = u8::try_from(label.len().saturating_add(6)).unwrap_or(0);
    // It only fails for outputs of more than 8160 octets.
    let _ = hkdf.expand_multi_info(&[&length, &[named], b"tls13 ", label, &[0]], out);
}

fn block(key: &[u8; 16], input: [u8; 16]) -> [u8; 16] {
    let mut block = input.into();
    Aes128::new(&(*key).into()).encrypt_block(&mut block);
    block.into()
}

/// The data of CRYPTO frames. An Initial holds PADDING, PING, ACK, CRYPTO and CONNECTION_CLOSE alone
/// (RFC 9000 §17.2.2); anything else shows that the keys were wrong. Google numbers them otherwise, and
/// its clients' first Initials hold PADDING, PING and CRYPTO.
fn crypto(plain: &[u8], google: bool) -> Option<Vec<(usize, Vec<u8>)>> {
    let octets = Octets::whole(plain);
    let mut found = Vec::new();
    let mut at = 0_usize;
    for _ in 0..FRAMES_MOST {
        let Ok(kind) = octets.u8(at) else { break };
        at = at.saturating_add(1);
        match (kind, google) {
            (0, _) | (1, false) | (7, true) => {}
            (2 | 3, false) => at = after_ack(octets, at, kind == 3)?,
            (6, false) | (8, true) => {
                let (offset, next) = number(octets, at).ok()?;
                let (length, next) = number(octets, next).ok()?;
                found.push((offset, octets.slice(next, length).ok()?.to_vec()));
                at = next.saturating_add(length);
            }
            (0x1c, false) => {
                let (_, next) = number(octets, at).ok()?;
                let (_, next) = number(octets, next).ok()?;
                let (length, next) = number(octets, next).ok()?;
                at = next.saturating_add(length);
            }
            _ => return None,
        }
    }
    (at <= plain.len()).then_some(found)
}

/// Where an ACK frame ends (RFC 9000 §19.3).
fn after_ack(octets: Octets<'_>, at: usize, congestion: bool) -> Option<usize> {
    let (_, next) = number(octets, at).ok()?;
    let (_, next) = number(octets, next).ok()?;
    let (ranges, next) = number(octets, next).ok()?;
    let (_, mut next) = number(octets, next).ok()?;
    let more = ranges.min(FRAMES_MOST).saturating_mul(2).saturating_add(if congestion { 3 } else { 0 });
    for _ in 0..more {
        (_, next) = number(octets, next).ok()?;
    }
    Some(next)
}

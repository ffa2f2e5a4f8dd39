//! The versions of QUIC that have the long header of version 1, and what each does its own way: the
//! salt of its Initials' keys, the order of its packets' kinds, the frames inside.
//!
//! Source: RFC 9001 §5.2 and RFC 9369 §3 (versions 1 and 2); draft-ietf-quic-tls-22, -23, -29 and -33
//! §5.2 (a draft keeps the salt of the one before it); draft-ietf-quic-transport-22 §17.2 (identifiers
//! have had a length octet each since then); Facebook's mvfst (`QuicConstants.h`,
//! `FizzCryptoFactory.cpp`); Google's Q050, T050 and T051 (Chromium, `crypto_utils.cc`); RFC 9000 §15
//! (what is reserved for greasing).

/// Salt of version 1, and of drafts 33 and 34.
const SALT_V1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
];
/// Salt of version 2 (RFC 9369 §3.3.1).
const SALT_V2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9,
    0xbd, 0x2e, 0xd9,
];
/// Salt of draft 22.
const SALT_22: [u8; 20] = [
    0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a,
    0x02, 0x64, 0x4a,
];
/// Salt of drafts 23 to 28.
const SALT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe,
    0xf9, 0xf5, 0x02,
];
/// Salt of drafts 29 to 32.
const SALT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43,
    0x90, 0xa8, 0x99,
];
/// Salt of Google's Q050.
const SALT_Q050: [u8; 20] = [
    0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3,
    0xb5, 0x6b, 0x45,
];
/// Salt of Google's T050.
const SALT_T050: [u8; 20] = [
    0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60,
    0x48, 0x83, 0x10,
];
/// Salt of Google's T051.
const SALT_T051: [u8; 20] = [
    0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda,
    0x6e, 0x03, 0x3d,
];

/// What a version does its own way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Dialect {
    /// The salt from which the keys of its Initials are made.
    pub(super) salt: &'static [u8; 20],
    /// It is version 2: its packets' kinds are numbered in another order, its keys have other labels.
    pub(super) second: bool,
    /// The frames inside are Google's, not the IETF's.
    pub(super) google: bool,
}

impl Dialect {
    /// Version 1 (RFC 9000).
    pub(super) const FIRST: Self = Self::with(&SALT_V1);

    const fn with(salt: &'static [u8; 20]) -> Self {
        Self { salt, second: false, google: false }
    }
}

/// How a version speaks; `None` if we do not know it, or if its long header is another.
pub(super) fn dialect(version: u32) -> Option<Dialect> {
    let google = |salt| Dialect { google: true, ..Dialect::with(salt) };
    Some(match version {
        1 | 0xff00_0021..=0xff00_0022 => Dialect::FIRST,
        0x6b33_43cf => Dialect { second: true, ..Dialect::with(&SALT_V2) },
        0xff00_0016 => Dialect::with(&SALT_22),
        0xff00_0017..=0xff00_001c => Dialect::with(&SALT_23),
        0xff00_001d..=0xff00_0020 => Dialect::with(&SALT_29),
        // Facebook's own: the first kept draft 22's salt, two are other names of version 1.
        0xface_b001 => Dialect::with(&SALT_22),
        0xface_b003 | 0xface_b004 => Dialect::FIRST,
        0xface_b002 | 0xface_b005..=0xface_b01f => Dialect::with(&SALT_23),
        _ => match &version.to_be_bytes() {
            b"Q050" => google(&SALT_Q050),
            b"T050" => google(&SALT_T050),
            b"T051" => google(&SALT_T051),
            _ => return None,
        },
    })
}

/// Whether the version is one of those that mean nothing but a question for others.
pub(super) const fn is_greased(version: u32) -> bool {
    version & 0x0f0f_0f0f == 0x0a0a_0a0a
}

/// Whether it is one of Google's: `Q043`, `T051`.
pub(super) const fn is_google(version: u32) -> bool {
    matches!(version.to_be_bytes(), [b'Q' | b'T', b'0', b'0'..=b'9', b'0'..=b'9'])
}

/// Whether a list of versions may be told by this one: it, or the family that it is of, is known.
pub(super) fn is_of_quic(version: u32) -> bool {
    let draft = matches!(version, 0xff00_0001..=0xff00_0022);
    draft || dialect(version).is_some() || is_greased(version) || is_google(version)
}

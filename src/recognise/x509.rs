//! Facts of a certificate chain (RFC 5280) that need no trust store.

use sha2::Digest;
use sha2::Sha256;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::X509Certificate;
use x509_parser::public_key::PublicKey;

use super::finding::CertificateFacts;
use super::finding::NAME_OCTETS;
use crate::time::Timestamp;

/// Certificates of one chain that are looked at.
const CHAIN: usize = 10;
/// Shortest RSA or DSA key that is not weak, in bits (NIST SP 800-131A).
const RSA_BITS: usize = 2048;
/// Shortest elliptic curve key that is not weak, in bits (NIST SP 800-131A).
const CURVE_BITS: usize = 224;

/// Signature algorithms whose hash is broken, and the hash.
const WEAK_SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.2", "MD2"),
    ("1.2.840.113549.1.1.3", "MD4"),
    ("1.2.840.113549.1.1.4", "MD5"),
    ("1.3.14.3.2.25", "MD5"),
    ("1.2.840.113549.1.1.5", "SHA-1"),
    ("1.3.14.3.2.29", "SHA-1"),
    ("1.3.14.3.2.27", "SHA-1"),
    ("1.2.840.10040.4.3", "SHA-1"),
    ("1.2.840.10045.4.1", "SHA-1"),
];

/// Reads the body of a Certificate message of TLS up to 1.2 (RFC 5246 §7.4.2). `None` if the first
/// certificate cannot be read.
pub fn chain(body: &[u8]) -> Option<CertificateFacts> {
    let certificates: Vec<&[u8]> = split(body.get(3..)?).take(CHAIN).collect();
    let (_, leaf) = parse_x509_certificate(certificates.first()?).ok()?;
    let validity = leaf.validity();
    let signature = leaf.signature_algorithm.algorithm.to_id_string();
    let weak_hash = WEAK_SIGNATURES.iter().find(|(oid, _)| *oid == signature).map(|(_, hash)| *hash);
    Some(CertificateFacts {
        not_before: Timestamp::from_parts(validity.not_before.timestamp(), 0),
        not_after: Timestamp::from_parts(validity.not_after.timestamp(), 0),
        self_signed: is_own_issuer(&leaf),
        shows_root: certificates.last().is_some_and(|last| signs_itself(last)),
        weak_key: weak_key(&leaf),
        weak_hash,
        issuer: printable(&leaf.issuer().to_string()),
        fingerprints: certificates.iter().map(|der| Sha256::digest(der).into()).collect(),
    })
}

fn signs_itself(der: &[u8]) -> bool {
    parse_x509_certificate(der).is_ok_and(|(_, certificate)| is_own_issuer(&certificate))
}

fn is_own_issuer(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

/// The certificates of a list, each behind its length of three octets.
fn split(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let [a, b, c, rest @ ..] = list else { return None };
        let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
        let (der, after) = rest.split_at_checked(length)?;
        list = after;
        Some(der)
    })
}

fn weak_key(leaf: &X509Certificate<'_>) -> Option<String> {
    let (name, bits, least) = match leaf.public_key().parsed().ok()? {
        PublicKey::RSA(key) => ("RSA", significant_bits(key.modulus), RSA_BITS),
        PublicKey::DSA(key) => ("DSA", significant_bits(key), RSA_BITS),
        PublicKey::EC(point) => ("EC", point.key_size(), CURVE_BITS),
        _ => return None,
    };
    (bits > 0 && bits < least).then(|| format!("{name} {bits} bits"))
}

/// Bits of a big-endian number without its leading zero octets, rounded up to whole octets.
fn significant_bits(number: &[u8]) -> usize {
    number.iter().skip_while(|octet| **octet == 0).count().saturating_mul(8)
}

/// At most [`NAME_OCTETS`] printable ASCII characters; others become `?`.
fn printable(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.chars().take(NAME_OCTETS).map(plain).collect()
}

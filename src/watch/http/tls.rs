//! Who may listen where, and TLS for it: a configuration of rustls from PEM files. A new certificate is a
//! new configuration.

use std::fs::File;
use std::io;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::InconsistentKeys;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem;
use rustls::pki_types::pem::PemObject;
use rustls::version::TLS12;
use rustls::version::TLS13;
use thiserror::Error;

/// Largest certificate or key file, in octets.
const PEM_CAP: u64 = 1024 * 1024;

/// Says whether one may listen on `addr`: on loopback always, elsewhere with TLS or if the operator insists.
///
/// # Errors
///
/// What would be disclosed, and the ways out.
pub fn listen_rules(addr: SocketAddr, has_tls: bool, insists: bool) -> Result<(), String> {
    if addr.ip().to_canonical().is_loopback() || has_tls || insists {
        return Ok(());
    }
    Err(format!(
        "--listen {addr}: other computers could read every violation and every host in clear text: give \
         --tls-cert FILE and --tls-key FILE, or listen on 127.0.0.1:{}, or, where a proxy or firewall \
         protects it, say --insecure-listen",
        addr.port()
    ))
}

/// Why there is no TLS. Each names the file and the way out.
#[derive(Debug, Error)]
pub enum TlsFault {
    /// The file cannot be read.
    #[error("{}: {error}: give a file that camsentry's user may read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is too large to be one of certificates or keys.
    #[error("{} has more than {PEM_CAP} octets: that is no PEM file of a certificate or key", path.display())]
    Large {
        /// The file.
        path: PathBuf,
    },
    /// The PEM armour is broken.
    #[error("{}: {why}: make the PEM file anew", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No certificate in it.
    #[error("{} holds no certificate: it must be PEM, with a section -----BEGIN CERTIFICATE-----", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// No key in it.
    #[error("{} holds no private key: it must be PEM, with a section -----BEGIN PRIVATE KEY-----", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The key is behind a password.
    #[error(
        "{0} is encrypted, and nobody is there to type its password: decrypt it with `openssl pkey -in {0} -out KEY`",
        path.display()
    )]
    EncryptedKey {
        /// The file.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error(
        "{} is not the key of the first certificate in {}: that file must begin with the server's own \
         certificate, followed by those of its issuers",
        key.display(),
        cert.display()
    )]
    Mismatch {
        /// The certificates.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// rustls cannot use them.
    #[error("{} with {}: {error}: use an RSA, ECDSA or Ed25519 certificate", cert.display(), key.display())]
    Unusable {
        /// The certificates.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// What rustls said.
        error: rustls::Error,
    },
}

/// TLS 1.2 and 1.3 with the certificates in `cert`, the server's own first, and its key.
///
/// # Errors
///
/// If a file cannot be read or used.
pub fn server_config(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsFault> {
    let chain = certificates(cert)?;
    let secret = private_key(key)?;
    let unusable = |error| {
        let (cert, key) = (cert.to_owned(), key.to_owned());
        match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsFault::Mismatch { cert, key }
            }
            error => TlsFault::Unusable { cert, key, error },
        }
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let octets = octets_of(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&octets).collect();
    let chain = chain.map_err(|error| broken(path, &error))?;
    if chain.is_empty() {
        return Err(TlsFault::NoCertificate { path: path.to_owned() });
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsFault> {
    let octets = octets_of(path)?;
    match PrivateKeyDer::from_pem_slice(&octets) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) if is_encrypted(&octets) => {
            Err(TlsFault::EncryptedKey { path: path.to_owned() })
        }
        Err(pem::Error::NoItemsFound) => Err(TlsFault::NoKey { path: path.to_owned() }),
        Err(error) => Err(broken(path, &error)),
    }
}

fn is_encrypted(octets: &[u8]) -> bool {
    String::from_utf8_lossy(octets).contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
}

// The text of a PEM error may hold a line of the file, which here may be a part of a key: it is not shown.
fn broken(path: &Path, error: &pem::Error) -> TlsFault {
    let why = match error {
        pem::Error::MissingSectionEnd { .. } => "a PEM section has no end",
        pem::Error::IllegalSectionStart { .. } => "a PEM section begins with an illegal line",
        pem::Error::Base64Decode(_) => "a PEM section is not Base64",
        _ => "the PEM text cannot be read",
    };
    TlsFault::Pem { path: path.to_owned(), why: why.to_owned() }
}

fn octets_of(path: &Path) -> Result<Vec<u8>, TlsFault> {
    let fault = |error| TlsFault::Read { path: path.to_owned(), error };
    let mut octets = Vec::new();
    let file = File::open(path).map_err(fault)?;
    file.take(PEM_CAP.saturating_add(1)).read_to_end(&mut octets).map_err(fault)?;
    if u64::try_from(octets.len()).is_ok_and(|len| len > PEM_CAP) {
        return Err(TlsFault::Large { path: path.to_owned() });
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_free_and_any_other_address_needs_tls_or_the_operators_word() {
        let rules = |addr: &str, tls, insists| listen_rules(addr.parse().unwrap(), tls, insists);
        for addr in ["127.0.0.1:29477", "127.9.9.9:1", "[::1]:29477", "[::ffff:127.0.0.1]:29477"] {
            assert_eq!(rules(addr, false, false), Ok(()), "{addr}");
        }
        for addr in ["0.0.0.0:29477", "[::]:29477", "10.0.0.1:29477", "[::ffff:10.0.0.1]:29477"] {
            let why = rules(addr, false, false).unwrap_err();
            assert!(
                why.contains("--tls-cert") && why.contains("--insecure-listen") && why.contains(addr),
                "{why}"
            );
            assert_eq!(rules(addr, true, false), Ok(()), "{addr}");
            assert_eq!(rules(addr, false, true), Ok(()), "{addr}");
        }
    }
}

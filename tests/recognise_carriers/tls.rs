//! TLS: versions by tshark, certificates by openssl, as the papers of the fixtures say.

use camsentry::recognise::Finding;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::CertificateFacts;
use camsentry::recognise::finding::TlsVersion;
use camsentry::recognise::tls::Tls;
use camsentry::recognise::tls::TlsMidstream;
use camsentry::service::Certainty;
use camsentry::service::Service;
use camsentry::time::Timestamp;

use crate::driver::CLIENT;
use crate::driver::SERVER;
use crate::driver::Shown;
use crate::driver::fixture;
use crate::driver::from_client;
use crate::driver::from_server;
use crate::driver::told;

/// One TLS record.
fn record(kind: u8, version: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, 3, version, high, low], body].concat()
}

/// One handshake message.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, a, b, c], body].concat()
}

/// A ServerHello of this version without extensions, then a Certificate with this chain.
fn server_flight(version: u8, chain: &[&[u8]]) -> Vec<u8> {
    let hello = [&[3, version], [7; 32].as_slice(), &[0, 0xc0, 0x2f, 0]].concat();
    let length = |octets: &[u8]| u32::try_from(octets.len()).unwrap().to_be_bytes()[1..].to_vec();
    let list: Vec<u8> = chain.iter().flat_map(|der| [length(der), der.to_vec()].concat()).collect();
    let certificate = [length(&list), list].concat();
    let messages = [message(2, &hello), message(11, &certificate), message(14, &[])].concat();
    record(22, version, &messages)
}

fn certificate(findings: &[(camsentry::flow::Side, Finding)]) -> CertificateFacts {
    let facts = findings.iter().find_map(|(side, finding)| match finding {
        Finding::Certificate(facts) if *side == SERVER => Some(facts.as_ref().clone()),
        _ => None,
    });
    facts.unwrap()
}

#[test]
fn hellos_of_real_connections_name_their_sender_on_any_port() {
    for name in ["tls10", "tls12", "tls13"] {
        for port in [443, 9090, 7563] {
            let client = fixture(&format!("{name}_0.bin"));
            let found = from_client(&client, port).matched(&Tls);
            assert_eq!((found.sender, found.certainty), (Sender::Client, Certainty::Signature));
            let server = fixture(&format!("{name}_1.bin"));
            let found = from_server(&server[..400], port).matched(&Tls);
            assert_eq!((found.sender, found.certainty), (Sender::Server, Certainty::Signature));
            assert_eq!(from_client(&client, port).claimed(), [Service::Tls]);
        }
    }
}

#[test]
fn versions_and_names_are_those_that_tshark_reads() {
    let both = |name: &str| {
        let (client, server) = (fixture(&format!("{name}_0.bin")), fixture(&format!("{name}_1.bin")));
        told(&Tls, &[(CLIENT, &client), (SERVER, &server)])
    };
    let found = both("tls10");
    assert_eq!(found[0], (CLIENT, Finding::TlsOffered(TlsVersion::Tls10)));
    assert!(found.contains(&(SERVER, Finding::TlsVersion(TlsVersion::Tls10))));
    let facts = certificate(&found);
    assert_eq!(facts.not_before, Timestamp::from_parts(1_502_118_257, 0));
    assert_eq!(facts.not_after, Timestamp::from_parts(1_533_654_257, 0));
    assert!(facts.self_signed && facts.weak_key.is_none() && facts.weak_hash.is_none());
    assert!(facts.issuer.contains("server.blah.com"));

    let found = both("tls12");
    assert!(found.contains(&(CLIENT, Finding::ServerName("xp.apple.com".to_owned()))));
    assert!(found.contains(&(SERVER, Finding::TlsVersion(TlsVersion::Tls12))));
    let facts = certificate(&found);
    assert!(!facts.self_signed && facts.issuer.contains("Symantec Class 3 EV SSL CA - G3"));
    assert_eq!(facts.not_after, Timestamp::from_parts(1_574_121_599, 0));
    assert_eq!(facts.fingerprints.len(), 2);
    assert_eq!(facts.fingerprints[0][..4], [0xef, 0x30, 0x13, 0x6a]);
    assert_eq!(facts.fingerprints[1][..4], [0x9e, 0x6b, 0xc5, 0xf9]);

    let found = both("tls13");
    let wanted =
        [(CLIENT, Finding::TlsOffered(TlsVersion::Tls13)), (SERVER, Finding::TlsVersion(TlsVersion::Tls13))];
    assert_eq!(found, wanted);
}

#[test]
fn each_side_alone_tells_what_it_says() {
    let server = fixture("tls10_1.bin");
    let found = told(&Tls, &[(SERVER, &server)]);
    assert_eq!(found.len(), 2);
    assert!(told(&Tls, &[(SERVER, &server[..300])]).len() == 1, "the certificate is cut");
}

#[test]
fn a_weak_certificate_is_called_weak() {
    let der = fixture("weak.der");
    let facts = certificate(&told(&Tls, &[(SERVER, &server_flight(3, &[&der]))]));
    assert_eq!(facts.weak_key.as_deref(), Some("RSA 1024 bits"));
    assert_eq!(facts.weak_hash, Some("SHA-1"));
    assert!(facts.self_signed);
    assert_eq!(facts.issuer, "O=camsentry fixture, CN=weak camera");
    assert_eq!(facts.not_before, Timestamp::from_parts(1_795_324_690, 0));
    assert_eq!(facts.fingerprints[0][..4], [0xf5, 0x3e, 0x7c, 0xe2]);
}

#[test]
fn the_validity_of_a_made_certificate_is_read() {
    let mut params = rcgen::CertificateParams::new(vec!["recorder.example".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate_der = params.self_signed(&key).unwrap();
    let facts = certificate(&told(&Tls, &[(SERVER, &server_flight(1, &[certificate_der.der()]))]));
    // date -u -d 2019-01-01 +%s, and 2020-01-01.
    assert_eq!(facts.not_before, Timestamp::from_parts(1_546_300_800, 0));
    assert_eq!(facts.not_after, Timestamp::from_parts(1_577_836_800, 0));
    assert!(facts.self_signed && facts.weak_key.is_none() && facts.weak_hash.is_none());
}

#[test]
fn a_hello_spread_over_records_is_joined() {
    let whole = fixture("tls12_0.bin");
    let body = &whole[5..517];
    let spread: Vec<u8> = body.chunks(3).flat_map(|part| record(22, 1, part)).collect();
    assert_eq!(from_client(&spread, 443).matched(&Tls).sender, Sender::Client);
    assert_eq!(told(&Tls, &[(CLIENT, &spread)]), told(&Tls, &[(CLIENT, &whole)]));
}

#[test]
fn a_hello_behind_an_alert_still_names_its_sender() {
    let hello = [record(21, 3, &[1, 112]), fixture("tls12_1.bin")].concat();
    assert_eq!(from_server(&hello[..300], 443).matched(&Tls).sender, Sender::Server);
}

#[test]
fn midstream_records_are_sure_from_the_second_header_on() {
    let two = [record(23, 3, &[9; 100]), record(23, 3, &[8; 50])].concat();
    let shown = Shown { octets: &two, port: 7563, side: SERVER, from_start: false };
    let found = shown.matched(&Tls);
    assert_eq!((found.certainty, found.sender), (Certainty::Signature, Sender::Either));
    let one = Shown { octets: &two[..60], ..shown };
    assert_eq!(one.matched(&Tls).certainty, Certainty::Consistent);
}

#[test]
fn a_hello_of_ssl_2_is_read() {
    // CLIENT-HELLO: version 0002, three cipher specs, no session, challenge of 16.
    let mut hello = vec![0x80, 9 + 9 + 16, 1, 0, 2, 0, 9, 0, 0, 0, 16];
    hello.extend([1, 0, 0x80, 7, 0, 0xc0, 3, 0, 0x80]);
    hello.extend([5; 16]);
    assert_eq!(from_client(&hello, 443).matched(&Tls).sender, Sender::Client);
    assert_eq!(told(&Tls, &[(CLIENT, &hello)]), [(CLIENT, Finding::TlsOffered(TlsVersion::Ssl2))]);
    hello[6] = 8;
    from_client(&hello, 443).refused(&Tls);
}

#[test]
fn a_retry_request_names_the_version_and_grease_is_no_offer() {
    let retry = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11];
    let body = [&[3, 3], retry.as_slice(), &[0; 24], &[0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]].concat();
    let found = told(&Tls, &[(SERVER, &record(22, 3, &message(2, &body)))]);
    assert_eq!(found, [(SERVER, Finding::TlsVersion(TlsVersion::Tls13))]);
    let versions = [0, 43, 0, 5, 4, 0x7a, 0x7a, 3, 3];
    let body = [&[3, 3], [1; 32].as_slice(), &[0, 0, 2, 0x13, 1, 1, 0, 0, 9], &versions].concat();
    let found = told(&Tls, &[(CLIENT, &record(22, 1, &message(1, &body)))]);
    assert_eq!(found, [(CLIENT, Finding::TlsOffered(TlsVersion::Tls12))]);
}

#[test]
fn neighbours_on_its_ports_are_refused() {
    let tpkt = [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0];
    for octets in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"SSH-2.0-x\r\n", &tpkt, &[0x16, 3, 9, 0, 1, 1]] {
        from_client(octets, 443).refused(&Tls);
    }
}

#[test]
fn records_behind_the_rest_of_another_are_found_in_mid_stream() {
    let octets =
        [[23, 3, 3].as_slice(), &[0x55_u8; 90][..], &record(23, 3, &[9; 100]), &record(23, 3, &[8; 50])]
            .concat();
    let shown = Shown { octets: &octets[2..], port: 7563, side: SERVER, from_start: false };
    let found = shown.matched(&TlsMidstream);
    assert_eq!((found.offset, found.certainty), (91, Certainty::Consistent));
    assert_eq!(shown.claimed(), [Service::Tls]);
    Shown { octets: &octets[2..190], ..shown }.refused(&TlsMidstream);
}

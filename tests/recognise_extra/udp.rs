//! DTLS and QUIC. The octets of DTLS are OpenSSL's; those of QUIC are of RFC 9001 and RFC 9369, and
//! tshark reads the same names out of all of them.

use camsentry::flow::Side;
use camsentry::recognise::Finding;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::TlsVersion;
use camsentry::service::Certainty;
use camsentry::service::Service;

use crate::talk::CLIENT;
use crate::talk::SERVER;
use crate::talk::Talk;
use crate::talk::fixture;
use crate::talk::hex;
use crate::talk::udp;

/// The datagrams of a fixture, each with its length in front.
fn datagrams(name: &str) -> Vec<Vec<u8>> {
    let octets = fixture(name);
    let mut rest = octets.as_slice();
    let mut datagrams = Vec::new();
    while let [high, low, after @ ..] = rest {
        let (datagram, next) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        datagrams.push(datagram.to_vec());
        rest = next;
    }
    datagrams
}

/// Hello, cookie, hello again, answer: as OpenSSL wrote them.
fn dtls(name: &str, port: u16) -> Talk {
    let (client, server) = (datagrams(&format!("{name}_0.bin")), datagrams(&format!("{name}_1.bin")));
    let mut turns: Vec<(Side, &[u8])> = Vec::new();
    for (ours, theirs) in client.iter().zip(&server) {
        turns.extend([(CLIENT, ours.as_slice()), (SERVER, theirs.as_slice())]);
    }
    udp(port, &turns)
}

#[test]
fn dtls_tells_its_versions_and_the_name_on_any_port() {
    let versions = [("dtls10", TlsVersion::Tls11), ("dtls12", TlsVersion::Tls12)];
    for (name, version) in versions {
        for port in [4433, 443, 554] {
            let heard = dtls(name, port).heard();
            assert_eq!(heard.named[0].1.service, Service::Dtls, "{heard:?}");
            assert_eq!(heard.named[0].1.certainty, Certainty::Signature);
            assert_eq!(heard.named[0].1.sender, Sender::Client);
            heard.demand(CLIENT, Finding::TlsOffered(version));
            heard.demand(CLIENT, Finding::ServerName("cam.example".to_owned()));
            heard.demand(CLIENT, Finding::Alpn("webrtc".to_owned()));
            heard.demand(SERVER, Finding::TlsVersion(version));
            heard.demand(SERVER, Finding::EncryptedMedia);
        }
    }
}

#[test]
fn each_side_of_dtls_alone_is_named() {
    let talk = dtls("dtls12", 4433);
    let client = talk.of(CLIENT).heard();
    client.demand(CLIENT, Finding::ServerName("cam.example".to_owned()));
    let server = talk.of(SERVER).heard();
    assert_eq!(server.named[0].1.sender, Sender::Server);
    server.demand(SERVER, Finding::TlsVersion(TlsVersion::Tls12));
    let late = datagrams("dtls12_0.bin").pop().unwrap();
    let late = udp(4433, &[(CLIENT, &late)]).heard();
    assert_eq!(late.services(), [Service::Dtls], "without the hello");
    assert_eq!(late.named[0].1.sender, Sender::Either);
}

#[test]
fn what_only_looks_like_dtls_is_refused() {
    let hello = &datagrams("dtls12_0.bin")[0];
    for length in 1..hello.len() {
        let heard = udp(4433, &[(CLIENT, &hello[..length])]).heard();
        assert_eq!(heard.services(), [], "a datagram that ends early, at {length}");
    }
    let unified = [hex("2fb3 0001"), vec![0x5a; 60]].concat();
    assert_eq!(udp(4433, &[(CLIENT, &unified)]).heard().services(), [], "DTLS 1.3 alone proves nothing");
    let tls = fixture("tls12_0.bin");
    assert_eq!(udp(4433, &[(CLIENT, &tls)]).heard().services(), [], "TLS is not DTLS");
}

/// A record as AnyConnect writes it, with a handshake message inside.
fn early(number: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let size = u8::try_from(body.len()).unwrap();
    let header = [hex(kind), vec![0, 0, size], hex("0000 000000"), vec![0, 0, size]].concat();
    [hex("16 0100 0000 00000000"), hex(number), vec![0, size + 12], header, body.to_vec()].concat()
}

#[test]
fn dtls_with_the_version_before_rfc_4347_is_named_with_its_facts() {
    // Layout of RFC 4347 §4.2.1 and §4.3.2 with OpenSSL's DTLS1_BAD_VER, 0x0100, for the version; its
    // ChangeCipherSpec has three octets.
    let random = [0x5a_u8; 32];
    let hello = early("0000", "01", &[hex("0100"), random.to_vec(), hex("00 00 0002 0039 01 00")].concat());
    let verify = early("0000", "03", &hex("0100 04 c0ffee00"));
    let answer = early("0001", "02", &[hex("0100"), random.to_vec(), hex("00 0039 00")].concat());
    let change = hex("14 0100 0000 000000000002 0003 010002");
    let data = [hex("17 0100 0001 000000000007 0020"), vec![0xa5; 32]].concat();
    let second = [answer.clone(), change.clone()].concat();
    let turns = [(CLIENT, hello.as_slice()), (SERVER, &verify), (SERVER, &second), (CLIENT, &data)];
    let heard = udp(443, &turns).heard();
    assert_eq!(heard.services(), [Service::Dtls]);
    assert_eq!(heard.named[0].1.certainty, Certainty::Signature);
    heard.demand(CLIENT, Finding::TlsOffered(TlsVersion::Tls11));
    heard.demand(SERVER, Finding::TlsVersion(TlsVersion::Tls11));
    for (octets, sender) in [(&hello, Sender::Client), (&verify, Sender::Server), (&answer, Sender::Server)] {
        let heard = udp(443, &[(CLIENT, octets)]).heard();
        assert_eq!((heard.services(), heard.named[0].1.sender), (vec![Service::Dtls], sender));
    }
    let late = udp(443, &[(CLIENT, &data)]).heard();
    assert_eq!(late.services(), [Service::Dtls], "without the hello");
    assert_eq!(late.named[0].1.certainty, Certainty::Consistent);
    for strange in [
        "17 0100 0001 000100000007 0001 00",
        "18 0100 0001 000000000007 0001 00",
        "17 0100 0000 000000000007 0001 00",
    ] {
        assert_eq!(udp(443, &[(CLIENT, &hex(strange))]).heard().services(), [], "{strange}");
    }
    let mixed = [change, hex("16 feff 0001 000000000000 0001 00")].concat();
    assert_eq!(udp(443, &[(CLIENT, &mixed)]).heard().services(), [], "two versions in one datagram");
}

#[test]
fn dtls_behind_stun_is_told_with_its_facts() {
    let binding = hex("0001 0000 2112a442 b7e7a701bc34d686fa87dfae");
    let mut talk = dtls("dtls12", 50_000);
    talk.turns.insert(0, (CLIENT, binding.clone()));
    talk.turns.insert(1, (SERVER, [hex("0101"), binding[2..].to_vec()].concat()));
    let heard = talk.heard();
    assert_eq!(heard.named[0].1.service, Service::Stun);
    heard.demand(CLIENT, Finding::Upgrade(Service::Dtls));
    heard.demand(CLIENT, Finding::ServerName("cam.example".to_owned()));
    heard.demand(SERVER, Finding::TlsVersion(TlsVersion::Tls12));
}

#[test]
fn the_examples_of_the_rfcs_open_and_name_the_server() {
    for name in ["quic_v1_initial.bin", "quic_v2_initial.bin"] {
        for port in [443, 8443, 554] {
            let heard = udp(port, &[(CLIENT, &fixture(name))]).heard();
            assert_eq!(heard.services(), [Service::Quic], "{name}");
            let (_, found) = heard.named[0];
            assert_eq!((found.certainty, found.sender), (Certainty::Signature, Sender::Client));
            heard.demand(CLIENT, Finding::ServerName("example.com".to_owned()));
            heard.demand(CLIENT, Finding::TlsOffered(TlsVersion::Tls13));
            heard.demand(CLIENT, Finding::Alpn("alpn".to_owned()));
        }
    }
}

#[test]
fn a_hello_over_two_shuffled_initials_is_joined_in_any_order() {
    let (one, two) = (fixture("quic_split_0.bin"), fixture("quic_split_1.bin"));
    for order in [[&one, &two], [&two, &one]] {
        let heard = udp(443, &[(CLIENT, order[0]), (CLIENT, order[1])]).heard();
        heard.demand(CLIENT, Finding::ServerName("example.com".to_owned()));
    }
    let half = udp(443, &[(CLIENT, &one)]).heard();
    assert_eq!((half.services(), half.found.len()), (vec![Service::Quic], 0), "half a hello says no name");
}

#[test]
fn a_server_that_goes_on_speaks_tls_1_3() {
    // The Handshake packet's form alone counts: type 2, two identifiers, a length that fits.
    let handshake = [hex("e0 00000001 00 08 f067a5502a4262b5 4040"), vec![0x77; 64]].concat();
    let heard = udp(443, &[(CLIENT, &fixture("quic_v1_initial.bin")), (SERVER, &handshake)]).heard();
    heard.demand(SERVER, Finding::TlsVersion(TlsVersion::Tls13));
    let alone = udp(443, &[(SERVER, &handshake)]).heard();
    assert_eq!(alone.named[0].1.certainty, Certainty::Consistent);
    assert_eq!((alone.named[0].1.sender, alone.found.len()), (Sender::Either, 0));
}

#[test]
fn what_only_looks_like_quic_is_less_sure_or_refused() {
    let mut wrong = fixture("quic_v1_initial.bin");
    wrong[8] ^= 1;
    let heard = udp(443, &[(CLIENT, &wrong)]).heard();
    assert_eq!(heard.named[0].1.certainty, Certainty::Consistent, "it does not open");
    assert!(heard.found.is_empty());
    let whole = fixture("quic_v1_initial.bin");
    for length in 0..whole.len() {
        assert_eq!(udp(443, &[(CLIENT, &whole[..length])]).heard().services(), [], "it ends at {length}");
    }
    let short = [hex("4f 0102030405060708"), vec![0x33; 60]].concat();
    assert_eq!(udp(443, &[(CLIENT, &short)]).heard().services(), [], "a short header alone says nothing");
    let long = [hex("c0 00000001 15"), vec![0; 60]].concat();
    assert_eq!(udp(443, &[(CLIENT, &long)]).heard().services(), [], "an identifier of 21 octets");
}

#[test]
fn version_negotiation_names_the_server() {
    let negotiation = hex("80 00000000 00 08 f067a5502a4262b5 1a2a3a4a 00000001");
    let heard = udp(443, &[(SERVER, &negotiation)]).heard();
    assert_eq!(heard.services(), [Service::Quic]);
    assert_eq!(heard.named[0].1.sender, Sender::Server);
    let others = hex("80 00000000 00 08 f067a5502a4262b5 11111111 00000007");
    assert_eq!(udp(443, &[(SERVER, &others)]).heard().services(), [], "versions of something else");
}

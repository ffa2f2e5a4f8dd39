//! QUIC in other versions than 1 and 2: drafts, Facebook's, Google's, greased ones, and ones that nobody
//! told us. tshark reads the same names out of the octets, and the hashes of Google's are right.

use camsentry::flow::Side;
use camsentry::recognise::Finding;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::TlsVersion;
use camsentry::service::Certainty;
use camsentry::service::Service;

use crate::talk::CLIENT;
use crate::talk::SERVER;
use crate::talk::fixture;
use crate::talk::hex;
use crate::talk::udp;

/// Version 1's example with another version in its header.
fn relabelled(version: &str) -> Vec<u8> {
    let mut initial = fixture("quic_v1_initial.bin");
    initial.splice(1..5, hex(version));
    initial
}

/// Service, certainty and sender of a datagram alone.
fn told(client: bool, port: u16, datagram: &[u8]) -> Option<(Service, Certainty, Sender)> {
    let heard = udp(port, &[(if client { CLIENT } else { SERVER }, datagram)]).heard();
    heard.named.first().map(|(_, said)| (said.service, said.certainty, said.sender))
}

const OPENED: Option<(Service, Certainty, Sender)> =
    Some((Service::Quic, Certainty::Signature, Sender::Client));

#[test]
fn initials_of_drafts_facebook_and_google_open_with_their_own_salts() {
    for name in ["d22", "d27", "d29", "q050", "t051"] {
        let initial = fixture(&format!("quic_{name}_initial.bin"));
        for port in [443, 784, 554] {
            assert_eq!(told(true, port, &initial), OPENED, "{name}");
        }
        let heard = udp(443, &[(CLIENT, &initial)]).heard();
        heard.demand(CLIENT, Finding::ServerName("example.com".to_owned()));
        if name != "q050" {
            heard.demand(CLIENT, Finding::TlsOffered(TlsVersion::Tls13));
        }
    }
}

#[test]
fn google_s_own_handshake_is_no_tls() {
    let handshake = [hex("e0 51303530 00 08 f067a5502a4262b5 4040"), vec![0x77; 64]].concat();
    let heard = udp(443, &[(CLIENT, &fixture("quic_q050_initial.bin")), (SERVER, &handshake)]).heard();
    assert_eq!(heard.services(), [Service::Quic]);
    assert!(!heard.found.iter().any(|(_, found)| matches!(found, Finding::TlsVersion(_))));
}

#[test]
fn an_initial_with_another_version_s_keys_fits_but_does_not_open() {
    for version in ["ff00001d", "ff00001b", "faceb001", "faceb00e", "54303530", "6b3343cf"] {
        let heard = udp(443, &[(CLIENT, &relabelled(version))]).heard();
        let certainties: Vec<Certainty> = heard.named.iter().map(|(_, said)| said.certainty).collect();
        assert!(certainties.iter().all(|certainty| *certainty < Certainty::Signature), "{version}");
        assert!(heard.found.is_empty(), "{version}");
    }
    // Drafts 33 and 34 and two names of Facebook's have version 1's salt.
    for version in ["ff000021", "ff000022", "faceb003"] {
        assert_eq!(told(true, 443, &relabelled(version)), OPENED, "{version}");
    }
}

#[test]
fn a_version_that_nobody_told_is_known_by_the_shape_of_a_client_s_first_datagram() {
    let greased = Some((Service::Quic, Certainty::Consistent, Sender::Client));
    assert_eq!(told(true, 443, &relabelled("1a2a3a4a")), greased);
    let guessed = Some((Service::Quic, Certainty::Heuristic, Sender::Either));
    let unknown = relabelled("12345678");
    assert_eq!(told(true, 443, &unknown), guessed);
    let padded = [unknown.clone(), vec![0; 52]].concat();
    assert_eq!(told(true, 443, &padded), guessed, "padding behind the packet");
    let behind = [unknown.clone(), hex("e0 12345678 00 00 14"), vec![0x33; 20]].concat();
    assert_eq!(told(true, 443, &behind), guessed, "a packet more in the datagram");
}

#[test]
fn an_unknown_version_that_fits_less_is_refused() {
    let unknown = relabelled("12345678");
    for length in [20, 700, 1199] {
        assert_eq!(told(true, 443, &unknown[..length]), None, "cut at {length}");
    }
    let longer = [unknown.clone(), vec![1; 30]].concat();
    assert_eq!(told(true, 443, &longer), None, "something else behind it");
    let mut short = unknown.clone();
    short[5] = 7;
    assert_eq!(told(true, 443, &short), None, "an identifier of 7 octets");
    for first in [0x83, 0x43, 0xd3, 0xe3, 0xf3] {
        let mut other = unknown.clone();
        other[0] = first;
        assert_eq!(told(true, 443, &other), None, "no Initial: {first:x}");
    }
}

#[test]
fn a_client_that_is_turned_down_and_asks_again_is_read() {
    let negotiation = hex("c6 00000000 00 08 8394c8f03e515708 ff00001d 00000001");
    let (greased, again) = (relabelled("0a0a0a0a"), fixture("quic_v1_initial.bin"));
    let turns: [(Side, &[u8]); 3] = [(CLIENT, &greased), (SERVER, &negotiation), (CLIENT, &again)];
    let heard = udp(4433, &turns).heard();
    heard.demand(CLIENT, Finding::ServerName("example.com".to_owned()));
}

#[test]
fn negotiation_is_known_by_the_families_of_its_versions() {
    for versions in ["ff000020 ff00001d", "faceb002 faceb001", "51303433 51303436", "45474720 ff000017"] {
        let list = hex(&format!("e5 00000000 00 08 843cbef31fc33422 {versions}"));
        assert_eq!(
            told(false, 4433, &list),
            Some((Service::Quic, Certainty::Consistent, Sender::Server)),
            "{versions}"
        );
    }
    for versions in ["11111111 00000007", "ff000099", "ff000020 ff"] {
        let list = hex(&format!("e5 00000000 00 08 843cbef31fc33422 {versions}"));
        assert_eq!(told(false, 4433, &list), None, "{versions}");
    }
}

#[test]
fn google_s_hello_names_the_server_in_every_header_it_had() {
    for name in ["gquic_q025_chlo.bin", "gquic_q043_chlo.bin", "gquic_q046_chlo.bin"] {
        for port in [443, 80, 6121] {
            assert_eq!(told(true, port, &fixture(name)), OPENED, "{name}");
        }
        let heard = udp(443, &[(CLIENT, &fixture(name))]).heard();
        heard.demand(CLIENT, Finding::ServerName("cam.example".to_owned()));
    }
}

#[test]
fn google_s_servers_are_known_alone_by_what_they_say_in_clear() {
    let rejected = Some((Service::Quic, Certainty::Signature, Sender::Server));
    for name in ["gquic_q043_rej.bin", "gquic_q046_rej.bin"] {
        assert_eq!(told(false, 443, &fixture(name)), rejected, "{name}");
    }
    let list = hex("09 e83c77bd8f8915f9 51303436 51303433 51303339");
    assert_eq!(told(false, 443, &list), Some((Service::Quic, Certainty::Consistent, Sender::Server)));
    let tags = "524e4f4e 08000000 52534551 10000000";
    let reset =
        hex(&format!("0a e83c77bd8f8915f9 50525354 0200 0000 {tags} 0000000000000000 0000000000000000"));
    assert_eq!(told(false, 443, &reset), Some((Service::Quic, Certainty::Signature, Sender::Either)));
}

#[test]
fn google_s_version_tag_alone_is_consistent() {
    let closed = [hex("0d e83c77bd8f8915f9 51303339 02"), vec![0x5c; 400]].concat();
    assert_eq!(told(true, 443, &closed), Some((Service::Quic, Certainty::Consistent, Sender::Client)));
    for (lengths, sender) in [("50", Sender::Client), ("05", Sender::Server)] {
        let closed =
            [hex(&format!("d3 51303436 {lengths} e83c77bd8f8915f9 00000002")), vec![0x5c; 99]].concat();
        let client = sender == Sender::Client;
        assert_eq!(told(client, 443, &closed), Some((Service::Quic, Certainty::Consistent, sender)));
    }
}

#[test]
fn what_only_looks_like_google_s_is_refused() {
    let refused = [
        ("a packet after the handshake", "0c e83c77bd8f8915f9 02 60dfd52729e0f612b9f458937b1d44d3"),
        ("no version", "0d e83c77bd8f8915f9 51783433 01 00112233445566778899aabb a0010400"),
        (
            "a version of the later header",
            "0d e83c77bd8f8915f9 51303530 01 00112233445566778899aabb a0010400",
        ),
        ("no identifier", "01 51303433 01 00112233445566778899aabb a001040043484c4f"),
        ("nothing behind the number", "0d e83c77bd8f8915f9 51303433 01"),
        ("a reset without tags", "0a e83c77bd8f8915f9 50525354 0000 0000"),
        ("a reset and a version", "0b e83c77bd8f8915f9 51303433 50525354 0200 0000"),
        ("a reserved bit", "49 e83c77bd8f8915f9 51303433 01 00112233445566778899aabb a0010400"),
        ("other lengths", "c3 51303436 55 e83c77bd8f8915f9 00000001 00112233445566778899aabb a0010400"),
        ("a short header of Q046", "40 e83c77bd8f8915f9 02 60dfd52729e0f612b9f458937b1d44d3"),
    ];
    for (why, octets) in refused {
        assert_eq!(told(true, 443, &hex(octets)), None, "{why}");
    }
    let whole = fixture("gquic_q043_chlo.bin");
    // After 13 octets it is a server's list of one version.
    for length in (0..13).chain(14..27) {
        assert_eq!(told(true, 443, &whole[..length]), None, "it ends at {length}");
    }
    for length in 27..whole.len() {
        assert!(told(true, 443, &whole[..length]).is_some(), "its version stands, cut at {length}");
    }
}

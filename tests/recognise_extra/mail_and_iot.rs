//! IMAP, POP3, MQTT and RFB, with the examples of their documents; TLS that starts in any of the mail
//! protocols.

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
use crate::talk::tcp;

type Case<'a> = (Service, u16, Side, &'a [u8], Certainty, Option<Certainty>);

/// Service, its port, who speaks, the octets, and the certainty there and on a foreign port.
fn cases() -> Vec<Case<'static>> {
    const S: Certainty = Certainty::Signature;
    const C: Certainty = Certainty::Consistent;
    vec![
        // RFC 9051 §8.
        (
            Service::Imap,
            143,
            SERVER,
            b"* OK [CAPABILITY STARTTLS AUTH=SCRAM-SHA-256 IMAP4rev2] IMAP ready\r\n",
            S,
            Some(S),
        ),
        (Service::Imap, 143, SERVER, b"* OK ready\r\n", C, None),
        (Service::Imap, 143, CLIENT, b"A001 LOGIN mrc secret\r\n", S, Some(C)),
        (Service::Imap, 143, CLIENT, b"a CAPABILITY\r\n", S, None),
        // RFC 1939 §10.
        (
            Service::Pop3,
            110,
            SERVER,
            b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n",
            S,
            Some(S),
        ),
        (Service::Pop3, 110, SERVER, b"+OK ready\r\n", C, None),
        (Service::Pop3, 110, CLIENT, b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n", S, Some(S)),
        (Service::Pop3, 110, CLIENT, b"CAPA\r\n", S, Some(S)),
        (Service::Pop3, 110, CLIENT, b"USER mrose\r\nPASS secret\r\n", C, None),
        (Service::Rfb, 5900, SERVER, b"RFB 003.008\n", S, Some(S)),
        (Service::Rfb, 5900, CLIENT, b"RFB 003.003\n", S, Some(S)),
        // MQTT 3.1.1 §3.1, a client called `cam`; MQTT 5; MQTT 3.1.
        (Service::Mqtt, 1883, CLIENT, b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03cam", S, Some(S)),
        (Service::Mqtt, 1883, CLIENT, b"\x10\x81\x01\x00\x04MQTT\x05\x02\x00\x3c\x00", S, Some(S)),
        (Service::Mqtt, 1883, CLIENT, b"\x10\x11\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x03cam", S, Some(S)),
        (Service::Mqtt, 1883, SERVER, b"\x20\x02\x00\x00", C, None),
    ]
}

#[test]
fn each_is_named_on_its_port_and_where_its_octets_suffice_on_any() {
    for (service, port, side, octets, there, elsewhere) in cases() {
        let text = String::from_utf8_lossy(octets);
        let heard = tcp(port, &[(side, octets)]).heard();
        assert_eq!(heard.services().first(), Some(&service), "{text}");
        assert_eq!(heard.named[0].1.certainty, there, "{text}");
        let expected = match (service, side) {
            (Service::Rfb, _) => Sender::Either,
            (_, CLIENT) => Sender::Client,
            _ => Sender::Server,
        };
        assert_eq!(heard.named[0].1.sender, expected, "{text}");
        let foreign = tcp(41_111, &[(side, octets)]).heard();
        let named = foreign.named.iter().find(|(_, one)| one.service != Service::Text);
        assert_eq!(
            named.map(|(_, one)| (one.service, one.certainty)),
            elsewhere.map(|c| (service, c)),
            "{text}"
        );
        assert!(!format!("{heard:?}").contains("secret"), "{text}");
    }
}

#[test]
fn neighbours_on_their_ports_are_not_taken_for_them() {
    let neighbours: [(u16, Side, &[u8], Service); 7] = [
        (143, SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Service::Http),
        (110, SERVER, b"220 mail.example ESMTP\r\n", Service::Smtp),
        (110, CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Service::Http),
        (1883, CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Service::Http),
        (5900, SERVER, b"SSH-2.0-OpenSSH_9.2\r\n", Service::Ssh),
        (143, CLIENT, b"EHLO mail.example\r\n", Service::Smtp),
        (21, CLIENT, b"USER anonymous\r\nPASV\r\n", Service::Ftp),
    ];
    for (port, side, octets, service) in neighbours {
        let heard = tcp(port, &[(side, octets)]).heard();
        assert_eq!(heard.services(), [service], "{}", String::from_utf8_lossy(octets));
    }
    // LOGIN7 of TDS starts with the same octet as CONNECT of MQTT; Redis answers like POP3.
    let login = hex("10 01 00 90 00 00 01 00 88 00 00 00 02 00 09 72 00100000");
    assert_eq!(tcp(1883, &[(CLIENT, &login)]).heard().services(), [Service::Tds]);
    assert_eq!(tcp(6379, &[(SERVER, b"+OK\r\n")]).heard().services(), []);
}

#[test]
fn tls_that_starts_inside_mail_and_files_tells_all_that_tls_tells() {
    let (hello, answer) = (fixture("tls12_0.bin"), fixture("tls12_1.bin"));
    let clear: [(u16, Service, &[u8], &[u8], &[u8]); 4] = [
        (
            25,
            Service::Smtp,
            b"220 mail.example ESMTP\r\n",
            b"EHLO cam\r\nSTARTTLS\r\n",
            b"250-mail\r\n250 STARTTLS\r\n220 go\r\n",
        ),
        (143, Service::Imap, b"* OK IMAP4rev2\r\n", b"a1 STARTTLS\r\n", b"a1 OK begin\r\n"),
        (110, Service::Pop3, b"+OK POP3\r\n", b"STLS\r\n", b"+OK begin\r\n"),
        (21, Service::Ftp, b"220 FTP\r\n", b"AUTH TLS\r\n", b"234 go\r\n"),
    ];
    for (port, service, greeting, command, consent) in clear {
        let talk = tcp(
            port,
            &[(SERVER, greeting), (CLIENT, command), (SERVER, consent), (CLIENT, &hello), (SERVER, &answer)],
        );
        for (talk, sides) in
            [(talk.clone(), [true, true]), (talk.of(CLIENT), [true, false]), (talk.of(SERVER), [false, true])]
        {
            let heard = talk.heard();
            assert_eq!(heard.named[0].1.service, service, "{heard:?}");
            let upgrades = heard.found.iter().filter(|(_, f)| *f == Finding::Upgrade(Service::Tls)).count();
            assert_eq!(upgrades, 1, "{service}: {sides:?}");
            let named = heard.found.iter().any(|(_, f)| matches!(f, Finding::ServerName(_)));
            assert_eq!(named, sides[0], "{service}: {sides:?}");
            let version = Finding::TlsVersion(TlsVersion::Tls12);
            assert_eq!(heard.has(SERVER, &version), sides[1], "{service}: {sides:?}");
            let certificate = heard.found.iter().any(|(_, f)| matches!(f, Finding::Certificate(_)));
            assert_eq!(certificate, sides[1], "{service}: {sides:?}");
        }
    }
}

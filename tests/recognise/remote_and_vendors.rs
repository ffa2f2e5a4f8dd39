//! Line protocols, remote access, directories, tunnels and the camera vendors' protocols.

use camsentry::flow::Side;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::Finding;
use camsentry::service::Certainty;
use camsentry::service::Service;
use camsentry::service::Transport;

use crate::probing::Case;
use crate::probing::ask;
use crate::probing::hex;
use crate::probing::holds;
use crate::probing::learned;

pub(crate) fn tcp(
    name: &'static str,
    ports: (u16, u16),
    octets: Vec<u8>,
    service: Service,
    sender: Sender,
) -> Case {
    let certainty = Certainty::Signature;
    let parts = vec![octets];
    Case {
        name,
        transport: Transport::Tcp,
        ports,
        parts,
        service,
        sender,
        certainty,
        elsewhere: Some(certainty),
    }
}

pub(crate) fn udp(
    name: &'static str,
    ports: (u16, u16),
    octets: Vec<u8>,
    service: Service,
    sender: Sender,
) -> Case {
    Case { transport: Transport::Udp, ..tcp(name, ports, octets, service, sender) }
}

pub(crate) fn consistent(case: Case, elsewhere: Option<Certainty>) -> Case {
    Case { certainty: Certainty::Consistent, elsewhere, ..case }
}

#[test]
fn mail_and_file_servers_greet_alike_and_are_told_apart() {
    // RFC 5321 §4.3.1 and appendix D; RFC 959 §7.
    let (smtp, ftp) = (Service::Smtp, Service::Ftp);
    let line = |text: &str| text.as_bytes().to_vec();
    holds(&tcp("ESMTP", (25, 50_000), line("220 mx.example.net ESMTP ready\r\n"), smtp, Sender::Server));
    holds(&tcp("many lines", (25, 50_000), line("220-hello\r\n220 smtp here\r\n"), smtp, Sender::Server));
    let unnamed = line("220 mx.example.net\r\n250 hello\r\n");
    holds(&tcp("250 follows", (25, 50_000), unnamed, smtp, Sender::Server));
    holds(&tcp("EHLO", (50_000, 25), line("EHLO cam.example.net\r\n"), smtp, Sender::Client));
    holds(&tcp("helo", (50_000, 25), line("helo cam\r\n"), smtp, Sender::Client));
    holds(&tcp("FTP server", (21, 50_000), line("220 (vsFTPd 3.0.3)\r\n"), ftp, Sender::Server));
    holds(&tcp("331 follows", (21, 50_000), line("220 ready\r\n331 password\r\n"), ftp, Sender::Server));
    holds(&tcp("FTP client", (50_000, 21), line("AUTH TLS\r\n"), ftp, Sender::Client));
    for (ports, service) in [((25, 50_000), Some(smtp)), ((21, 50_000), Some(ftp)), ((9_000, 50_000), None)] {
        let found = ask(Transport::Tcp, ports, &[line("220 ready\r\n")]);
        assert_eq!(found.map(|found| found.service), service);
    }
    let login = line("USER a\r\nPASS b\r\nTYPE I\r\n");
    assert_eq!(ask(Transport::Tcp, (50_000, 9_000), &[login]).unwrap().service, ftp);
    let pop3 = line("USER a\r\nPASS b\r\nSTAT\r\n");
    let found = ask(Transport::Tcp, (50_000, 110), &[pop3]).unwrap();
    assert_eq!(found.service, Service::Pop3);
}

#[test]
fn ftp_in_mid_stream_is_known_on_its_port_by_any_command_or_reply() {
    // RFC 959 §4.2.2, §5.3, §5.4; RFC 3659 §7.
    let line = |text: &[u8]| text.to_vec();
    let said = [line(b"RETR entry.jpg\r\n"), line(b"noop\r\n"), line(b"MLSD /a b\r\n"), line(b"QUIT\n")];
    for command in said {
        holds(&consistent(tcp("command", (50_000, 21), command, Service::Ftp, Sender::Client), None));
    }
    let said = [line(b"331 Password, please\r\n"), line(b"150-one\r\n150 two\r\n"), line(b"553 No\xe4\r\n")];
    for reply in said {
        holds(&consistent(tcp("reply", (21, 50_000), reply, Service::Ftp, Sender::Server), None));
    }
    let named = |ports, octets: &[u8]| ask(Transport::Tcp, ports, &[octets.to_vec()]).map(|f| f.service);
    for strange in [b"RETRY now\r\n".as_slice(), b"LISTEN\r\n", b"hello\r\n", b"QUIT", b"\x16\x03\r\n"] {
        assert_eq!(named((50_000, 21), strange), None, "{}", strange.escape_ascii());
    }
    for strange in [b"299 no such code\r\n".as_slice(), b"2001\r\n", b"331", b" of two weeks\r\n", b"230 ok"]
    {
        assert_eq!(named((21, 50_000), strange), None, "{}", strange.escape_ascii());
    }
    assert_eq!(named((21, 50_000), b"220 mx.example.net ESMTP\r\n"), Some(Service::Smtp));
}

#[test]
fn mail_in_mid_stream_is_known_on_its_ports_by_any_command_or_reply_and_on_no_other() {
    // RFC 5321 §4.1.1, §4.2.3 and appendix D; RFC 3501 §6, §7, §8; RFC 1939 §3, §5, §10.
    let said: [(Service, u16, bool, &[u8]); 27] = [
        (Service::Smtp, 25, true, b"RCPT TO:<Jones@foo.com>\r\n"),
        (Service::Smtp, 25, true, b"DATA\r\n"),
        (Service::Smtp, 587, true, b"quit\r\n"),
        (Service::Smtp, 587, true, b"STARTTLS\r\n"),
        (Service::Smtp, 25, false, b"250 OK\r\n"),
        (Service::Smtp, 25, false, b"250-foo.com greets bar.com\r\n250 HELP\r\n"),
        (Service::Smtp, 587, false, b"354 Start mail input; end with <CRLF>.<CRLF>\r\n"),
        (Service::Smtp, 25, false, b"550 No such user here\r\n"),
        (Service::Imap, 143, true, b"a002 select inbox\r\n"),
        (Service::Imap, 143, true, b"a003 fetch 12 full\r\n"),
        (Service::Imap, 143, true, b"a005 store 12 +flags \\deleted\r\n"),
        (Service::Imap, 143, true, b"a006 logout\r\n"),
        (Service::Imap, 143, false, b"* 18 EXISTS\r\n"),
        (Service::Imap, 143, false, b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"),
        (Service::Imap, 143, false, b"* 12 FETCH (BODY[HEADER] {342}\r\n"),
        (Service::Imap, 143, false, b"* SEARCH\r\n"),
        (Service::Imap, 143, false, b"a002 OK [READ-WRITE] SELECT completed\r\n"),
        (Service::Imap, 143, false, b"A222 NO COPY failed: disk is full\r\n"),
        (Service::Pop3, 110, true, b"STAT\r\n"),
        (Service::Pop3, 110, true, b"retr 1\r\n"),
        (Service::Pop3, 110, true, b"TOP 1 10\r\n"),
        (Service::Pop3, 110, true, b"QUIT\r\n"),
        (Service::Pop3, 110, true, b"DELE 1\r\n"),
        (Service::Pop3, 110, false, b"+OK 2 320\r\n"),
        (Service::Pop3, 110, false, b"+OK 120 octets\r\n"),
        (Service::Pop3, 110, false, b"-ERR no such message, only 2 messages in maildrop\r\n"),
        (Service::Pop3, 110, false, b"-ERR\r\n"),
    ];
    for (service, port, client, octets) in said {
        let ports = if client { (50_000, port) } else { (port, 50_000) };
        let sender = if client { Sender::Client } else { Sender::Server };
        holds(&consistent(tcp("mail", ports, octets.to_vec(), service, sender), None));
        // The other way round it is nobody's.
        let wrong = ask(Transport::Tcp, (ports.1, ports.0), &[octets.to_vec()]);
        assert!(wrong.is_none_or(|found| found.service != service), "{}", octets.escape_ascii());
        // Nor on what has TLS from its first octet.
        for port in [465, 993, 995, 2525] {
            let ports = if client { (50_000, port) } else { (port, 50_000) };
            assert!(ask(Transport::Tcp, ports, &[octets.to_vec()]).is_none(), "{}", octets.escape_ascii());
        }
    }
}

#[test]
fn what_mail_does_not_say_is_not_mail_on_its_ports() {
    let named = |ports, octets: &[u8]| ask(Transport::Tcp, ports, &[octets.to_vec()]).map(|f| f.service);
    let strange: [(u16, &[u8]); 9] = [
        (25, b"MAILING list\r\n"),
        (25, b"DATA"),
        (25, b"Received: from a\r\n"),
        (143, b"a002 selected inbox\r\n"),
        (143, b"a002 select inbox"),
        (143, b"averylongtag select inbox\r\n"),
        (110, b"RETRY 1\r\n"),
        (110, b"TO 1\r\n"),
        (110, b"LIST"),
    ];
    for (port, octets) in strange {
        assert_eq!(named((50_000, port), octets), None, "{}", octets.escape_ascii());
    }
    let strange: [(u16, &[u8]); 9] = [
        (25, b"299 no such code\r\n"),
        (25, b"2500\r\n"),
        (25, b"354"),
        (143, b"* 18 LOVERS\r\n"),
        (143, b"* 18"),
        (143, b"* item\r\n"),
        (143, b"a002 FINE\r\n"),
        (110, b"-ERROR\r\n"),
        (110, b"- 1\r\n"),
    ];
    for (port, octets) in strange {
        assert_eq!(named((port, 50_000), octets), None, "{}", octets.escape_ascii());
    }
    assert_eq!(named((50_000, 25), b"AUTH TLS\r\n"), Some(Service::Ftp));
}

#[test]
fn starttls_is_seen_both_ways_and_from_one_side() {
    let upgrade = [Finding::Upgrade(Service::Tls)];
    let client = (Side::A, b"EHLO cam\r\nSTARTTLS\r\n".to_vec());
    let server = (Side::B, b"220 mx ESMTP\r\n250-mx\r\n250 STARTTLS\r\n".to_vec());
    let consent = (Side::B, b"220 go ahead\r\n".to_vec());
    let refusal = (Side::B, b"454 not now\r\n".to_vec());
    let hello = (Side::A, hex("16030100aa01"));
    for piece in [1, 4, 1_000] {
        let ask = |said: &[(Side, Vec<u8>)]| learned(Service::Smtp, Transport::Tcp, said, piece);
        assert_eq!(ask(&[server.clone(), client.clone(), consent.clone()]), upgrade);
        assert_eq!(ask(&[client.clone(), hello.clone()]), upgrade);
        assert!(ask(&[server.clone(), client.clone(), refusal.clone()]).is_empty());
        assert!(ask(&[server.clone(), consent.clone()]).is_empty());
        let said = [(Side::A, b"AUTH TLS\r\n".to_vec()), (Side::B, b"234 go\r\n".to_vec())];
        assert_eq!(learned(Service::Ftp, Transport::Tcp, &said, piece), upgrade);
    }
}

#[test]
fn telnet_is_known_by_its_negotiation() {
    // RFC 854: DO terminal type, DO terminal speed.
    let case = tcp("Telnet", (23, 50_000), hex("fffd18 fffd20"), Service::Telnet, Sender::Either);
    holds(&consistent(case, Some(Certainty::Consistent)));
    // A comment segment of a JPEG in mid-stream.
    assert!(ask(Transport::Tcp, (80, 50_000), &[hex("fffe0042 4d584600 5945")]).is_none());
}

#[test]
fn ssh_and_net_tcp_are_known_by_their_first_octets() {
    // RFC 4253 §4.2; [MC-NMF] §4.1.
    let version = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".to_vec();
    holds(&tcp("SSH", (50_000, 22), version, Service::Ssh, Sender::Either));
    let mut preamble = hex("0001 00 01 02 02 1f");
    preamble.extend(b"net.tcp://server:22333/Service1 ");
    holds(&tcp("net.tcp", (50_000, 22_333), preamble, Service::McNmf, Sender::Client));
}

#[test]
fn postgresql_is_known_by_its_messages_and_goes_over_to_tls() {
    // PostgreSQL documentation, "Message Formats".
    let sql = Service::Postgresql;
    let mut startup = hex("00000029 00030000");
    startup.extend(b"user\0a\0database\0b\0client_enc\0U\0\0");
    holds(&tcp("StartupMessage", (50_000, 5432), startup, sql, Sender::Client));
    holds(&tcp("SSLRequest", (50_000, 5432), hex("00000008 04d2162f"), sql, Sender::Client));
    holds(&tcp(
        "CancelRequest",
        (50_000, 5432),
        hex("00000010 04d2162e 00000001 00000002"),
        sql,
        Sender::Client,
    ));
    holds(&tcp("Authentication", (5432, 50_000), hex("52 0000000c 00000005 01020304"), sql, Sender::Server));
    holds(&tcp("refusal, then", (5432, 50_000), hex("4e 52 00000008 00000000"), sql, Sender::Server));
    let mut error = hex("45 00000030");
    error.extend(b"SFATAL\0C28P01\0\0");
    holds(&tcp("ErrorResponse", (5432, 50_000), error, sql, Sender::Server));
    holds(&consistent(tcp("consent", (5432, 50_000), hex("53 160303007a02"), sql, Sender::Server), None));
    let client = (Side::A, hex("00000008 04d2162f 160301 00aa"));
    let server = (Side::B, hex("53 160303"));
    for piece in [1, 3, 100] {
        for said in [&client, &server] {
            let found = learned(sql, Transport::Tcp, std::slice::from_ref(said), piece);
            assert_eq!(found, [Finding::Upgrade(Service::Tls)], "pieces of {piece}");
        }
    }
    for text in ["GET / HTTP/1.1\r\n\r\n", "event=motion\r\n", "Sensor 1\r\n", "ENTRY"] {
        let found = ask(Transport::Tcp, (50_000, 5432), &[text.into()]);
        assert_ne!(found.map(|found| found.service), Some(sql), "{text}");
    }
}

#[test]
fn rdp_is_told_from_other_iso_transport() {
    // [MS-RDPBCGR] §4.1.1, §4.1.2.
    let mut request = hex("0300002c 27 e0 0000 0000 00");
    request.extend(b"Cookie: mstshash=eltons\r\n");
    request.extend(hex("0100080000000000"));
    holds(&tcp("request", (50_000, 3389), request.clone(), Service::Rdp, Sender::Client));
    let confirm = hex("03000013 0e d0 0000 1234 00 0200080001000000");
    holds(&tcp("confirm", (3389, 50_000), confirm, Service::Rdp, Sender::Server));
    // S7: calling and called transport selectors (RFC 905 §13.3.4).
    let s7 = hex("03000016 11 e0 0000 0005 00 c1020100 c2020102 c0010a");
    assert!(ask(Transport::Tcp, (50_000, 102), &[s7]).is_none());
    request.extend(hex("160301"));
    let found = learned(Service::Rdp, Transport::Tcp, &[(Side::A, request)], 7);
    assert_eq!(found, [Finding::Upgrade(Service::Tls)]);
}

#[test]
fn snmp_is_known_by_its_whole_form() {
    // Written by scapy 2.5.0.
    let get = hex("302602010104067075626c6963a019020105020100020100300e300c06082b060102010101000500");
    let response = hex("302702010004067075626c6963a21a020105020100020100300f300d06082b06010201010100040178");
    // RFC 3412 §6, RFC 3414 §4: an engine's discovery, reportable; its answer is not.
    let discovery = hex("3017 020103 300e 020105 020300ffe3 040104 020103 0400 3000");
    let told = hex("3017 020103 300e 020105 020300ffe3 040100 020103 0400 3000");
    holds(&udp("discovery", (50_000, 161), discovery.clone(), Service::Snmp, Sender::Client));
    holds(&udp("told", (161, 50_000), told, Service::Snmp, Sender::Either));
    holds(&udp("get", (50_000, 161), get.clone(), Service::Snmp, Sender::Client));
    holds(&udp("response", (161, 50_000), response, Service::Snmp, Sender::Server));
    let found = ask(Transport::Udp, (50_000, 161), &[discovery[..discovery.len() - 1].to_vec()]);
    assert!(found.is_none(), "a datagram shorter than it says");
    assert!(ask(Transport::Udp, (50_000, 161), &[get[..20].to_vec()]).is_none());
}

#[test]
fn ldap_and_kerberos_are_known_both_ways() {
    let ldap = Service::Ldap;
    // RFC 4511: anonymous bind and its answer; root search.
    holds(&tcp("bind", (50_000, 389), hex("300c 020101 6007 020103 0400 8000"), ldap, Sender::Client));
    holds(&tcp("bound", (389, 50_000), hex("300c 020101 6107 0a0100 0400 0400"), ldap, Sender::Server));
    let search =
        hex("3025 020102 6320 0400 0a0100 0a0100 020100 020100 010100 870b 6f626a656374636c617373 3000");
    holds(&tcp("search", (50_000, 389), search.clone(), ldap, Sender::Client));
    holds(&udp("CLDAP", (50_000, 389), search, ldap, Sender::Client));
    let entry = hex("3008 020102 6403 0400 3000");
    holds(&consistent(tcp("entry", (389, 50_000), entry, ldap, Sender::Server), None));
    // RFC 4511 §4.14: StartTLS and its answer, then TLS.
    let asked = hex("301d 020101 7718 8016 312e332e362e312e342e312e313436362e3230303337 160301");
    let granted = hex("300c 020101 7807 0a0100 0400 0400 160303");
    for said in [(Side::A, asked), (Side::B, granted)] {
        let found = learned(ldap, Transport::Tcp, std::slice::from_ref(&said), 5);
        assert_eq!(found, [Finding::Upgrade(Service::Tls)]);
    }
    // RFC 4120 §5.4.1 and §5.9.1, heads only.
    let request = hex("6a81a0 30819d a103020105 a20302010a a381");
    let error = hex("7e5b 3059 a003020105 a10302011e a411180f");
    holds(&udp("AS-REQ", (50_000, 88), request.clone(), Service::Kerberos, Sender::Client));
    holds(&udp("KRB-ERROR", (88, 50_000), error.clone(), Service::Kerberos, Sender::Server));
    for (name, message, sender) in [("AS-REQ", request, Sender::Client), ("error", error, Sender::Server)] {
        let mut framed = hex("000000a3");
        framed.extend(message);
        let ports = if sender == Sender::Client { (50_000, 88) } else { (88, 50_000) };
        holds(&tcp(name, ports, framed, Service::Kerberos, sender));
    }
}

#[test]
fn dce_rpc_is_known_in_both_byte_orders() {
    // C706 §12.6.4.3, §12.6.4.4.
    let rpc = Service::Dcerpc;
    holds(&tcp("bind", (50_000, 135), hex("05000b0310000000 4800 0000 01000000"), rpc, Sender::Client));
    holds(&tcp("bind ack", (135, 50_000), hex("05000c0300000000 0048 0000 00000001"), rpc, Sender::Server));
    assert!(ask(Transport::Tcp, (50_000, 135), &[hex("05000b0310000000 0400 0000 01000000")]).is_none());
    // SOCKS 5 with no authentication (RFC 1928 §3).
    assert!(ask(Transport::Tcp, (50_000, 1080), &[hex("0501 00 0501 0001 0a000001 0050")]).is_none());
    // C706 §12.5.2: fragments are acknowledged (fack, type 9) by either end.
    for (kind, sender) in [(0, Sender::Client), (2, Sender::Server), (9, Sender::Either)] {
        let mut header = vec![0; 80];
        header[..5].copy_from_slice(&[4, kind, 0, 0, 0x10]);
        let sample = udp("datagram", (50_000, 135), header, rpc, sender);
        holds(&consistent(sample, Some(Certainty::Consistent)));
    }
}

#[test]
fn nfs_and_the_port_mapper_are_known_by_their_programs() {
    // RFC 5531 §9: call of NFS 3 LOOKUP; RFC 1833: GETPORT.
    let lookup =
        hex("00000007 00000000 00000002 000186a3 00000003 00000003 00000001 00000000 00000000 00000000");
    let getport =
        hex("00000008 00000000 00000002 000186a0 00000002 00000003 00000000 00000000 00000000 00000000");
    holds(&udp("NFS", (800, 2049), lookup.clone(), Service::Nfs, Sender::Client));
    holds(&udp("port mapper", (800, 111), getport, Service::Portmap, Sender::Client));
    let mut marked = hex("80000028");
    marked.extend(lookup);
    holds(&tcp("NFS", (800, 2049), marked, Service::Nfs, Sender::Client));
    let reply = hex("00000007 00000001 00000000 00000000 00000000 00000000 00000000");
    holds(&consistent(udp("reply", (2049, 800), reply, Service::Nfs, Sender::Server), None));
}

#[test]
fn tunnels_are_known() {
    // RFC 7296 §3.1: IKE_SA_INIT; scapy 2.5.0 wrote the one of version 1.
    let init = hex("3132333435363738 0000000000000000 21 20 22 08 00000000 00000020 00000004");
    let first = hex(
        "31323334353637380000000000000000 0110020000000000 00000030 00000014 00000001 00000001 7878787878787878",
    );
    for (name, message) in [("IKEv2", init), ("IKEv1", first)] {
        holds(&udp(name, (500, 500), message.clone(), Service::Ipsec, Sender::Client));
        let mut marked = hex("00000000");
        marked.extend(message);
        holds(&udp(name, (4500, 4500), marked, Service::Ipsec, Sender::Client));
    }
    let esp = [hex("c0ffee01 00000005 aabbccdd"), hex("c0ffee01 00000006 11223344")];
    let found = ask(Transport::Udp, (4500, 4500), &esp).unwrap();
    assert_eq!((found.service, found.certainty), (Service::Ipsec, Certainty::Consistent));
    let mut initiation = hex("01000000 11223344");
    initiation.resize(132, 0x5a);
    initiation.resize(148, 0);
    let wireguard = udp("initiation", (51_820, 51_820), initiation, Service::Wireguard, Sender::Either);
    holds(&wireguard);
    let mut short = wireguard.parts;
    short[0].pop();
    assert!(ask(Transport::Udp, (51_820, 51_820), &short).is_none());
    let data = |counter: u8| {
        let mut octets = hex("04000000 11223344");
        octets.push(counter);
        octets.resize(64, 0);
        octets
    };
    let found = ask(Transport::Udp, (50_000, 40_000), &[data(7), data(8)]).unwrap();
    assert_eq!(found.service, Service::Wireguard);
    let reset = hex("38 0102030405060708 00 00000000");
    let anywhere = Some(Certainty::Consistent);
    let open = Service::Openvpn;
    holds(&consistent(udp("OpenVPN", (50_000, 1194), reset.clone(), open, Sender::Client), anywhere));
    let mut framed = hex("000e");
    framed.extend(reset);
    holds(&consistent(tcp("OpenVPN", (50_000, 1194), framed, open, Sender::Client), anywhere));
}

#[test]
fn camera_vendors_protocols_are_known() {
    let mut login = hex("a0050000");
    login.resize(24, 0);
    login.extend(hex("050200080000a1aa"));
    holds(&tcp("DVRIP login", (50_000, 37_777), login, Service::DahuaDvrip, Sender::Client));
    let mut json = hex("f6000000 02000000 01000000 00000000 02000000");
    json.resize(32, 0);
    json.extend(b"{}");
    holds(&tcp("DVRIP JSON", (37_777, 50_000), json, Service::DahuaDvrip, Sender::Either));
    let dhip = hex("20000000 44484950 00000000 00000000");
    holds(&udp("DHIP", (50_000, 37_810), dhip, Service::DahuaDhip, Sender::Either));
    let sofia = hex("ff000000 00000000 00000000 0000 e803 02000000 7b7d");
    holds(&tcp("Xiongmai", (50_000, 34_567), sofia, Service::Xiongmai, Sender::Client));
    let reolink = hex("f0debc0a 01000000 2c070000 00000000 0000 1465");
    holds(&tcp("Baichuan", (50_000, 9_000), reolink, Service::Baichuan, Sender::Client));
    let anywhere = Some(Certainty::Consistent);
    let search = udp("PPPP", (50_000, 32_108), hex("f1300000"), Service::Pppp, Sender::Either);
    holds(&consistent(search, anywhere));
}

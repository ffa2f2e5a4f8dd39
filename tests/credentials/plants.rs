//! A secret for every protocol that can carry one, where that protocol carries it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use camsentry::service::Transport;

use crate::samples::hex;
use crate::samples::random;

/// A secret on the wire.
pub(crate) struct Plant {
    pub(crate) name: &'static str,
    pub(crate) transport: Transport,
    pub(crate) port: u16,
    /// What the flow log must call it; empty if nobody knows it.
    pub(crate) service: &'static str,
    pub(crate) secret: String,
    /// How it stands on the wire.
    pub(crate) wire: Vec<u8>,
    pub(crate) turns: Vec<(bool, Vec<u8>)>,
}

/// Collects plants, each with a secret of its own.
#[derive(Default)]
struct Garden {
    plants: Vec<Plant>,
}

impl Garden {
    fn secret(&self) -> String {
        format!("Zq7v{:02}KxW9mLt3", self.plants.len())
    }

    /// Over TCP: the secret as it is, wherever `{S}` stands in what is said.
    fn text(&mut self, name: &'static str, port: u16, service: &'static str, turns: &[(bool, &str)]) {
        let secret = self.secret();
        let turns = turns.iter().map(|(client, text)| (*client, text.replace("{S}", &secret).into_bytes()));
        self.add(name, Transport::Tcp, port, service, secret.clone().into_bytes(), turns.collect());
    }

    /// The same in base64, of `form` with the secret in it.
    fn base64(
        &mut self,
        name: &'static str,
        port: u16,
        service: &'static str,
        form: &str,
        turns: &[(bool, &str)],
    ) {
        let secret = self.secret();
        let wire = STANDARD.encode(form.replace("{S}", &secret));
        let turns = turns.iter().map(|(client, text)| (*client, text.replace("{B}", &wire).into_bytes()));
        self.add(name, Transport::Tcp, port, service, wire.clone().into_bytes(), turns.collect());
    }

    fn octets(
        &mut self,
        name: &'static str,
        (transport, port): (Transport, u16),
        service: &'static str,
        turns: impl Fn(&[u8]) -> Vec<(bool, Vec<u8>)>,
    ) {
        let secret = self.secret().into_bytes();
        let turns = turns(&secret);
        self.add(name, transport, port, service, secret, turns);
    }

    fn add(
        &mut self,
        name: &'static str,
        transport: Transport,
        port: u16,
        service: &'static str,
        wire: Vec<u8>,
        turns: Vec<(bool, Vec<u8>)>,
    ) {
        let secret = self.secret();
        self.plants.push(Plant { name, transport, port, service, secret, wire, turns });
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Plant> {
    let mut garden = Garden::default();
    http(&mut garden);
    web_services(&mut garden);
    streaming(&mut garden);
    mail_and_lines(&mut garden);
    databases_and_directories(&mut garden);
    windows(&mut garden);
    devices(&mut garden);
    garden.plants
}

const OK: (bool, &str) = (false, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

fn http(garden: &mut Garden) {
    let get = "GET /record/current.jpg HTTP/1.1\r\nHost: cam-17.example\r\n";
    let mut header = |name: &'static str, line: &str| {
        garden.text(name, 80, "http", &[(true, &format!("{get}{line}\r\n\r\n")), OK]);
    };
    header("http bearer", "Authorization: Bearer {S}");
    header("http other scheme", "Authorization: {S} {S}");
    header(
        "http digest",
        "Authorization: Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"/\", response=\"{S}\"",
    );
    header("http cookie", "Cookie: session={S}; other=1");
    header("http api key", "X-Api-Key: {S}\r\nX-Auth-Token: {S}\r\nx-sessioncookie: {S}");
    header("http referer", "Referer: http://admin:{S}@cam-17.example/");
    header("http websocket", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: {S}");
    header("http folded", "Authorization:\r\n Bearer\r\n {S}");
    let form = "Authorization: Basic {B}\r\n\r\n";
    garden.base64("http basic", 80, "http", "admin:{S}", &[(true, &format!("{get}{form}")), OK]);
    garden.base64(
        "http basic lower",
        80,
        "http",
        "admin:{S}",
        &[(true, &format!("{get}authorization:basic {{B}}\r\n\r\n")), OK],
    );
    garden.base64(
        "http proxy",
        80,
        "http",
        "admin:{S}",
        &[(true, &format!("{get}Proxy-Authorization: Basic {{B}}\r\n\r\n")), OK],
    );
    garden.base64(
        "http ntlm",
        80,
        "http",
        "NTLMSSP\0\u{3}\0\0\0{S}",
        &[(true, &format!("{get}Authorization: NTLM {{B}}\r\n\r\n")), OK],
    );
    let mut ask = |name: &'static str, text: &str| garden.text(name, 80, "http", &[(true, text), OK]);
    ask("http userinfo", "GET http://admin:{S}@cam-17.example/ HTTP/1.1\r\nHost: cam-17.example\r\n\r\n");
    ask("http userinfo of host", "GET / HTTP/1.1\r\nHost: admin:{S}@cam-17.example\r\n\r\n");
    ask("http host", "GET / HTTP/1.1\r\nHost: {S}@cam-17.example:80\r\n\r\n");
    ask("http query", "GET /control/rcontrol?user=admin&password={S} HTTP/1.1\r\nHost: cam\r\n\r\n");
    ask("http path", "GET /token/{S}/admin/remoteconfig HTTP/1.1\r\nHost: cam\r\n\r\n");
    ask(
        "http form",
        "POST /login HTTP/1.1\r\nHost: cam\r\nContent-Length: 40\r\n\r\nuser=admin&password={S}&go=1",
    );
    ask("http connect", "CONNECT admin:{S}@cam-17.example:443 HTTP/1.1\r\nHost: cam\r\n\r\n");
    let reply = "HTTP/1.1 302 Found\r\nSet-Cookie: sid={S}\r\nLocation: http://a:{S}@cam/\r\nContent-Length: 0\r\n\r\n";
    garden.text("http reply", 80, "http", &[(true, &format!("{get}\r\n")), (false, reply)]);
    let realm =
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"{S}\"\r\nContent-Length: 0\r\n\r\n";
    garden.text("http nonce", 80, "http", &[(true, &format!("{get}\r\n")), (false, realm)]);
}

fn web_services(garden: &mut Garden) {
    let post = |path: &str, kind: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: srv\r\nContent-Type: {kind}\r\nContent-Length: 700\r\n\r\n{body}"
        )
    };
    let token = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Header><Security><UsernameToken>\
         <Username>admin</Username><Password Type=\"PasswordText\">{S}</Password></UsernameToken></Security></s:Header>\
         <s:Body><GetProfiles xmlns=\"http://www.onvif.org/ver10/media/wsdl\"/></s:Body></s:Envelope>";
    let text = post("/onvif/device_service", "application/soap+xml", token);
    garden.text("onvif UsernameToken", 80, "http", &[(true, &text), OK]);
    let login = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><Login xmlns=\
         \"http://videoos.net/2/XProtectCSServerCommand\"><currentToken>{S}</currentToken></Login></s:Body></s:Envelope>";
    let text = post("/ManagementServer/ServerCommandService.svc", "text/xml", login);
    garden.text("xprotect token", 80, "http", &[(true, &text), OK]);
    let mobile = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Communication><Command SequenceId=\"1\"><Type>Request</Type>\
         <Name>LogIn</Name><InputParams><Param Name=\"Password\" Value=\"{S}\"/></InputParams></Command></Communication>";
    let text = post("/XProtectMobile/Communication", "text/xml", mobile);
    garden.text("mobile server", 8081, "http", &[(true, &text), OK]);
    let form = "grant_type=password&username=a&password={S}&client_id=GrantValidatorClient";
    let text = post("/IDP/connect/token", "application/x-www-form-urlencoded", form);
    garden.text("identity provider", 80, "http", &[(true, &text), OK]);
    let connect = "<?xml version=\"1.0\" encoding=\"utf-8\"?><methodcall><requestid>0</requestid><methodname>connect\
         </methodname><username>a</username><password>{S}</password><connectparam>id=1&amp;connectiontoken={S}\
         </connectparam></methodcall>\r\n\r\n";
    garden.text("imageserver", 7563, "imageserver", &[(true, connect)]);
    garden.text(
        "matrix",
        12_345,
        "matrix",
        &[(true, "NetMatrixMonitorBegin+{S}+SETCAMERA+1+NetMatrixMonitorEnd")],
    );
    let stream = "POST /control/eventstream.jpg HTTP/1.1\r\nHost: cam\r\n\r\n";
    let command = "{\"id\":1,\"method\":\"login\",\"params\":[\"admin\",\"{S}\"]}\n\0";
    let turns = [(true, stream), (false, "HTTP/1.1 200 OK\r\n\r\n"), (true, command)];
    garden.text("event stream", 80, "http", &turns);
}

fn streaming(garden: &mut Garden) {
    let ask = "DESCRIBE rtsp://10.10.0.5/live RTSP/1.0\r\nCSeq: 1\r\n";
    garden.base64(
        "rtsp basic",
        554,
        "rtsp",
        "admin:{S}",
        &[(true, &format!("{ask}Authorization: Basic {{B}}\r\n\r\n"))],
    );
    let digest =
        "Authorization: Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"{S}\"\r\n\r\n";
    garden.text("rtsp digest", 554, "rtsp", &[(true, &format!("{ask}{digest}"))]);
    let userinfo = "DESCRIBE rtsp://admin:{S}@10.10.0.5/live?token={S} RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    garden.text("rtsp userinfo", 554, "rtsp", &[(true, userinfo)]);
    let sdp = "RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: {S}\r\nContent-Base: rtsp://a:{S}@10.10.0.5/\r\nContent-Type: \
         application/sdp\r\nContent-Length: 160\r\n\r\nv=0\r\ns=live\r\nk=clear:{S}\r\nm=video 0 RTP/SAVP 96\r\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{S}\r\na=control:rtsp://a:{S}@10.10.0.5/1\r\n\r\n\r\n\r\n\r\n\r\n";
    garden.text("sdp keys", 554, "rtsp", &[(true, &format!("{ask}\r\n")), (false, sdp)]);
    let redirect = "RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: rtsp://a:{S}@10.10.0.6/\r\n\r\n";
    garden.text("rtsp redirect", 554, "rtsp", &[(true, &format!("{ask}\r\n")), (false, redirect)]);
    let register = "REGISTER sip:user:{S}@srv SIP/2.0\r\nVia: SIP/2.0/TCP x\r\nAuthorization: Digest username=\"a\", response=\"{S}\"\r\n\r\n";
    garden.text("sip", 5060, "sip", &[(true, register)]);
    let body = "v=0\r\no={S} 1 1 IN IP4 10.10.0.5\r\ns={S}\r\nk=clear:{S}\r\nc=IN IP4 10.10.0.5\r\n\
                m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{S}\r\na=ice-pwd:{S}\r\n";
    let call = "INVITE sip:a:{S}@srv SIP/2.0\r\nVia: SIP/2.0/TCP x\r\nCall-ID: {S}\r\nCSeq: 1 INVITE\r\n\
                Authorization: Basic {S}\r\nProxy-Authorization: Digest response=\"{S}\"\r\n\
                Content-Type: application/sdp\r\nContent-Length:";
    let length = body.replace("{S}", &garden.secret()).len();
    let call = format!("{call} {length}\r\n\r\n{body}");
    garden.text("sip call", 5060, "sip", &[(true, &call)]);
}

fn mail_and_lines(garden: &mut Garden) {
    let hello = [
        (false, "220 mx.example ESMTP ready\r\n"),
        (true, "EHLO cam\r\n"),
        (false, "250 AUTH PLAIN LOGIN\r\n"),
    ];
    let with = |last: &'static [(bool, &'static str)]| [&hello[..], last].concat();
    garden.base64("smtp plain", 25, "smtp", "\0admin\0{S}", &with(&[(true, "AUTH PLAIN {B}\r\n")]));
    garden.base64(
        "smtp login",
        25,
        "smtp",
        "{S}",
        &with(&[(true, "AUTH LOGIN\r\n"), (false, "334 UGFzc3dvcmQ6\r\n"), (true, "{B}\r\n")]),
    );
    garden.text(
        "ftp",
        21,
        "ftp",
        &[
            (false, "220 (vsFTPd 3.0.3)\r\n"),
            (true, "USER admin\r\n"),
            (false, "331 go\r\n"),
            (true, "PASS {S}\r\n"),
            (false, "230 ok\r\n"),
        ],
    );
    garden.text(
        "ftp names",
        21,
        "ftp",
        &[(false, "220 (vsFTPd 3.0.3)\r\n"), (true, "USER {S}\r\nACCT {S}\r\n")],
    );
    garden.text("pop3", 110, "pop3", &[(false, "+OK POP3 ready\r\n"), (true, "USER a\r\nPASS {S}\r\n")]);
    garden.text("pop3 apop", 110, "pop3", &[(false, "+OK POP3 ready <1@x>\r\n"), (true, "APOP a {S}\r\n")]);
    garden.text(
        "imap",
        143,
        "imap",
        &[(false, "* OK IMAP4rev1 ready\r\n"), (true, "a1 LOGIN admin {S}\r\n")],
    );
    let negotiation = hex("fffd18 fffd20 fffb1f");
    garden.octets("telnet", (Transport::Tcp, 23), "telnet", |secret| {
        vec![(false, negotiation.clone()), (false, b"login: ".to_vec()), (true, [secret, b"\r\n"].concat())]
    });
    garden.text(
        "text on a port of nobody",
        40_500,
        "text",
        &[(true, "user=admin;password={S};camera=17;state=on\r\n")],
    );
    garden.octets("octets that nobody knows", (Transport::Tcp, 40_501), "", |secret| {
        vec![(true, [&[0xc5, 0x9d, 0, 1], secret, &random(7, 80)].concat())]
    });
}

fn databases_and_directories(garden: &mut Garden) {
    let startup =
        hex("00000024 00030000 75736572 00 61 00 6461746162617365 00 65 00 636c69656e74 00 62 00 00");
    garden.octets("postgresql", (Transport::Tcp, 5432), "postgresql", |secret| {
        let mut password = vec![b'p'];
        password.extend((5 + secret.len() as u32).to_be_bytes());
        password.extend([secret, &[0]].concat());
        vec![(true, startup.clone()), (false, hex("52 00000008 00000003")), (true, password)]
    });
    garden.octets("ldap simple bind", (Transport::Tcp, 389), "ldap", |secret| {
        let simple = [&[0x80, secret.len() as u8], secret].concat();
        let bind = [&hex("020103 0403 636e3d")[..], &simple].concat();
        let message = [&hex("020101 60"), &[bind.len() as u8][..], &bind].concat();
        vec![(true, [&[0x30, message.len() as u8][..], &message].concat())]
    });
    garden.octets("snmp community", (Transport::Udp, 161), "snmp", |secret| {
        let community = [&[4, secret.len() as u8], secret].concat();
        let rest = hex("a019020105020100020100300e300c06082b060102010101000500");
        let message = [&hex("020101")[..], &community, &rest].concat();
        vec![(true, [&[0x30, message.len() as u8][..], &message].concat())]
    });
    garden.octets("mqtt", (Transport::Tcp, 1883), "mqtt", |secret| {
        let body =
            [&hex("0004 4d515454 04 c2 003c 0003 636170 0001 61 00")[..], &[secret.len() as u8], secret]
                .concat();
        vec![(true, [&[0x10, body.len() as u8][..], &body].concat()), (false, hex("20020000"))]
    });
    // [MS-TDS] §2.2.6.4: nibbles swapped and XOR A5 of UTF-16.
    let secret = garden.secret();
    let wire: Vec<u8> = utf16(&secret).iter().map(|octet| octet.rotate_left(4) ^ 0xa5).collect();
    let mut login = hex("04000074 00100000 00000007 00010000 00000000 e0030000 00000000 09040000");
    login.extend(hex("5e000000 5e000100 6000"));
    login.extend((secret.len() as u16).to_le_bytes());
    login.resize(90, 0);
    login.extend(utf16("a"));
    login.extend(&wire);
    let mut packet = hex("1001");
    packet.extend((12 + login.len() as u16).to_be_bytes());
    packet.extend(hex("00000100"));
    packet.extend((4 + login.len() as u32).to_le_bytes());
    packet.extend(&login);
    garden.add("tds login", Transport::Tcp, 1433, "tds", wire, vec![(true, packet)]);
}

fn windows(garden: &mut Garden) {
    let smb2 = |command: u8, body: &[u8]| {
        let mut message = hex("fe534d42 40000000 00000000");
        message.extend([command, 0, 1, 0]);
        message.resize(64, 0);
        message.extend(body);
        [&(message.len() as u32).to_be_bytes()[..], &message].concat()
    };
    let ntlm = |secret: &[u8]| {
        [&b"NTLMSSP\0\x03\0\0\0"[..], &hex("1800180058000000 1000100040000000"), secret].concat()
    };
    garden.octets("smb2 session setup", (Transport::Tcp, 445), "smb", |secret| {
        let blob = ntlm(secret);
        let mut body = hex("1900 00 01 00000000 00000000 5800");
        body.extend((blob.len() as u16).to_le_bytes());
        body.extend([0; 8]);
        vec![(true, smb2(1, &[&body[..], &blob].concat()))]
    });
    let secret = garden.secret();
    let create = [
        &hex("3900")[..],
        &[0; 42],
        &hex("7800"),
        &(2 * secret.len() as u16).to_le_bytes(),
        &[0; 8],
        &utf16(&secret),
    ]
    .concat();
    garden.add("smb2 file name", Transport::Tcp, 445, "smb", utf16(&secret), vec![(true, smb2(5, &create))]);
    garden.octets("smb1 plain password", (Transport::Tcp, 445), "smb", |secret| {
        let mut message = hex("ff534d42 73 00000000 18 0128");
        message.resize(32, 0);
        message.extend(hex("0d ff 0000 0000 ffff 0200 0100 00000000"));
        message.extend((secret.len() as u16).to_le_bytes());
        message.extend(hex("0000 00000000 00000000"));
        message.extend((secret.len() as u16).to_le_bytes());
        message.extend(secret);
        vec![(true, [&(message.len() as u32).to_be_bytes()[..], &message].concat())]
    });
    garden.octets("rdp cookie", (Transport::Tcp, 3389), "rdp", |secret| {
        let cookie = [b"Cookie: mstshash=", secret, b"\r\n"].concat();
        let rest = hex("0100080000000000");
        let length = (11 + cookie.len() + rest.len()) as u8;
        vec![(
            true,
            [&hex("0300 00")[..], &[length, length - 5], &hex("e0 0000 0000 00"), &cookie, &rest].concat(),
        )]
    });
}

fn devices(garden: &mut Garden) {
    garden.octets("dahua dvrip", (Transport::Tcp, 37_777), "dahua-dvrip", |secret| {
        let text = [b"admin&&", secret].concat();
        let mut login = hex("a0050000");
        login.extend((text.len() as u32).to_le_bytes());
        login.resize(24, 0);
        login.extend(hex("050200080000a1aa"));
        vec![(true, [login, text].concat())]
    });
    let json = |secret: &[u8]| {
        [b"{\"EncryptType\":\"MD5\",\"PassWord\":\"", secret, b"\",\"UserName\":\"admin\"}"].concat()
    };
    garden.octets("dahua dhip", (Transport::Tcp, 5000), "dahua-dhip", |secret| {
        let body = json(secret);
        let mut head = hex("20000000 44484950 00000000 00000000");
        for _ in 0..2 {
            head.extend((body.len() as u32).to_le_bytes());
            head.extend([0; 4]);
        }
        vec![(true, [head, body].concat())]
    });
    garden.octets("xiongmai", (Transport::Tcp, 34_567), "xiongmai", |secret| {
        let body = json(secret);
        let mut head = hex("ff000000 00000000 00000000 0000 e803");
        head.extend((body.len() as u32).to_le_bytes());
        vec![(true, [head, body].concat())]
    });
    garden.octets("baichuan", (Transport::Tcp, 9000), "baichuan", |secret| {
        let mut head = hex("f0debc0a 01000000");
        head.extend((secret.len() as u32).to_le_bytes());
        head.extend(hex("00000000 0000 1465"));
        vec![(true, [&head[..], secret].concat())]
    });
    garden.octets("vnc answer", (Transport::Tcp, 5900), "rfb", |secret| {
        vec![(false, b"RFB 003.008\n".to_vec()), (true, b"RFB 003.008\n".to_vec()), (true, secret.to_vec())]
    });
    garden.octets("mdns text", (Transport::Udp, 5353), "mdns", |secret| {
        let name = [&hex("0000 8400 0000 0001 0000 0000 03 63616d 05 6c6f63616c 00 0010 8001 00000078")[..]]
            .concat();
        let text = [b"password=", secret].concat();
        let length = [0, text.len() as u8 + 1, text.len() as u8];
        vec![(true, [&name[..], &length, &text].concat())]
    });
}

pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

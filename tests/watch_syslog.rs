//! Syslog as receivers meet it: rsyslogd where it is installed, and a reader that takes RFC 5424 at its word.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "test helpers")]
#![expect(clippy::disallowed_methods, reason = "measures how long handing in takes")]

use std::env;
use std::fs;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::path::PathBuf;
use std::process;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use camsentry::export::syslog::MESSAGE_CAP;
use camsentry::export::syslog::Message;
use camsentry::time::Timestamp;
use camsentry::verdict::Severity;
use camsentry::watch::event_log::SinkCounts;
use camsentry::watch::sandbox::Cage;
use camsentry::watch::sandbox::Mode;
use camsentry::watch::syslog_sender::QUEUE;
use camsentry::watch::syslog_sender::SyslogSender;
use serde_json::Value;

/// Names the receiver to which a process of this test sends from a cage.
const CAGED: &str = "CAMSENTRY_TEST_SYSLOG_CAGED";

/// The end of patience.
const PATIENCE: Duration = Duration::from_secs(20);

/// `2026-11-22T17:00:00.123456Z`, as `date -u -d @1795366800` says.
const MOMENT: Timestamp = Timestamp::from_parts(1_795_366_800, 123_456_789);

fn message<'a>(data: &'a [(&'a str, &'a str)], text: &'a str) -> String {
    let (severity, process) = (Severity::Critical, 4242);
    Message { severity, time: MOMENT, host: "sensor1", process, kind: "opened", data, text }.line()
}

/// Messages of every kind, with what a receiver must make of them: structured data, text.
fn samples() -> Vec<(String, &'static str, &'static str)> {
    let data =
        [("id", "00ff00ff00ff00ff"), ("rule", "XP22"), ("orig", "10.20.0.17"), ("resp", "203.0.113.5")];
    vec![
        (
            message(&data, "A camera talks to the internet."),
            r#"[camsentry@32473 id="00ff00ff00ff00ff" rule="XP22" orig="10.20.0.17" resp="203.0.113.5"]"#,
            "A camera talks to the internet.",
        ),
        (
            message(&[("name", r#"door "A" [1] \ x"#)], "It's a name."),
            r#"[camsentry@32473 name="door \"A\" [1\] \\ x"]"#,
            "It's a name.",
        ),
        (
            message(&[("name", "Portão")], "Câmera 7 – «fora»"),
            r#"[camsentry@32473 name="Portão"]"#,
            "Câmera 7 – «fora»",
        ),
        (message(&[], "no data"), "-", "no data"),
        (
            message(&[], "<13>Oct 1 00:00:00 evil: forged\n<13>1 - - - - - - x"),
            "-",
            "<13>Oct 1 00:00:00 evil: forged\u{fffd}<13>1 - - - - - - x",
        ),
    ]
}

/// What RFC 5424 §6 makes of a message; panics if it is none.
struct Parsed {
    pri: u16,
    time: String,
    host: String,
    app: String,
    process: String,
    kind: String,
    data: String,
    text: String,
}

fn parse(message: &[u8]) -> Parsed {
    assert!(message.len() <= MESSAGE_CAP);
    let text = std::str::from_utf8(message).unwrap();
    let (pri, rest) = text.strip_prefix('<').unwrap().split_once('>').unwrap();
    assert!(pri == "0" || !pri.starts_with('0'));
    let mut fields = rest.splitn(7, ' ');
    let mut field = |most: usize| {
        let field = fields.next().unwrap();
        assert!((1..=most).contains(&field.len()) && field.chars().all(|c| c.is_ascii_graphic()), "{field}");
        field.to_owned()
    };
    assert_eq!(field(2), "1");
    let (time, host, app, process, kind) = (field(32), field(255), field(48), field(128), field(32));
    let (data, text) = structured(fields.next().unwrap());
    let text = text.map_or(String::new(), |text| text.strip_prefix(' ').unwrap().to_owned());
    // MSG-UTF8 begins with the mark; without it the text can only be taken as ASCII.
    let text = match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => {
            assert!(text.is_ascii(), "{text}");
            text
        }
    };
    Parsed { pri: pri.parse().unwrap(), time, host, app, process, kind, data, text }
}

/// The structured data, and what follows it.
fn structured(rest: &str) -> (String, Option<&str>) {
    if let Some(text) = rest.strip_prefix('-') {
        return ("-".to_owned(), (!text.is_empty()).then_some(text));
    }
    let name = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"');
    assert!(rest.starts_with('['));
    let mut at = rest[1..].find(|c| !name(c)).unwrap() + 1;
    assert!((2..=33).contains(&at));
    while rest[at..].starts_with(' ') {
        let length = rest[at + 1..].find(|c| !name(c)).unwrap();
        assert!((1..=32).contains(&length));
        at += 1 + length;
        assert!(rest[at..].starts_with("=\""));
        at += 2;
        while !rest[at..].starts_with('"') {
            let mut characters = rest[at..].chars();
            let first = characters.next().unwrap();
            assert!(first != ']', "an unescaped bracket");
            at += first.len_utf8();
            if first == '\\' {
                at += characters.next().unwrap().len_utf8();
            }
        }
        at += 1;
    }
    assert!(rest[at..].starts_with(']'));
    let text = &rest[at + 1..];
    (rest[..=at].to_owned(), (!text.is_empty()).then_some(text))
}

fn check(got: &[Vec<u8>]) {
    let samples = samples();
    assert_eq!(got.len(), samples.len());
    for (octets, (_, data, text)) in got.iter().zip(samples) {
        let parsed = parse(octets);
        // local0, critical: 16 × 8 + 2.
        assert_eq!((parsed.pri, parsed.app.as_str(), parsed.process.as_str()), (130, "camsentry", "4242"));
        assert_eq!(parsed.time, "2026-11-22T17:00:00.123456Z");
        assert_eq!((parsed.host.as_str(), parsed.kind.as_str()), ("sensor1", "opened"));
        assert_eq!((parsed.data.as_str(), parsed.text.as_str()), (data, text));
    }
}

fn send_samples(receiver: &str) {
    let sender = SyslogSender::start(receiver.parse().unwrap()).unwrap();
    let samples = samples();
    samples.iter().for_each(|(message, ..)| sender.send(message));
    let written = u64::try_from(samples.len()).unwrap();
    assert_eq!(sender.close(PATIENCE), SinkCounts { written, lost: 0 });
}

/// One message behind its length, as RFC 6587 §3.4.1 frames it; `None` at the end.
fn framed(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = String::new();
    loop {
        let mut octet = [0];
        if stream.read(&mut octet).unwrap_or(0) == 0 {
            assert_eq!(length, "", "an end inside a length");
            return None;
        }
        if octet == *b" " {
            break;
        }
        assert!(octet[0].is_ascii_digit() && (!length.is_empty() || octet != *b"0"));
        length.push(char::from(octet[0]));
    }
    let mut message = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut message).unwrap();
    Some(message)
}

/// As many datagrams as there are samples.
fn datagrams(receive: impl Fn(&mut [u8]) -> io::Result<usize>) -> Vec<Vec<u8>> {
    let next = || {
        let mut octets = vec![0; 65_536];
        let length = receive(&mut octets).unwrap();
        octets.truncate(length);
        octets
    };
    samples().iter().map(|_| next()).collect()
}

#[test]
fn over_udp_each_datagram_is_a_message() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    send_samples(&format!("udp://{}", receiver.local_addr().unwrap()));
    check(&datagrams(|octets| receiver.recv(octets)));
}

#[test]
fn over_tcp_each_message_stands_behind_its_length() {
    let receiver = TcpListener::bind("[::1]:0").unwrap();
    let addr = receiver.local_addr().unwrap();
    let reader = thread::spawn(move || {
        let mut stream = BufReader::new(taken(&receiver));
        std::iter::from_fn(|| framed(&mut stream)).collect::<Vec<_>>()
    });
    send_samples(&format!("tcp://{addr}"));
    check(&reader.join().unwrap());
}

#[test]
fn over_a_local_socket_each_datagram_is_a_message() {
    let folder = folder("unix");
    let receiver = UnixDatagram::bind(folder.join("log")).unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    send_samples(&format!("unix:{}", folder.join("log").display()));
    check(&datagrams(|octets| receiver.recv(octets)));
    fs::remove_dir_all(folder).unwrap();
}

fn folder(name: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("camsentry-syslog-{name}-{}", process::id()));
    fs::create_dir_all(&path).unwrap();
    path
}

/// The next connection, if one comes in time.
fn taken(receiver: &TcpListener) -> TcpStream {
    receiver.set_nonblocking(true).unwrap();
    let start = Instant::now();
    loop {
        if let Ok((stream, _)) = receiver.accept() {
            stream.set_nonblocking(false).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            return stream;
        }
        assert!(start.elapsed() < PATIENCE, "no connection came");
        thread::sleep(Duration::from_millis(10));
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn numbered(number: usize) -> String {
    message(&[], &format!("number {number}"))
}

fn number_of(octets: &[u8]) -> usize {
    parse(octets).text.strip_prefix("number ").unwrap().parse().unwrap()
}

#[test]
fn a_receiver_that_comes_later_gets_what_waited_each_once_and_in_order() {
    let addr = free_port();
    let sender = SyslogSender::start(format!("tcp://{addr}").parse().unwrap()).unwrap();
    (0..100).for_each(|number| sender.send(&numbered(number)));
    thread::sleep(Duration::from_millis(300));
    assert_eq!(sender.counts(), SinkCounts::default());
    let receiver = TcpListener::bind(addr).unwrap();
    let mut stream = BufReader::new(taken(&receiver));
    let got: Vec<usize> = (0..100).map(|_| number_of(&framed(&mut stream).unwrap())).collect();
    assert_eq!(got, (0..100).collect::<Vec<_>>());
    assert_eq!(sender.close(PATIENCE), SinkCounts { written: 100, lost: 0 });
}

#[test]
fn a_receiver_that_is_started_anew_between_messages_misses_none() {
    let addr = free_port();
    let sender = SyslogSender::start(format!("tcp://{addr}").parse().unwrap()).unwrap();
    for number in 0..3 {
        let receiver = TcpListener::bind(addr).unwrap();
        sender.send(&numbered(number));
        let mut stream = taken(&receiver);
        assert_eq!(number_of(&framed(&mut stream).unwrap()), number);
        // It closes, as a service does that is restarted, and says something that nobody wants to hear.
        io::Write::write_all(&mut stream, b"bye\n").unwrap();
        drop((stream, receiver));
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(sender.close(PATIENCE), SinkCounts { written: 3, lost: 0 });
}

#[test]
fn over_udp_it_makes_no_difference_whether_anybody_listens_yet() {
    let place = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = place.local_addr().unwrap();
    drop(place);
    let prepared = SyslogSender::prepare(format!("udp://{addr}").parse().unwrap());
    let sender = prepared.start().unwrap();
    // The system may answer each of the first with "port unreachable".
    for number in 0..10 {
        sender.send(&numbered(number));
        thread::sleep(Duration::from_millis(10));
    }
    let receiver = UdpSocket::bind(addr).unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    sender.send(&numbered(10));
    let mut octets = vec![0; 65_536];
    let length = receiver.recv(&mut octets).unwrap();
    assert_eq!(number_of(&octets[..length]), 10);
    assert_eq!(sender.close(PATIENCE), SinkCounts { written: 11, lost: 0 });
}

#[test]
fn handing_in_never_waits_for_a_receiver_that_does_not_read() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let sender =
        SyslogSender::start(format!("tcp://{}", receiver.local_addr().unwrap()).parse().unwrap()).unwrap();
    let long = message(&[], &"x".repeat(2_000));
    let start = Instant::now();
    let all = 50_000_u64;
    (0..all).for_each(|_| sender.send(&long));
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    let lost = sender.counts().lost;
    assert!(lost > all / 2, "the queue is bounded: {lost}");
    let start = Instant::now();
    let SinkCounts { written, lost } = sender.close(Duration::from_millis(200));
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert_eq!(written + lost, all, "each is one or the other");
}

#[test]
fn without_a_receiver_the_queue_fills_and_the_rest_is_counted() {
    let sender = SyslogSender::start(format!("tcp://{}", free_port()).parse().unwrap()).unwrap();
    (0..QUEUE + 10).for_each(|number| sender.send(&numbered(number)));
    assert_eq!(sender.counts(), SinkCounts { written: 0, lost: 10 });
    sender.send(&"x".repeat(MESSAGE_CAP + 1));
    let all = u64::try_from(QUEUE + 11).unwrap();
    let start = Instant::now();
    assert_eq!(sender.close(PATIENCE), SinkCounts { written: 0, lost: all });
    assert!(start.elapsed() < PATIENCE, "the end does not wait for the pause: {:?}", start.elapsed());
}

/// A process in the program's own cage, which has prepared itself before, sends to the receiver.
#[test]
fn in_the_cage_every_way_is_open_that_was_prepared() {
    if let Some(receiver) = env::var_os(CAGED) {
        return send_from_the_cage(receiver.to_str().unwrap());
    }
    let folder = folder("cage");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(PATIENCE)).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let unix = UnixDatagram::bind(folder.join("log")).unwrap();
    unix.set_read_timeout(Some(PATIENCE)).unwrap();
    let ways = [
        format!("udp://{}", udp.local_addr().unwrap()),
        // A name that can be looked up no more.
        format!("tcp://localhost:{}", tcp.local_addr().unwrap().port()),
        format!("unix:{}", folder.join("log").display()),
    ];
    for way in ways {
        let ran = Command::new(env::current_exe().unwrap())
            .args(["--exact", "in_the_cage_every_way_is_open_that_was_prepared", "--nocapture"])
            .env(CAGED, &way)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{way}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    let mut octets = [0; 65_536];
    let length = udp.recv(&mut octets).unwrap();
    assert_eq!(number_of(&octets[..length]), 7);
    assert_eq!(number_of(&framed(&mut taken(&tcp)).unwrap()), 7);
    let length = unix.recv(&mut octets).unwrap();
    assert_eq!(number_of(&octets[..length]), 7);
    fs::remove_dir_all(folder).unwrap();
}

fn send_from_the_cage(receiver: &str) {
    let prepared = SyslogSender::prepare(receiver.parse().unwrap());
    let port = receiver.rsplit(':').next().and_then(|port| port.parse().ok());
    let cage = Cage {
        mode: Mode::BestEffort,
        listens: true,
        reopens: true,
        connects: port.filter(|_| receiver.starts_with("tcp")).into_iter().collect(),
        local_sockets: receiver.starts_with("unix"),
        ..Cage::default()
    };
    cage.close().unwrap();
    assert!(fs::read("/etc/hosts").is_err() || UdpSocket::bind("127.0.0.1:0").is_err(), "it is closed");
    let sender = prepared.start().unwrap();
    sender.send(&numbered(7));
    assert_eq!(sender.close(PATIENCE), SinkCounts { written: 1, lost: 0 });
}

/// A real receiver on all three inputs, which writes what it understood as JSON.
struct Rsyslog {
    child: Child,
    folder: PathBuf,
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn rsyslog(udp: u16, tcp: u16) -> Option<Rsyslog> {
    let program =
        ["/usr/sbin/rsyslogd", "/sbin/rsyslogd"].into_iter().find(|path| Path::new(path).exists())?;
    let folder = folder("rsyslog");
    let place = folder.display();
    let fields: String =
        ["pri", "hostname", "app-name", "procid", "msgid", "structured-data", "msg", "inputname"]
            .map(|name| {
                format!(
                    "property(outname=\"{name}\" name=\"{name}\" format=\"jsonf\") constant(value=\", \")\n"
                )
            })
            .concat();
    let conf = format!(
        r#"global(workDirectory="{place}")
module(load="imudp") input(type="imudp" address="127.0.0.1" port="{udp}")
module(load="imtcp") input(type="imtcp" address="127.0.0.1" port="{tcp}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" socket="{place}/log" useSpecialParser="off" parseHostname="on" ignoreTimestamp="off")
template(name="parts" type="list") {{ constant(value="{{")
{fields} property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf") constant(value="}}\n") }}
action(type="omfile" file="{place}/out" template="parts")
"#
    );
    fs::write(folder.join("conf"), conf).unwrap();
    let child = Command::new(program)
        .args(["-n", "-f"])
        .arg(folder.join("conf"))
        .arg("-i")
        .arg(folder.join("pid"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Some(Rsyslog { child, folder })
}

#[test]
fn rsyslogd_understands_every_part_on_every_way() {
    let (udp, tcp) = (free_port().port(), free_port().port());
    let Some(rsyslog) = rsyslog(udp, tcp) else {
        eprintln!("skipped: rsyslogd is not installed (Debian: rsyslog)");
        return;
    };
    let start = Instant::now();
    let socket = rsyslog.folder.join("log");
    while TcpStream::connect(("127.0.0.1", tcp)).is_err() || !socket.exists() {
        assert!(start.elapsed() < PATIENCE, "rsyslogd does not start");
        thread::sleep(Duration::from_millis(50));
    }
    let ways = [
        format!("udp://127.0.0.1:{udp}"),
        format!("tcp://127.0.0.1:{tcp}"),
        format!("unix:{}", socket.display()),
    ];
    ways.iter().for_each(|way| send_samples(way));
    let samples = samples();
    let mut got: Vec<Value> = Vec::new();
    while got.len() < 3 * samples.len() {
        assert!(start.elapsed() < PATIENCE, "{} came: {got:?}", got.len());
        thread::sleep(Duration::from_millis(50));
        let out = fs::read_to_string(rsyslog.folder.join("out")).unwrap_or_default();
        got = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    }
    for way in ["imudp", "imtcp", "imuxsock"] {
        let mine: Vec<&Value> = got.iter().filter(|line| line["inputname"] == way).collect();
        assert_eq!(mine.len(), samples.len(), "{way}: {got:?}");
        for (line, (_, data, text)) in mine.into_iter().zip(&samples) {
            assert_eq!(line["pri"], "130", "{way}: {line}");
            assert_eq!(line["hostname"], "sensor1", "{way}: {line}");
            assert_eq!(line["app-name"], "camsentry", "{way}: {line}");
            assert_eq!(line["procid"], "4242", "{way}: {line}");
            assert_eq!(line["msgid"], "opened", "{way}: {line}");
            assert_eq!(line["time"], "2026-11-22T17:00:00.123456Z", "{way}: {line}");
            assert_eq!(line["structured-data"], *data, "{way}: {line}");
            let said = line["msg"].as_str().unwrap().trim_start_matches('\u{feff}');
            assert_eq!(said, *text, "{way}: {line}");
        }
    }
}

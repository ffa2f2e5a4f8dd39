//! The program watches an interface: what is sent there comes out as metrics, answers and events, with the verdicts
//! of an audit of the same packets; rules change while it runs; and at the end every packet is accounted for.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "test helpers")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use camsentry::export::metric_table::METRICS;
use serde_json::Value;

/// A network of two ends in a namespace of its own, and the test below in it.
const NETWORK: &str = "sysctl -qw net.ipv6.conf.default.disable_ipv6=1; \
    ip link add ear type veth peer name mouth && ip link set ear up && ip link set mouth up && ip link set lo up \
    && exec \"$0\" --exact watches_what_is_sent --ignored --nocapture";

/// How often to look, and how many times at most: a minute and a half.
const PAUSE: Duration = Duration::from_millis(300);
const ROUNDS: usize = 300;

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures/demo")
}

#[test]
fn a_watch_tells_what_an_audit_finds_and_accounts_for_every_packet() {
    let this = std::env::current_exe().unwrap();
    let can = Command::new("unshare").args(["-rn", "ip", "link"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no network namespace can be made here");
        return;
    }
    let run = Command::new("unshare")
        .args(["-rn", "--kill-child", "sh", "-c", NETWORK])
        .arg(this)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let errors = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success() && said.contains("1 passed"), "{said}{errors}");
}

/// A watch that is killed if the test fails.
struct Watch {
    process: Child,
    folder: PathBuf,
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Watch {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("camsentry-watch-{}", std::process::id()));
        fs::create_dir_all(folder.join("events")).unwrap();
        fs::create_dir_all(folder.join("site")).unwrap();
        fs::copy(demo().join("site.toml"), folder.join("site/site.toml")).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_camsentry"))
            .args(["watch", "-i", "ear", "--ring-mib", "8"])
            .args(["--site".as_ref(), folder.join("site/site.toml").as_os_str()])
            .args(["--events".as_ref(), folder.join("events/events.jsonl").as_os_str()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let watch = Self { process, folder };
        until("it is ready", || get("/readyz").filter(|(status, _)| *status == 200));
        watch
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join("events/events.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn site(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder.join("site/site.toml");
        let text = change(fs::read_to_string(&path).unwrap());
        fs::write(path, text).unwrap();
    }
}

/// Asks until there is an answer.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..ROUNDS {
        if let Some(answer) = ask() {
            return answer;
        }
        sleep(PAUSE);
    }
    panic!("waited in vain until {what}");
}

fn get(path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect("127.0.0.1:29477").ok()?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// The sum of a metric's series that have this label value.
fn sum(metrics: &str, name: &str, with: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name) && line.contains(with));
    let lines = lines.filter(|line| line.as_bytes().get(name.len()).is_some_and(|next| b"{ ".contains(next)));
    lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

fn metrics() -> String {
    get("/metrics").unwrap().1
}

fn until_open(count: f64) -> String {
    let open = || Some(metrics()).filter(|text| sum(text, "camsentry_violations_open", "") == count);
    until("so many violations stand", open)
}

/// Sends the packets of the demo capture: how many there are.
fn send_demo() -> u64 {
    let mut capture = pcap::Capture::from_file(demo().join("capture.pcap")).unwrap();
    let mut mouth = pcap::Capture::from_device("mouth").unwrap().open().unwrap();
    let mut sent = 0;
    while let Ok(packet) = capture.next_packet() {
        mouth.sendpacket(packet.data).unwrap();
        sent += 1;
    }
    sent
}

/// Identifiers and sentences of what an audit of the demo capture finds.
fn audited() -> BTreeMap<String, String> {
    let check = Command::new(env!("CARGO_BIN_EXE_camsentry"))
        .args(["check", "--format", "json", "--site"])
        .args([demo().join("site.toml"), demo().join("capture.pcap")])
        .output()
        .unwrap();
    violations(
        String::from_utf8(check.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()),
    )
}

fn violations(records: impl Iterator<Item = Value>) -> BTreeMap<String, String> {
    let violations = records.filter(|record| record["type"] == "violation");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    violations.map(|record| (text(&record["id"]), text(&record["message"]))).collect()
}

#[test]
#[ignore = "runs in a namespace that the test above makes"]
fn watches_what_is_sent() {
    let mut watch = Watch::start();
    let sent = send_demo();
    let expected = audited();
    until_open(13.0);
    assert_eq!(expected.len(), 13);
    // A connection ends for us some seconds after it was closed.
    let has_ended =
        |text: &String| sum(text, "camsentry_flow_duration_seconds_count", "service=\"smb\"") == 1.0;
    let text = until("flows have ended", || Some(metrics()).filter(has_ended));
    is_documented(&text);
    answers(&expected);
    reloads(&watch);
    watch.signal("-TERM");
    let status = until("it has ended", || watch.process.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    let events = watch.events();
    assert_eq!(events.first().unwrap()["type"], "started");
    let opened: BTreeSet<&str> = events
        .iter()
        .filter(|event| event["event"] == "opened")
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(opened, expected.keys().map(String::as_str).collect());
    let summary = events.last().unwrap();
    assert_eq!(summary["type"], "summary");
    let packets = &summary["packets"];
    assert_eq!((packets["read"].as_u64(), packets["unaccounted"].as_i64()), (Some(sent), Some(0)));
    assert_eq!(packets["lost"], serde_json::json!({}));
    let mut log = String::new();
    watch.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains(&format!("{sent} packets read, 0 lost, 0 unaccounted")), "{log}");
    let heard = fs::read_to_string("/proc/net/dev").unwrap();
    let ear: Vec<&str> = heard
        .lines()
        .find(|line| line.trim_start().starts_with("ear:"))
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!((ear[2], ear[10]), (sent.to_string().as_str(), "0"), "received and sent packets: {heard}");
}

/// Every metric that is defined is there, nothing else is, and promtool likes it.
fn is_documented(text: &str) {
    let names: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .filter(|name| !name.starts_with("process_"))
        .collect();
    assert_eq!(names, METRICS.iter().map(|(name, ..)| *name).collect());
    assert!(text.contains("process_resident_memory_bytes "));
    for rule in ["XP01", "XA03", "MX18"] {
        assert!(
            text.contains(&format!("camsentry_last_violation_timestamp_seconds{{policy_rule=\"{rule}\"}}"))
        );
    }
    assert!(sum(text, "camsentry_last_violation_timestamp_seconds", "XA03") > 1.7e9);
    assert_eq!(sum(text, "camsentry_violations_total", ""), 13.0);
    assert_eq!(sum(text, "camsentry_verdict_delay_seconds_count", ""), 25.0);
    let promtool = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    match promtool {
        Err(_) => eprintln!("skipped: promtool is not installed"),
        Ok(mut promtool) => {
            promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            assert!(promtool.wait().unwrap().success());
        }
    }
}

fn answers(expected: &BTreeMap<String, String>) {
    let json = |path| serde_json::from_str::<Value>(&get(path).unwrap().1).unwrap();
    let shown = json("/api/v1/violations?state=open");
    let shown = shown["violations"].as_array().unwrap().clone();
    assert_eq!(violations(shown.into_iter()), *expected);
    let critical = json("/api/v1/violations?severity=critical&limit=1");
    assert_eq!((critical["violations"].as_array().unwrap().len(), critical["total"].as_u64()), (1, Some(2)));
    let cameras = json("/api/v1/endpoints?role=camera");
    let cameras = cameras["endpoints"].as_array().unwrap();
    assert!(cameras.iter().any(|camera| camera["address"] == "10.20.0.17" && camera["vendor"] == "Axis"));
    assert_eq!(json("/api/v1/policy")["last_reload_successful"], true);
    assert_eq!(get("/healthz").unwrap().0, 200);
}

/// A broken site file changes nothing but what is told; a good one takes one violation back.
fn reloads(watch: &Watch) {
    let hash = |event: &Value| event["policy_hash"].as_str().unwrap().to_owned();
    let before = hash(watch.events().first().unwrap());
    watch.site(|text| text.replace("roles = [\"camera\"]", "roles = [\"camrea\"]"));
    watch.signal("-HUP");
    until("the fault is told", || {
        Some(()).filter(|()| sum(&metrics(), "camsentry_config_last_reload_successful", "") == 0.0)
    });
    assert_eq!(sum(&metrics(), "camsentry_violations_open", ""), 13.0);
    // Changed files are noticed without a signal, too.
    watch.site(|text| {
        let allows = "\n[[allow]]\nid = \"S-SSH\"\nfrom = [\"smart-client\"]\nto = [\"recording-server\"]\n\
            transport = \"tcp\"\nports = \"7563\"\nservices = [\"ssh\"]\ntls = \"none\"\nstatus = [\"required\"]\n\
            purpose = \"The test wants it.\"\nsource = \"tests\"\ncontrols = []\n";
        text.replace("roles = [\"camrea\"]", "roles = [\"camera\"]") + allows
    });
    let text = until_open(12.0);
    assert_eq!(sum(&text, "camsentry_config_last_reload_successful", ""), 1.0);
    assert_eq!(sum(&text, "camsentry_violations_withdrawn_total", ""), 1.0);
    let withdrawn =
        until("it is written", || watch.events().into_iter().find(|event| event["event"] == "withdrawn"));
    assert_eq!((&withdrawn["reason"], &withdrawn["port"]), (&"wrong-service".into(), &7563.into()));
    assert_ne!(hash(&withdrawn), before);
    let kinds: Vec<String> =
        watch.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    let told =
        ["started", "reload-failed", "reloaded"].map(|kind| kinds.iter().position(|told| told == kind));
    assert!(told.is_sorted() && told[0] == Some(0) && told[2].is_some(), "{kinds:?}");
}

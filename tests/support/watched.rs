//! The program, watching one end of a cable in a network namespace of its own, and the packets of the demo capture
//! to send from the other end.

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

use serde_json::Value;

/// A network of two ends in a namespace of its own, and a test of this program in it.
const NETWORK: &str = "sysctl -qw net.ipv6.conf.default.disable_ipv6=1; \
    ip link add ear type veth peer name mouth && ip link set ear up && ip link set mouth up && ip link set lo up \
    && exec \"$0\" --exact \"$1\" --ignored --nocapture";

/// How often to look, and how many times at most: a minute and a half.
const PAUSE: Duration = Duration::from_millis(300);
const ROUNDS: usize = 300;

/// Runs an ignored test of this program in a network of its own. False, and said loudly, where none can be made.
pub(crate) fn in_a_network(test: &str, environment: &[(&str, &Path)]) -> bool {
    let this = std::env::current_exe().unwrap();
    let can = Command::new("unshare").args(["-rn", "ip", "link"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no network namespace can be made here");
        return false;
    }
    let run = Command::new("unshare")
        .args(["-rn", "--kill-child", "sh", "-c", NETWORK])
        .arg(this)
        .arg(test)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let errors = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success() && said.contains("1 passed"), "{said}{errors}");
    true
}

/// The folder of the demo capture.
pub(crate) fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures/demo")
}

/// A watch that is killed if the test fails.
pub(crate) struct Watch {
    pub(crate) process: Child,
    folder: PathBuf,
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Watch {
    /// Starts it with a copy of the demo site, and waits until it is ready.
    pub(crate) fn start() -> Self {
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

    /// Sends it a signal, `-HUP` or `-TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// What it wrote so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join("events/events.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Changes its site file.
    pub(crate) fn site(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder.join("site/site.toml");
        let text = change(fs::read_to_string(&path).unwrap());
        fs::write(path, text).unwrap();
    }
}

/// Asks until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..ROUNDS {
        if let Some(answer) = ask() {
            return answer;
        }
        sleep(PAUSE);
    }
    panic!("waited in vain until {what}");
}

/// Status and body of an answer, if there is one.
pub(crate) fn get(path: &str) -> Option<(u16, String)> {
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
pub(crate) fn sum(metrics: &str, name: &str, with: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name) && line.contains(with));
    let lines = lines.filter(|line| line.as_bytes().get(name.len()).is_some_and(|next| b"{ ".contains(next)));
    lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

/// A scrape.
pub(crate) fn metrics() -> String {
    get("/metrics").unwrap().1
}

/// A scrape, as soon as so many violations stand.
pub(crate) fn until_open(count: f64) -> String {
    let open = || Some(metrics()).filter(|text| sum(text, "camsentry_violations_open", "") == count);
    until("so many violations stand", open)
}

/// Sends the packets of the demo capture: how many there are.
pub(crate) fn send_demo() -> u64 {
    let mut capture = pcap::Capture::from_file(demo().join("capture.pcap")).unwrap();
    let mut mouth = pcap::Capture::from_device("mouth").unwrap().open().unwrap();
    let mut sent = 0;
    while let Ok(packet) = capture.next_packet() {
        mouth.sendpacket(packet.data).unwrap();
        sent += 1;
    }
    sent
}

/// A scrape after the demo capture was sent and its connections have ended; 13 violations stand.
pub(crate) fn scrape_of_demo() -> String {
    until_open(13.0);
    // A connection ends for us some seconds after it was closed.
    let has_ended =
        |text: &String| sum(text, "camsentry_flow_duration_seconds_count", "service=\"smb\"") == 1.0;
    until("flows have ended", || Some(metrics()).filter(has_ended))
}

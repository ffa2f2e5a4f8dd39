//! The HTTP side as its clients meet it: curl, plain and over TLS, and clients that mean it no good.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test helpers")]
#![expect(clippy::disallowed_methods, reason = "measures how long answers take")]

mod limits;

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use axum::body::Bytes;
use camsentry::watch::http::CONNECTIONS;
use camsentry::watch::http::TlsInForce;
use camsentry::watch::http::asked::EndpointsAsked;
use camsentry::watch::http::asked::ViolationsAsked;
use camsentry::watch::http::routes::PATHS;
use camsentry::watch::http::serve;
use camsentry::watch::http::tls::server_config;
use camsentry::watch::http::views::Page;
use camsentry::watch::http::views::Views;
use serde_json::Value;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::runtime::Builder;
use tokio::sync::watch;

/// The longest that anything may take here: no promise, only the end of patience.
const PATIENCE: Duration = Duration::from_secs(5);

const METRICS: &str = "# HELP camsentry_flows_total Flows seen.\n# TYPE camsentry_flows_total counter\ncamsentry_flows_total 7\n";

/// An audit that says what the test wants.
struct Stand {
    metrics: Bytes,
    scrapes: AtomicU32,
    ill: Mutex<Option<String>>,
    asked: Mutex<Vec<String>>,
}

impl Stand {
    fn new(metrics: impl Into<Bytes>) -> Arc<Self> {
        let (scrapes, ill, asked) = (AtomicU32::new(0), Mutex::new(None), Mutex::default());
        Arc::new(Self { metrics: metrics.into(), scrapes, ill, asked })
    }

    fn state(&self) -> Result<(), String> {
        self.ill.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl Views for Stand {
    fn metrics(&self) -> Bytes {
        self.scrapes.fetch_add(1, Ordering::Relaxed);
        self.metrics.clone()
    }

    fn health(&self) -> Result<(), String> {
        self.state()
    }

    fn readiness(&self) -> Result<(), String> {
        self.state()
    }

    fn violations(&self, asked: &ViolationsAsked) -> Result<Page, String> {
        self.state()?;
        self.asked.lock().unwrap().push(format!("{asked:?}"));
        Page::first(asked.limit, (0..2_500).map(|id| json!({"id": id, "message": "<script>"})))
    }

    fn endpoints(&self, asked: &EndpointsAsked) -> Result<Page, String> {
        self.state()?;
        Page::first(asked.limit, [json!({"address": "10.0.0.1"})])
    }

    fn policy(&self) -> Result<Box<RawValue>, String> {
        assert!(self.state().is_ok(), "a view with a defect");
        Ok(serde_json::value::to_raw_value(&json!({"hash": "00"})).unwrap())
    }
}

/// A server on a free port of this computer; it ends with the test.
struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(tls: Option<TlsInForce>, views: Arc<dyn Views>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                serve(listener, tls, views, stopped).await;
            });
        });
        Self { addr, stop, thread: Some(thread) }
    }

    fn plain(views: Arc<dyn Views>) -> Self {
        Self::start(None, views)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    fn get(&self, path: &str) -> Answer {
        curl(&[&self.url(path)])
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// How long the end took.
    fn end(&mut self) -> Duration {
        let start = Instant::now();
        self.stop.send_replace(true);
        self.thread.take().unwrap().join().unwrap();
        start.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end();
        }
    }
}

/// What curl got.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        assert!(self.head.contains("content-type: application/json\r\n"), "{}", self.head);
        serde_json::from_str(&self.body).unwrap()
    }
}

fn curl(args: &[&str]) -> Answer {
    let ran = Command::new("curl").args(["-sS", "-i", "--max-time", "30"]).args(args).output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    let why = String::from_utf8_lossy(&ran.stderr);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {why}"));
    let head = format!("{head}\r\n").to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: body.to_owned() }
}

#[test]
fn every_path_of_the_landing_page_answers_and_every_answer_is_guarded() {
    let server = Server::plain(Stand::new(METRICS));
    let page = server.get("/");
    assert_eq!(page.status, 200);
    let paths: Vec<&str> = PATHS.iter().map(|(path, _)| *path).collect();
    for path in paths.iter().chain(&["/"]) {
        assert!(*path == "/" || page.body.contains(&format!("href=\"{path}\"")), "{path}");
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{path}");
        for path in [*path, "/nowhere"] {
            let head = server.get(path).head;
            for header in [
                "x-content-type-options: nosniff\r\n",
                "cache-control: no-store\r\n",
                "content-security-policy: default-src 'none';",
                "connection: close\r\n",
            ] {
                assert!(head.contains(header), "{path}: {header} in {head}");
            }
        }
    }
}

#[test]
fn metrics_are_the_text_of_the_view_in_prometheus_own_format() {
    let server = Server::plain(Stand::new(METRICS));
    let answer = server.get("/metrics");
    assert_eq!(answer.body, METRICS);
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    let head = curl(&["--head", &server.url("/metrics")]);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.head.contains(&format!("content-length: {}\r\n", METRICS.len())));
}

#[test]
fn scrapers_that_come_at_once_share_one_text() {
    let stand = Stand::new(METRICS);
    let server = Server::plain(stand.clone());
    let start = Instant::now();
    for _ in 0..40 {
        assert_eq!(server.get("/metrics").body, METRICS);
    }
    // One in each quarter of a second, and the first.
    let most = start.elapsed().as_millis() / 250 + 1;
    assert!(u128::from(stand.scrapes.load(Ordering::Relaxed)) <= most);
}

#[test]
fn illness_is_told_with_its_reason() {
    let stand = Stand::new(METRICS);
    let server = Server::plain(stand.clone());
    assert_eq!(server.get("/healthz").json(), json!({"status": "ok"}));
    *stand.ill.lock().unwrap() = Some("the judge has stood still for 12 s".to_owned());
    for path in ["/healthz", "/readyz", "/api/v1/violations", "/api/v1/endpoints"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.json(), json!({"error": "the judge has stood still for 12 s"}), "{path}");
    }
    // What does not depend on it goes on.
    assert_eq!(server.get("/metrics").status, 200);
}

#[test]
fn a_list_says_how_many_there_are_and_how_many_it_may_show() {
    let stand = Stand::new(METRICS);
    let server = Server::plain(stand.clone());
    let shown = |query: &str| {
        let answer = server.get(&format!("/api/v1/violations{query}")).json();
        let shown = answer["violations"].as_array().unwrap().len();
        (shown, answer["total"].as_u64().unwrap(), answer["limit"].as_u64().unwrap())
    };
    assert_eq!(shown(""), (100, 2_500, 100));
    assert_eq!(shown("?limit=3"), (3, 2_500, 3));
    assert_eq!(shown("?limit=9999999"), (1_000, 2_500, 1_000));
    shown("?state=open&severity=high%2Ccritical&reason=internet&role=camera&limit=1");
    let asked = stand.asked.lock().unwrap().last().unwrap().clone();
    assert!(
        asked.contains("Some(Open)") && asked.contains("[High, Critical]") && asked.contains("[Internet]")
    );
}

#[test]
fn a_query_that_is_not_understood_is_refused() {
    let server = Server::plain(Stand::new(METRICS));
    for query in
        ["?severty=high", "?severity=%3Cscript%3E", "?limit=0", "?limit=1&limit=2", "?role=%ff", "?state="]
    {
        for path in ["violations", "endpoints"] {
            let answer = server.get(&format!("/api/v1/{path}{query}"));
            assert_eq!(answer.status, 400, "{path}{query}");
            let why = answer.json()["error"].as_str().unwrap().to_owned();
            assert!(!why.contains("script"), "what was sent is not sent back: {why}");
        }
    }
}

#[test]
fn an_unknown_path_and_a_method_that_changes_something_are_refused_in_json() {
    let server = Server::plain(Stand::new(METRICS));
    for path in ["/nowhere", "/api/v1/", "/metrics/", "/..%2f..%2fetc/passwd", "/healthz/x"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.json()["error"].as_str().unwrap().contains("/api/v1/violations"));
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let answer = curl(&["-X", method, "-d", "x=1", &server.url("/api/v1/policy")]);
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.contains("allow: get,head\r\n"), "{method}: {}", answer.head);
        assert!(answer.json()["error"].as_str().unwrap().contains("GET"));
    }
}

#[test]
fn a_foreign_page_cannot_reach_it_by_a_name_that_leads_to_this_computer() {
    let server = Server::plain(Stand::new(METRICS));
    let answer = curl(&["-H", "Host: evil.example", &server.url("/api/v1/violations")]);
    assert_eq!(answer.status, 421);
    assert!(answer.json()["error"].as_str().unwrap().contains("127.0.0.1"));
    assert!(answer.head.contains("cache-control: no-store"));
    assert_eq!(curl(&["-H", "Host: localhost", &server.url("/metrics")]).status, 200);
}

/// A certificate for 127.0.0.1 with its key, in files that go with the process's folder.
fn certificate(name: &str) -> (PathBuf, PathBuf) {
    let folder = env::temp_dir().join(format!("camsentry-tls-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (folder.join(format!("{name}.crt")), folder.join(format!("{name}.key")));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (cert, key)
}

#[test]
fn tls_is_spoken_in_1_2_and_1_3_and_the_certificate_can_be_changed_while_it_runs() {
    let (old, old_key) = certificate("old");
    let (new, new_key) = certificate("new");
    let (replace, in_force) = watch::channel(server_config(&old, &old_key).unwrap());
    let server = Server::start(Some(in_force), Stand::new(METRICS));
    let url = format!("https://{}/metrics", server.addr);
    let trusts = |cert: &PathBuf, more: &[&str]| {
        let ca = ["-sS", "--max-time", "30", "--cacert", cert.to_str().unwrap()];
        let ran = Command::new("curl").args(ca).args(more).arg(&url).output().unwrap();
        ran.status.success() && ran.stdout == METRICS.as_bytes()
    };
    assert!(trusts(&old, &["--tlsv1.3"]));
    // Handshakes that never end hold nobody up.
    let held: Vec<TcpStream> = (0..3 * CONNECTIONS)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00").unwrap();
            stream
        })
        .collect();
    assert!(trusts(&old, &["--max-time", "5"]));
    drop(held);
    assert!(trusts(&old, &["--tls-max", "1.2"]));
    assert!(!trusts(&old, &["--tls-max", "1.1", "--tlsv1.0", "--ciphers", "DEFAULT@SECLEVEL=0"]));
    assert!(!trusts(&new, &[]));
    replace.send_replace(server_config(&new, &new_key).unwrap());
    assert!(trusts(&new, &[]));
    assert!(!trusts(&old, &[]));
    // Clear text gets no answer, and a name that is not an address is no trouble with a certificate.
    let plain = Command::new("curl").args(["-s", &format!("http://{}/", server.addr)]).output().unwrap();
    assert!(!plain.status.success());
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_with_the_way_out() {
    let (cert, key) = certificate("one");
    let (_, other) = certificate("two");
    let folder = cert.parent().unwrap();
    let text = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let fault = |cert: &PathBuf, key: &PathBuf| server_config(cert, key).unwrap_err().to_string();
    let locked = text(
        "locked.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let torn = text("torn.key", &fs::read_to_string(&key).unwrap()[..60]);
    let cases = [
        (fault(&folder.join("none.crt"), &key), "none.crt: No such file"),
        (fault(&text("empty.crt", ""), &key), "empty.crt holds no certificate"),
        (fault(&key, &key), "one.key holds no certificate"),
        (fault(&cert, &cert), "one.crt holds no private key"),
        (fault(&cert, &other), "two.key is not the key of the first certificate in"),
        (fault(&cert, &locked), "decrypt it with `openssl pkey"),
        (fault(&cert, &torn), "torn.key: a PEM section has no end"),
    ];
    for (said, expected) in cases {
        assert!(said.contains(expected), "{said:?} says {expected:?}");
    }
}

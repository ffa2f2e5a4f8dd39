//! What a client may cost: connections, time, memory, and what it sends that is no request.

use super::*;

/// A text that fills every buffer between server and client.
fn large() -> Vec<u8> {
    b"camsentry_flows_total 7\n".repeat(1_000_000)
}

#[test]
fn half_open_connections_and_slow_readers_keep_nobody_from_an_answer() {
    let server = Server::plain(Stand::new(large()));
    // Readers that take nothing of a large answer, and connections that never say what they want.
    let mut held = Vec::new();
    for number in 0..150 {
        let mut stream = server.connect();
        let said: &[u8] = if number % 3 == 0 { b"GET /metrics HTTP/1.1\r\n\r\n" } else { b"GET /metr" };
        stream.write_all(said).unwrap();
        held.push(stream);
        if number % 10 == 9 {
            let start = Instant::now();
            assert_eq!(server.get("/healthz").status, 200);
            assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
        }
    }
    // One octet at a time, on and on.
    let trickle = thread::spawn(move || {
        for _ in 0..10 {
            held.iter_mut().for_each(|stream| drop(stream.write(b"x").and_then(|_| stream.read(&mut [0]))));
            thread::sleep(Duration::from_millis(100));
        }
    });
    while !trickle.is_finished() {
        let start = Instant::now();
        assert_eq!(server.get("/healthz").status, 200);
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    }
    trickle.join().unwrap();
}

/// Whether the server has ended a connection.
fn has_gone(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    !matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn at_most_so_many_connections_are_held_and_those_that_ask_nothing_go_first() {
    let server = Server::plain(Stand::new(large()));
    let mut reader = server.connect();
    reader.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut start = [0; 15];
    reader.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    let mut idle: Vec<TcpStream> = (0..2 * CONNECTIONS).map(|_| server.connect()).collect();
    assert_eq!(server.get("/healthz").status, 200);
    // Those that came before had to go, and the last ones had not: without a bound none would go now, and all
    // when the time for their requests is over.
    let start = Instant::now();
    let mut gone = 0;
    while gone < CONNECTIONS {
        assert!(start.elapsed() < 4 * PATIENCE, "{gone} of {} had to go", idle.len());
        thread::sleep(Duration::from_millis(100));
        gone = idle.iter_mut().map(|stream| usize::from(has_gone(stream))).sum();
    }
    assert!(gone < 2 * CONNECTIONS - 8, "{gone}");
    // The reader, older than all of them, gets its answer.
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    assert!(all.ends_with(b"camsentry_flows_total 7\n") && all.len() > large().len());
}

#[test]
fn who_does_not_ask_in_time_and_who_does_not_read_in_time_is_let_go() {
    let server = Server::plain(Stand::new(large()));
    let mut silent = server.connect();
    silent.write_all(b"GET /healthz HT").unwrap();
    let mut slow = server.connect();
    slow.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let start = Instant::now();
    // The end of the connection, or its reset.
    let mut rest = Vec::new();
    drop(silent.read_to_end(&mut rest));
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    assert!(start.elapsed() < Duration::from_secs(30), "5 s are meant");
    thread::sleep(Duration::from_secs(12).saturating_sub(start.elapsed()));
    let mut got = Vec::new();
    drop(slow.read_to_end(&mut got));
    assert!(got.len() < large().len(), "10 s are meant; it got {} octets", got.len());
}

#[test]
fn what_is_no_request_costs_the_server_nothing() {
    let server = Server::plain(Stand::new(METRICS));
    let long = format!("GET /healthz?{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET /healthz HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(1_000));
    let noise: Vec<u8> = (0..=255_u8).cycle().take(50_000).collect();
    let smuggle = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n";
    let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    for octets in [long.as_bytes(), many.as_bytes(), &noise, smuggle, tls, b"\r\n\r\n", b"\0"] {
        let mut stream = server.connect();
        drop(stream.write_all(octets));
        let mut got = Vec::new();
        drop(stream.read_to_end(&mut got));
        let got = String::from_utf8_lossy(&got);
        assert!(!got.starts_with("HTTP/1.1 2"), "{got}");
        assert_eq!(server.get("/healthz").status, 200);
    }
}

#[test]
fn a_view_that_panics_costs_its_own_connection_only() {
    let stand = Stand::new(METRICS);
    let server = Server::plain(stand.clone());
    *stand.ill.lock().unwrap() = Some("broken".to_owned());
    let ran = Command::new("curl").args(["-s", &server.url("/api/v1/policy")]).output().unwrap();
    assert!(!ran.status.success());
    *stand.ill.lock().unwrap() = None;
    assert_eq!(server.get("/api/v1/policy").json(), json!({"hash": "00"}));
}

#[test]
fn it_ends_at_once_whoever_holds_on() {
    let mut server = Server::plain(Stand::new(large()));
    let mut held: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
    for stream in held.iter_mut().take(10) {
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    }
    assert_eq!(server.get("/healthz").status, 200);
    let took = server.end();
    assert!(took < PATIENCE, "1 s is meant; it took {took:?}");
    assert!(TcpStream::connect(server.addr).is_err());
}

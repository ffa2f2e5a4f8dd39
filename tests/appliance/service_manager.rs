//! The service manager is told the truth, through a real socket.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::process::Output;
use std::time::Duration;

use crate::Test;
use crate::cage::Cell;
use crate::cage::kept;

pub(crate) const TESTS: &[Test] = &[
    ("the_service_manager_hears_each_step_in_order", the_service_manager_hears_each_step_in_order),
    ("an_abstract_socket_will_do", an_abstract_socket_will_do),
    ("without_a_service_manager_nothing_is_said", without_a_service_manager_nothing_is_said),
];

/// All messages that wait at `socket`.
fn heard(socket: &UnixDatagram) -> Vec<String> {
    socket.set_nonblocking(true).unwrap();
    let mut messages = Vec::new();
    let mut octets = [0; 4096];
    while let Ok(length) = socket.recv(&mut octets) {
        messages.push(String::from_utf8(octets[..length].to_vec()).unwrap());
    }
    messages
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What sd_notify(3) wants for each step: ready, a status in one line, a sign of life only when both loops have
/// come round, a reload with the time that it began, the end.
fn is_whole(messages: &[String]) {
    let [ready, status, alive, reloading, again, stopping] = messages else {
        panic!("{messages:?}");
    };
    assert_eq!(ready, "READY=1\nSTATUS=2 interfaces, 0 violations\n");
    assert_eq!(status, "STATUS=two\u{fffd}lines\u{fffd}[31m\n");
    assert_eq!(alive, "WATCHDOG=1\n");
    let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let now: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
    let then: f64 = since.trim_end().parse().unwrap();
    let passed = Duration::from_secs_f64(now).abs_diff(Duration::from_secs_f64(then / 1e6));
    assert!(passed < Duration::from_secs(60), "{passed:?}");
    assert_eq!(again, "READY=1\nSTATUS=reloaded\n");
    assert_eq!(stopping, "STOPPING=1\n");
}

fn the_service_manager_hears_each_step_in_order() {
    let cell = Cell::new("notify");
    let path = cell.0.join("socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    let output = kept("notify", &cell).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "30000000").output();
    let text = told(&output.unwrap());
    assert!(text.contains("level: full\n") && text.contains("interval: 15000\n"), "{text}");
    assert!(text.contains("alive: false\nalive: true\n"), "{text}");
    is_whole(&heard(&socket));
}

fn an_abstract_socket_will_do() {
    let cell = Cell::new("abstract");
    let name = format!("camsentry-notify-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let name = format!("@{name}");
    let output = kept("notify", &cell).env("NOTIFY_SOCKET", name).env("WATCHDOG_USEC", "30000000").output();
    told(&output.unwrap());
    is_whole(&heard(&socket));
}

fn without_a_service_manager_nothing_is_said() {
    let cell = Cell::new("alone");
    let text = told(&kept("notify", &cell).env_remove("NOTIFY_SOCKET").output().unwrap());
    assert!(text.contains("interval: 0\n") && text.contains("alive: false\nalive: true\n"), "{text}");
    assert!(text.lines().all(|line| !line.starts_with("ready") || line == "ready: done"), "{text}");
}

//! The cage holds: what an intruder would do fails or ends the process, and an audit goes on.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::getuid;
use rustix::process::kill_process;

use crate::Test;
use crate::prisoner;

pub(crate) const TESTS: &[Test] = &[
    ("an_intruder_gets_out_in_none_of_the_ways", an_intruder_gets_out_in_none_of_the_ways),
    ("outside_the_cage_the_same_attempts_succeed", outside_the_cage_the_same_attempts_succeed),
    ("what_only_an_intruder_does_ends_the_process", what_only_an_intruder_does_ends_the_process),
    ("an_audit_goes_on_inside_the_cage", an_audit_goes_on_inside_the_cage),
    ("an_interface_is_opened_again_with_the_capability_kept_for_it", an_interface_is_opened_again),
    ("without_that_need_the_capability_is_gone_for_good", the_capability_is_gone_for_good),
    ("one_port_can_be_left_open_to_connect_to", one_port_can_be_left_open),
    ("a_system_log_can_be_left_in_reach", a_system_log_can_be_left_in_reach),
    ("a_strict_cage_is_full_or_the_program_does_not_start", a_strict_cage_is_full),
    ("what_the_kernel_lacks_is_told", what_the_kernel_lacks_is_told),
    ("a_thread_outside_the_cage_is_told", a_thread_outside_the_cage_is_told),
];

/// The system's numbers for "not permitted" (seccomp, capabilities) and "permission denied" (Landlock).
const EPERM: &str = "1";
const EACCES: &str = "13";

/// A folder of its own for a test, in reach of any user, taken away at the end.
pub(crate) struct Cell(pub(crate) PathBuf);

impl Cell {
    pub(crate) fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("camsentry-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for part in ["", "site", "events"] {
            fs::create_dir_all(folder.join(part)).unwrap();
            fs::set_permissions(folder.join(part), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(folder.join("site/site.toml"), "old").unwrap();
        Self(folder)
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// This program as the prisoner, with the rights that systemd's unit gives: another user, and `CAP_NET_RAW`.
fn sent_off(task: &str, cell: &Cell) -> Command {
    let rights = "--reuid 65534 --regid 65534 --clear-groups --inh-caps -all,+net_raw --ambient-caps +net_raw \
                  --bounding-set -all,+net_raw";
    // Where we are built need not be in reach of that user.
    let program = cell.0.join("prisoner");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(rights.split_whitespace()).arg(program);
    command.env(prisoner::TASK, task).env(prisoner::FOLDER, &cell.0);
    command
}

/// This program as the prisoner, in a system where `call` is answered otherwise, as strace(1) says.
fn under(call: &str, answer: &str, task: &str, cell: &Cell) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={call}"));
    command.arg("-e").arg(format!("inject={call}:{answer}")).arg(env::current_exe().unwrap());
    command.env(prisoner::TASK, task).env(prisoner::FOLDER, &cell.0).env(prisoner::PORT, "9");
    command
}

/// This program as the prisoner, with all our rights: as root the kernel alone holds it.
pub(crate) fn kept(task: &str, cell: &Cell) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(prisoner::TASK, task).env(prisoner::FOLDER, &cell.0);
    command
}

/// What the prisoner says, by the name of the attempt.
fn told(command: &mut Command) -> BTreeMap<String, String> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_once(": ")).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// Whether the test must be left out here, and says so.
fn needs_root() -> bool {
    if !getuid().is_root() {
        println!("skipped: only root can give a process CAP_NET_RAW and nothing else");
    }
    !getuid().is_root()
}

/// As [`needs_root`], for a test that captures.
fn cannot_capture() -> bool {
    if cfg!(not(feature = "live")) {
        println!("skipped: built without live capture");
    }
    cfg!(not(feature = "live")) || needs_root()
}

fn an_intruder_gets_out_in_none_of_the_ways() {
    let cell = Cell::new("escape");
    let somebody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = somebody.local_addr().unwrap().port().to_string();
    let told = told(kept("escape", &cell).env(prisoner::PORT, port));
    assert_eq!((told["level"].as_str(), told.get("missing")), ("full", None));
    let denied = [
        ("read /etc/shadow", EACCES),
        ("read /etc/passwd", EACCES),
        ("list /", EACCES),
        ("write elsewhere", EACCES),
        ("write the site file", EACCES),
        ("remove the site file", EACCES),
        ("write a kernel setting", EACCES),
        ("write our memory map", EACCES),
        ("read /etc/shadow from a new thread", EACCES),
        ("change a mode", EPERM),
        ("make a link", EPERM),
        ("make a folder", EPERM),
        ("connect", EPERM),
        ("listen", EPERM),
        ("send a datagram", EPERM),
        ("open a Unix socket", EPERM),
        ("start a program", EPERM),
        ("signal another process", EPERM),
        ("raw socket", EPERM),
        ("raw socket with the capability raised", EPERM),
    ];
    for (what, error) in denied {
        assert_eq!(told[what], error, "{what}");
    }
    no_rights_are_left(&told);
    assert_eq!(fs::read_to_string(cell.0.join("site/site.toml")).unwrap(), "old");
}

/// Otherwise the test above would show nothing.
fn outside_the_cage_the_same_attempts_succeed() {
    let cell = Cell::new("free");
    if needs_root() {
        return;
    }
    let somebody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = somebody.local_addr().unwrap().port().to_string();
    let told = told(kept("free", &cell).env(prisoner::PORT, port));
    assert_eq!(told["level"], "off");
    let status = ["level", "NoNewPrivs", "Seccomp"];
    let mut attempts =
        told.iter().filter(|(what, _)| !what.starts_with("Cap") && !status.contains(&what.as_str()));
    assert!(told.len() > 20 && attempts.all(|(_, outcome)| outcome == "done"), "{told:?}");
}

fn no_rights_are_left(told: &BTreeMap<String, String>) {
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(u64::from_str_radix(&told[set], 16).unwrap(), 0, "{set}");
    }
    // SECCOMP_MODE_FILTER of linux/seccomp.h is 2.
    assert_eq!((told["NoNewPrivs"].as_str(), told["Seccomp"].as_str()), ("1", "2"));
    if getuid().is_root() {
        assert_eq!(u64::from_str_radix(&told["CapBnd"], 16).unwrap() & !(1 << 13), 0, "CapBnd");
    }
}

fn what_only_an_intruder_does_ends_the_process() {
    for deed in ["execute", "trace", "chroot", "unshare"] {
        let cell = Cell::new(deed);
        let output = kept(deed, &cell).output().unwrap();
        assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{deed}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("survived"), "{deed}");
    }
}

fn an_audit_goes_on_inside_the_cage() {
    let cell = Cell::new("work");
    let mut child = kept("work", &cell).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = BTreeMap::new();
    for line in lines.by_ref() {
        let line = line.unwrap();
        let (what, outcome) = line.split_once(": ").unwrap();
        told.insert(what.to_owned(), outcome.to_owned());
        if what == "serving" {
            break;
        }
    }
    let serving = told.remove("serving").unwrap_or_else(|| panic!("it does not serve: {told:?}"));
    let mut peer = TcpStream::connect(serving).unwrap();
    peer.write_all(b"ping").unwrap();
    let mut answer = [0; 4];
    peer.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"ping");
    // Editors put a new file in the place of the old one.
    fs::write(cell.0.join("site/new"), "new").unwrap();
    fs::rename(cell.0.join("site/new"), cell.0.join("site/site.toml")).unwrap();
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    for line in lines {
        let line = line.unwrap();
        let (what, outcome) = line.split_once(": ").unwrap();
        told.insert(what.to_owned(), outcome.to_owned());
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(told.remove("level").unwrap(), "full");
    assert_eq!(told.remove("panic").unwrap(), "caught");
    assert!(told.len() > 12 && told.values().all(|outcome| outcome == "done"), "{told:?}");
}

fn an_interface_is_opened_again() {
    let cell = Cell::new("capture");
    if cannot_capture() {
        return;
    }
    let told = told(&mut sent_off("capture", &cell));
    assert_eq!(told.get("level").map(String::as_str), Some("full"), "{told:?}");
    let said = ["captures", "counts", "reopens by itself", "captures again"].map(|what| told[what].as_str());
    assert_eq!(said, ["true", "done", "false", "true"]);
    // At hand, but not in force: CAP_NET_RAW is bit 13 (linux/capability.h).
    assert_eq!(u64::from_str_radix(&told["CapPrm"], 16).unwrap(), 1 << 13);
    assert_eq!(u64::from_str_radix(&told["CapEff"], 16).unwrap(), 0);
}

fn the_capability_is_gone_for_good() {
    let cell = Cell::new("capture-once");
    if cannot_capture() {
        return;
    }
    let told = told(&mut sent_off("capture-once", &cell));
    assert_eq!(told.get("captures").map(String::as_str), Some("true"), "{told:?}");
    assert_eq!(told["reopens by itself"], "false");
    assert!(told["reopens"].contains("not permitted") || told["reopens"].contains("permission"), "{told:?}");
    no_rights_are_left(&told);
}

fn one_port_can_be_left_open() {
    let cell = Cell::new("connect");
    let somebody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = somebody.local_addr().unwrap().port();
    let told = told(kept("connect", &cell).env(prisoner::PORT, port.to_string()));
    if told["level"] == "full" {
        assert_eq!(told["connect elsewhere"], EACCES);
    } else {
        println!("skipped: Landlock does not know ports here: {}", told["missing"]);
    }
    assert_eq!(told["connect there"], "done");
    assert_eq!((told["listen"].as_str(), told["raw socket"].as_str()), (EPERM, EPERM));
}

fn a_system_log_can_be_left_in_reach() {
    let cell = Cell::new("syslog");
    let remote = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = remote.local_addr().unwrap().port();
    let local = UnixDatagram::bind(cell.0.join("log")).unwrap();
    let name = SocketAddr::from_abstract_name(format!("camsentry-{port}")).unwrap();
    let _out_of_reach = UnixDatagram::bind_addr(&name).unwrap();
    let told = told(kept("syslog", &cell).env(prisoner::PORT, port.to_string()));
    assert_eq!((told["send a datagram"].as_str(), told["local"].as_str()), ("done", "done"));
    assert_eq!((remote.recv(&mut [0]).unwrap(), local.recv(&mut [0]).unwrap()), (1, 1));
    assert_eq!((told["connect"].as_str(), told["listen"].as_str()), (EPERM, EPERM));
    if told["level"] == "full" {
        // landlock(7): a connection out of the scope is not permitted.
        assert_eq!(told["abstract"], EPERM);
    } else {
        println!("skipped: Landlock does not know abstract sockets here: {}", told["missing"]);
    }
}

fn a_strict_cage_is_full() {
    let cell = Cell::new("strict");
    let told = told(&mut kept("strict", &cell));
    assert_eq!(told.get("level").map(String::as_str), Some("full"), "{told:?}");
}

fn a_thread_outside_the_cage_is_told() {
    let cell = Cell::new("late");
    let told = told(&mut kept("late", &cell));
    assert_eq!(
        told["fault"],
        "the sandbox is not complete, and it must be: 1 other threads were there before and keep files and \
         capabilities"
    );
}

fn what_the_kernel_lacks_is_told() {
    let cell = Cell::new("lacks");
    if Command::new("strace")
        .args(["-e", "trace=none", "true"])
        .output()
        .is_ok_and(|run| run.status.success())
    {
        let without = "Landlock: this kernel has none, or it is not among its security modules; files remain in \
                       reach";
        let none = told(&mut under("landlock_create_ruleset", "error=ENOSYS", "connect", &cell));
        assert_eq!((none["level"].as_str(), none["missing"].as_str()), ("partly", without));
        let strict = told(&mut under("landlock_create_ruleset", "error=ENOSYS", "strict", &cell));
        assert_eq!(strict["fault"], format!("the sandbox is not complete, and it must be: {without}"));
        // Debian 12: Linux 6.1, whose Landlock is version 2.
        let old = |task| told(&mut under("landlock_create_ruleset", "retval=2:when=1", task, &cell));
        assert_eq!(old("strict")["level"], "full");
        assert_eq!(
            old("syslog")["missing"],
            "Landlock: abstract Unix sockets, which need Linux 6.12 or later"
        );
        if !cannot_capture() {
            assert_eq!(old("capture")["level"], "full");
        }
        assert_eq!(old("connect")["missing"], "Landlock: TCP ports, which need Linux 6.7 or later");
        let calls = told(&mut under("seccomp", "error=EINVAL", "connect", &cell));
        assert_eq!(calls["level"], "partly");
        assert!(calls["missing"].starts_with("seccomp: "), "{calls:?}");
    } else {
        println!("skipped: strace cannot take a system call away here");
    }
}

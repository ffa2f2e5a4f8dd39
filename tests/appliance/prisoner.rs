//! The prisoner: closes a cage around itself, tries to break out, or works on, and prints what came of it,
//! a line each: `what: done` or `what: ` and the system's error number.

use std::env;
use std::fmt::Display;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chroot;
use std::os::unix::fs::symlink;
use std::os::unix::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use camsentry::watch::notify::Notifier;
use camsentry::watch::notify::Pulse;
use camsentry::watch::sandbox::Cage;
use camsentry::watch::sandbox::Mode;
use camsentry::watch::sandbox::with_raw;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::getppid;
use rustix::process::kill_process;

/// Names the prisoner's task.
pub(crate) const TASK: &str = "CAMSENTRY_PRISONER";
/// Names the folder that it works in: `site/` to read, `events/` to write.
pub(crate) const FOLDER: &str = "CAMSENTRY_PRISONER_FOLDER";
/// Names a TCP port where somebody listens.
pub(crate) const PORT: &str = "CAMSENTRY_PRISONER_PORT";

/// Does what is named by `task`.
pub(crate) fn run(task: &str) {
    match task {
        "escape" => {
            close(&cage());
            escape();
        }
        "free" => {
            close(&Cage { mode: Mode::Off, ..cage() });
            escape();
        }
        "work" => work(),
        "capture" => capture(&Cage { reopens: true, ..cage() }),
        "capture-once" => capture(&cage()),
        "connect" => connect(),
        "syslog" => syslog(),
        "strict" => close(&Cage { mode: Mode::Strict, ..cage() }),
        "late" => {
            thread::spawn(thread::park);
            close(&Cage { mode: Mode::Strict, ..cage() });
        }
        "notify" => notify(),
        deed => {
            close(&cage());
            deadly(deed);
            say("survived", deed);
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env::var_os(FOLDER).unwrap())
}

fn port() -> u16 {
    env::var(PORT).unwrap().parse().unwrap()
}

fn cage() -> Cage {
    let mut cage = Cage { writable: vec![folder().join("events")], listens: true, ..Cage::default() };
    cage.reload_from(&folder().join("site/site.toml"));
    cage
}

fn close(cage: &Cage) {
    match cage.close() {
        Ok((level, missing)) => {
            say("level", level.word());
            missing.iter().for_each(|lack| say("missing", lack));
        }
        Err(fault) => say("fault", fault),
    }
}

fn say(what: &str, outcome: impl Display) {
    println!("{what}: {outcome}");
}

/// Says what came of an attempt.
fn tried<T>(what: &str, done: io::Result<T>) {
    match done {
        Ok(_) => say(what, "done"),
        Err(error) => match error.raw_os_error() {
            Some(number) => say(what, number),
            None => say(what, error),
        },
    }
}

fn status() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let kept = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"];
    for line in status.lines() {
        if let Some((name, value)) = line.split_once(':')
            && kept.contains(&name)
        {
            say(name, value.trim());
        }
    }
}

/// Everything that must fail, and leave the process alive.
fn escape() {
    let site = folder().join("site/site.toml");
    let events = folder().join("events");
    tried("read /etc/shadow", File::open("/etc/shadow"));
    tried("read /etc/passwd", File::open("/etc/passwd"));
    tried("list /", fs::read_dir("/"));
    tried("write elsewhere", File::create(folder().join("elsewhere")));
    tried("write the site file", OpenOptions::new().append(true).open(&site));
    tried("change a mode", fs::set_permissions(&site, fs::Permissions::from_mode(0o666)));
    tried("remove the site file", fs::remove_file(&site));
    tried("make a link", symlink("/etc/shadow", events.join("link")));
    tried("make a folder", fs::create_dir(events.join("folder")));
    tried("write a kernel setting", OpenOptions::new().write(true).open("/proc/sys/kernel/core_pattern"));
    tried("write our memory map", OpenOptions::new().write(true).open("/proc/self/mem"));
    tried("connect", TcpStream::connect(("127.0.0.1", port())));
    tried("listen", TcpListener::bind("127.0.0.1:0"));
    tried("send a datagram", UdpSocket::bind("127.0.0.1:0"));
    tried("open a Unix socket", UnixDatagram::unbound());
    tried("start a program", Command::new("/bin/true").status());
    let parent = getppid().unwrap_or(Pid::INIT);
    tried("signal another process", kill_process(parent, Signal::CONT).map_err(io::Error::from));
    let elsewhere = thread::spawn(|| File::open("/etc/shadow")).join().unwrap();
    tried("read /etc/shadow from a new thread", elsewhere);
    tried("raw socket", raw_socket());
    let raised = with_raw(raw_socket);
    tried("raw socket with the capability raised", raised);
    status();
}

/// Asks for a packet socket as libpcap does.
fn raw_socket() -> io::Result<()> {
    #[expect(unsafe_code, reason = "the standard library opens no packet sockets")]
    // SAFETY: the call takes three numbers and gives a file descriptor, which is left to the process's end.
    let socket = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) };
    if socket < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Everything that must end the process.
fn deadly(deed: &str) {
    match deed {
        "execute" => drop(Command::new("/bin/true").exec()),
        "chroot" => drop(chroot("/proc/self")),
        "trace" => {
            #[expect(unsafe_code, reason = "nothing safe traces")]
            // SAFETY: asking to be traced touches no memory.
            unsafe {
                libc::ptrace(libc::PTRACE_TRACEME);
            }
        }
        "unshare" => {
            #[expect(unsafe_code, reason = "nothing safe unshares")]
            // SAFETY: a name space of its own touches no memory.
            unsafe {
                libc::unshare(libc::CLONE_NEWUSER);
            }
        }
        other => panic!("{other}?"),
    }
}

/// What an audit does all the time: it must go on.
fn work() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let site = folder().join("site/site.toml");
    let events = folder().join("events");
    let mut log = File::create(events.join("events.jsonl")).unwrap();
    close(&cage());
    tried("write to an open file", log.write_all(b"{}\n").and_then(|()| log.sync_all()));
    tried("rotate", fs::rename(events.join("events.jsonl"), events.join("events.jsonl.1")));
    tried("start a new file", File::create(events.join("events.jsonl")));
    tried(
        "cut off",
        OpenOptions::new().write(true).open(events.join("events.jsonl.1")).and_then(|file| file.set_len(1)),
    );
    tried("remove the oldest", fs::remove_file(events.join("events.jsonl.1")));
    tried("list the files", fs::read_dir(&events).map(Iterator::count));
    tried("read the site", fs::read_to_string(&site));
    tried("read sysfs", fs::read_to_string("/sys/class/net/lo/statistics/rx_packets"));
    tried("start threads", thread::Builder::new().spawn(|| ()).map(|thread| thread.join().unwrap()));
    let families = prometheus::default_registry().gather();
    for name in ["process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds"] {
        let value = families.iter().find(|family| family.name() == name).unwrap();
        tried(
            name,
            if value.get_metric()[0].get_gauge().get_value() > 0.0 {
                Ok(())
            } else {
                Err(io::Error::other("0"))
            },
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(serve(listener, address));
    tried(
        "read the site that took its place",
        fs::read_to_string(&site).and_then(
            |text| {
                if text == "new" { Ok(()) } else { Err(io::Error::other(text)) }
            },
        ),
    );
    // A panic in a worker is caught, with its message on standard error.
    let caught = thread::spawn(|| panic!("as it should")).join();
    say("panic", if caught.is_err() { "caught" } else { "lost" });
}

/// Answers one connection, then waits for the signal to reload.
async fn serve(listener: TcpListener, address: std::net::SocketAddr) {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::signal::unix::SignalKind;
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let mut reload = tokio::signal::unix::signal(SignalKind::hangup()).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    say("serving", address);
    let (mut peer, _) = listener.accept().await.unwrap();
    let mut asked = [0_u8; 4];
    peer.read_exact(&mut asked).await.unwrap();
    peer.write_all(&asked).await.unwrap();
    reload.recv().await.unwrap();
    say("signal", "done");
}

/// Captures on the loopback interface, and opens it again inside the cage.
#[cfg(feature = "live")]
fn capture(cage: &Cage) {
    use camsentry::capture::FrameBatch;
    use camsentry::capture::FrameSource;
    use camsentry::capture::tap::Lane;
    use camsentry::capture::tap::TapSettings;
    use camsentry::capture::tap::as_it_is;
    use camsentry::capture::tap::open;
    use std::num::NonZeroUsize;
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let listen = |with_rights| {
        let settings = TapSettings {
            interfaces: vec!["lo".to_owned()],
            filter: None,
            snaplen: 2048,
            ring_octets: 1 << 20,
            lanes: NonZeroUsize::MIN,
            with_rights,
        };
        open(&settings).map(|mut lanes| lanes.pop().unwrap())
    };
    let mut lane = match listen(as_it_is) {
        Ok(lane) => lane,
        Err(faults) => return say("open", format!("{faults:?}")),
    };
    close(cage);
    let heard = |lane: &mut Lane| {
        sender.send_to(b"ping", "127.0.0.1:9").unwrap();
        let mut batch = FrameBatch::default();
        (0..200).any(|_| {
            lane.wait(std::time::Duration::from_millis(5));
            lane.fill(&mut batch);
            !batch.frames.is_empty()
        })
    };
    say("captures", heard(&mut lane));
    let counted = lane.interfaces().iter().all(|facts| facts.counts.received > 0);
    say("counts", if counted { "done" } else { "nothing" });
    drop(lane);
    // A lane is a thread: it inherits what its starter kept.
    let again = thread::scope(|scope| {
        let reopened = scope.spawn(|| (listen(as_it_is).is_ok(), listen(|open| with_raw(open))));
        reopened.join().unwrap()
    });
    say("reopens by itself", again.0);
    match again.1 {
        Ok(mut lane) => say("captures again", heard(&mut lane)),
        Err(faults) => say("reopens", format!("{faults:?}")),
    }
    status();
}

#[cfg(not(feature = "live"))]
fn capture(_cage: &Cage) {
    say("open", "without live capture");
}

/// Connects to the one port that the cage leaves open.
fn connect() {
    close(&Cage { connects: vec![port()], ..cage() });
    tried("connect there", TcpStream::connect(("127.0.0.1", port())));
    tried("connect elsewhere", TcpStream::connect(("127.0.0.1", port().wrapping_add(1))));
    tried("listen", TcpListener::bind("127.0.0.1:0"));
    tried("raw socket", raw_socket());
}

/// Opens what a sender to a system log opens: by datagrams and by a Unix socket.
fn syslog() {
    close(&Cage { datagrams: true, local_sockets: true, ..cage() });
    let to = ("127.0.0.1", port());
    let datagram = UdpSocket::bind("127.0.0.1:0");
    tried("send a datagram", datagram.and_then(|socket| socket.connect(to).and_then(|()| socket.send(b"x"))));
    let local = UnixDatagram::unbound();
    tried(
        "local",
        local.and_then(|socket| socket.connect(folder().join("log")).and_then(|()| socket.send(b"x"))),
    );
    let name = SocketAddr::from_abstract_name(format!("camsentry-{}", port())).unwrap();
    tried("abstract", UnixDatagram::unbound().and_then(|socket| socket.connect_addr(&name)));
    tried("connect", TcpStream::connect(to));
    tried("listen", TcpListener::bind("127.0.0.1:0"));
}

/// Tells the service manager everything, from inside the cage, a step for each line that it is sent.
fn notify() {
    let mut notifier = Notifier::from_environment().unwrap();
    close(&cage());
    let (lane, judge) = (Pulse::default(), Pulse::default());
    say("interval", notifier.interval().map_or(0, |time| time.as_millis()));
    tried("ready", notifier.ready("2 interfaces, 0 violations"));
    tried("status", notifier.status("two\nlines\u{1b}[31m"));
    lane.beat();
    say("alive", notifier.alive(&[&lane, &judge]).unwrap());
    judge.beat();
    say("alive", notifier.alive(&[&lane, &judge]).unwrap());
    tried("reloading", notifier.reloading());
    tried("ready", notifier.ready("reloaded"));
    tried("stopping", notifier.stopping());
}

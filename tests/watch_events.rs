//! The event file and changed files: kill -9 at any instant, a full disk, somebody else's logrotate, and
//! every way in which a file is replaced.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process;
use std::process::Command;
use std::process::Stdio;
use std::slice::from_ref;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use camsentry::watch::changed::Watched;
use camsentry::watch::event_log::EventLog;
use camsentry::watch::event_log::EventSettings;
use camsentry::watch::event_log::News;
use camsentry::watch::event_log::SinkCounts;
use serde_json::Value;
use serde_json::json;

/// Names the file that a process of this test is to write until it is killed.
const WRITER: &str = "CAMSENTRY_TEST_EVENT_WRITER";

/// The first number of that process's records.
const FIRST: &str = "CAMSENTRY_TEST_EVENT_FIRST";

/// Names the small file system that a process of this test is to fill.
const FILLER: &str = "CAMSENTRY_TEST_EVENT_FILLER";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("camsentry-events-{}-{number}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// All records, the oldest file first; each line must be one.
    fn records(&self) -> Vec<Value> {
        let number = |path: &Path| match path.extension().and_then(|end| end.to_str()) {
            Some(number) => number.parse().unwrap_or(0),
            None => 0_u32,
        };
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect();
        files
            .retain(|path| path.file_name().is_some_and(|name| name.to_str().unwrap().starts_with("events")));
        files.sort_by_key(|path| std::cmp::Reverse(number(path)));
        files.iter().flat_map(|path| lines(path)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{}: a torn line", path.display());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(records: &[Value]) -> Vec<u64> {
    records.iter().map(|record| record["seq"].as_u64().unwrap()).collect()
}

fn settings(path: PathBuf, max_octets: u64, keep: u32) -> EventSettings {
    EventSettings { path, max_octets, keep }
}

fn open(path: &Path) -> EventLog {
    EventLog::open(settings(path.to_owned(), 1 << 20, 3)).unwrap()
}

#[test]
fn records_are_lines_of_a_file_that_only_its_owner_reads() {
    let folder = Folder::new();
    let path = folder.path("events");
    let mut log = open(&path);
    for seq in 0..3 {
        assert_eq!(log.append(&json!({"seq": seq, "text": "a\nb"})), None);
    }
    assert_eq!(log.close(), SinkCounts { written: 3, lost: 0 });
    assert_eq!(numbers(&lines(&path)), [0, 1, 2]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // A second run goes on behind it.
    let mut log = open(&path);
    log.append(&json!({"seq": 3}));
    assert_eq!((log.repaired(), numbers(&lines(&path))), (0, vec![0, 1, 2, 3]));
}

#[test]
fn what_a_crash_left_unfinished_is_cut_off() {
    let folder = Folder::new();
    let path = folder.path("events");
    let zeros = "\0".repeat(200_000);
    let long = format!("{{\"seq\":0}}\n{{\"text\":\"{}", "x".repeat(60_000));
    let cases: [(&str, &str); 6] = [
        ("", ""),
        ("{\"seq\":0}\n", "{\"seq\":0}\n"),
        ("{\"seq\":0}\n{\"se", "{\"seq\":0}\n"),
        ("{\"se", ""),
        (&format!("{{\"seq\":0}}\n{{\"s{zeros}"), "{\"seq\":0}\n"),
        (&long, "{\"seq\":0}\n"),
    ];
    for (found, whole) in cases {
        fs::write(&path, found).unwrap();
        let mut log = open(&path);
        assert_eq!(log.repaired(), u64::try_from(found.len() - whole.len()).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        log.append(&json!({"seq": 1}));
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{whole}{{\"seq\":1}}\n"));
    }
}

#[test]
fn a_file_that_is_not_ours_is_left_as_it_is() {
    let folder = Folder::new();
    let path = folder.path("site.toml");
    let binary = [b"{".as_slice(), &[0xff; 100_000]].concat();
    for text in [b"name = \"site\"".as_slice(), b"\n", &binary] {
        fs::write(&path, text).unwrap();
        let fault = EventLog::open(settings(path.clone(), 1 << 20, 3)).unwrap_err().to_string();
        assert!(fault.contains("site.toml is no event file") && fault.contains("--events"), "{fault}");
        assert_eq!(fs::read(&path).unwrap(), text);
    }
    let fault = EventLog::open(settings(folder.path("none/events"), 1 << 20, 3)).unwrap_err().to_string();
    assert!(fault.contains("none/events"), "{fault}");
    assert!(EventLog::open(settings(folder.0.clone(), 1 << 20, 3)).is_err(), "a folder");
}

#[test]
fn one_file_has_one_writer() {
    let folder = Folder::new();
    let first = open(&folder.path("events"));
    let fault = EventLog::open(settings(folder.path("events"), 1 << 20, 3)).unwrap_err().to_string();
    assert!(fault.contains("another camsentry"), "{fault}");
    first.close();
    open(&folder.path("events")).close();
}

#[test]
fn full_files_are_kept_beside_it_and_no_record_is_lost_before_its_time() {
    let folder = Folder::new();
    let mut log = EventLog::open(settings(folder.path("events"), 1_000, 3)).unwrap();
    for seq in 0..100 {
        log.append(&json!({"seq": seq, "text": "x".repeat(60)}));
    }
    let found = numbers(&folder.records());
    // Of the last records none is missing: 3 full files and what stands in the newest.
    assert_eq!(found, (100 - u64::try_from(found.len()).unwrap()..100).collect::<Vec<_>>());
    assert!(found.len() > 30, "{}", found.len());
    for name in ["events", "events.1", "events.2", "events.3"] {
        assert!(fs::metadata(folder.path(name)).unwrap().len() <= 1_000, "{name}");
    }
    assert!(!folder.path("events.4").exists());
    assert_eq!(log.counts(), SinkCounts { written: 100, lost: 0 });
}

#[test]
fn where_files_cannot_be_renamed_the_file_grows_and_nothing_moves_twice() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("events.1/in-the-way")).unwrap();
    let mut log = EventLog::open(settings(folder.path("events"), 1_000, 1)).unwrap();
    for seq in 0..50 {
        log.append(&json!({"seq": seq, "text": "x".repeat(60)}));
    }
    assert_eq!(numbers(&lines(&folder.path("events"))), (0..50).collect::<Vec<_>>());
    // When the way is free, it rotates again.
    fs::remove_dir_all(folder.path("events.1")).unwrap();
    log.append(&json!({"seq": 50}));
    assert_eq!(numbers(&folder.records()), (0..51).collect::<Vec<_>>());
    assert_eq!(numbers(&lines(&folder.path("events"))), [50]);
}

#[test]
fn a_file_that_logrotate_took_away_is_made_anew() {
    let folder = Folder::new();
    let path = folder.path("events");
    let mut log = open(&path);
    log.append(&json!({"seq": 0}));
    // Renamed, nothing in its place.
    fs::rename(&path, folder.path("old-0")).unwrap();
    log.append(&json!({"seq": 1}));
    // Renamed, an empty file in its place (`create`).
    fs::rename(&path, folder.path("old-1")).unwrap();
    File::create(&path).unwrap();
    log.append(&json!({"seq": 2}));
    // Emptied where it stands (`copytruncate`).
    fs::copy(&path, folder.path("old-2")).unwrap();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    log.append(&json!({"seq": 3}));
    // Deleted.
    fs::remove_file(&path).unwrap();
    log.append(&json!({"seq": 4}));
    for (name, seq) in [("old-0", 0), ("old-1", 1), ("old-2", 2), ("events", 4)] {
        assert_eq!(numbers(&lines(&folder.path(name))), [seq], "{name}");
    }
    assert_eq!(log.counts(), SinkCounts { written: 5, lost: 0 });
}

#[test]
fn a_link_stays_a_link_when_its_file_is_rotated() {
    let folder = Folder::new();
    fs::create_dir(folder.path("disk")).unwrap();
    symlink(folder.path("disk/events"), folder.path("link")).unwrap();
    let mut log = EventLog::open(settings(folder.path("link"), 100, 2)).unwrap();
    for seq in 0..3 {
        log.append(&json!({"seq": seq, "text": "x".repeat(60)}));
    }
    assert_eq!(log.path(), folder.0.canonicalize().unwrap().join("disk/events"));
    assert!(folder.path("disk/events.2").exists() && folder.path("link").is_symlink());
    assert_eq!(numbers(&lines(&folder.path("link"))), [2]);
}

#[test]
fn a_record_that_is_too_long_is_lost_and_said_once() {
    let folder = Folder::new();
    let mut log = open(&folder.path("events"));
    let long = json!({"text": "x".repeat(70_000)});
    let Some(News::Failing(why)) = log.append(&long) else { panic!("not said") };
    assert!(why.contains("too long") && why.contains("events"), "{why}");
    assert_eq!(log.append(&long), None);
    assert_eq!(log.append(&json!({"seq": 0})), Some(News::Resumed(2)));
    assert_eq!(log.append(&json!({"seq": 1})), None);
    assert_eq!(numbers(&folder.records()), [0, 1]);
    assert_eq!(log.counts(), SinkCounts { written: 2, lost: 2 });
}

#[test]
fn a_device_that_is_full_takes_nothing_and_everything_is_counted() {
    let mut log = EventLog::open(settings(PathBuf::from("/dev/full"), 1 << 20, 3)).unwrap();
    for seq in 0..10 {
        log.append(&json!({"seq": seq}));
    }
    assert_eq!(log.close(), SinkCounts { written: 0, lost: 10 });
    let mut log = EventLog::open(settings(PathBuf::from("/dev/null"), 10, 3)).unwrap();
    for seq in 0..10 {
        log.append(&json!({"seq": seq}));
    }
    assert_eq!(log.close(), SinkCounts { written: 10, lost: 0 });
}

/// This test's own program, to run `test` alone with the variable set.
fn again(test: &str, variable: &str, value: &Path) -> Vec<String> {
    let program = env::current_exe().unwrap();
    let set = format!("{variable}={}", value.display());
    ["env", &set, program.to_str().unwrap(), "--exact", test, "--nocapture"].map(str::to_owned).to_vec()
}

#[test]
fn a_full_disk_costs_records_that_are_counted_and_never_a_torn_line() {
    if let Some(place) = env::var_os(FILLER) {
        return fill_and_free(Path::new(&place));
    }
    let folder = Folder::new();
    let test = "a_full_disk_costs_records_that_are_counted_and_never_a_torn_line";
    let run = again(test, FILLER, &folder.0);
    let mount = format!("mount -t tmpfs -o size=256k none {} && exec \"$@\"", folder.0.display());
    let ran = Command::new("unshare").args(["-rm", "sh", "-c", &mount, "sh"]).args(&run).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let why = String::from_utf8_lossy(&ran.stderr).into_owned();
    if said.contains("running 1 test") {
        assert!(ran.status.success() && said.contains("filled"), "{said}{why}");
    } else {
        eprintln!("skipped: no file system of 256 KiB can be made here: {why}");
    }
}

/// In a small file system, 20 times: fills it with something else and with records, makes room, goes on.
#[expect(clippy::print_stdout, reason = "tells the test that it could run")]
fn fill_and_free(place: &Path) {
    let path = place.join("events");
    let mut log = EventLog::open(settings(path.clone(), 64 * 1024, 1)).unwrap();
    let mut kept = Vec::new();
    let mut seq = 0_u64;
    let mut lost = 0;
    for round in 0..20_u64 {
        let ballast = place.join("ballast");
        drop(fs::write(&ballast, vec![7; usize::try_from(150_000 + round * 1_531).unwrap()]));
        let before = log.counts();
        for _ in 0..60 {
            let written = log.counts().written;
            log.append(
                &json!({"seq": seq, "text": "x".repeat(2_000 + usize::try_from(seq % 2_000).unwrap())}),
            );
            if log.counts().written > written {
                kept.push(seq);
            }
            seq += 1;
            // At every moment the files hold whole lines only.
            lines(&path);
        }
        lost += log.counts().lost - before.lost;
        drop(fs::remove_file(&ballast));
        drop(fs::remove_file(place.join("events.1")));
        log.append(&json!({"seq": seq}));
        kept.push(seq);
        seq += 1;
    }
    assert!(lost > 20, "it was full: {lost}");
    assert_eq!(log.counts().written + log.counts().lost, seq);
    let found = numbers(&lines(&path));
    assert_eq!(found, kept[kept.len() - found.len()..], "what counts as written stands there");
    println!("filled {}: {lost} of {seq} records lost", place.display());
}

#[test]
fn killed_at_any_instant_it_leaves_whole_records_each_once() {
    if let Some(path) = env::var_os(WRITER) {
        return write_until_killed(Path::new(&path));
    }
    let folder = Folder::new();
    let path = folder.path("events");
    let run = again("killed_at_any_instant_it_leaves_whole_records_each_once", WRITER, &path);
    let mut known = BTreeSet::new();
    let mut repairs = 0;
    for round in 0..50_u64 {
        let mut child = Command::new(&run[0]);
        child.args(&run[1..]).env(FIRST, (round * 1_000_000).to_string());
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (told, began) = mpsc::channel();
        let said = BufReader::new(child.stdout.take().unwrap());
        let reader = thread::spawn(move || {
            let wrote = |line: String| line.strip_prefix("wrote ")?.strip_suffix('.')?.parse::<u64>().ok();
            said.lines()
                .map_while(Result::ok)
                .filter_map(wrote)
                .inspect(|seq| told.send(*seq).unwrap_or_default())
                .collect()
        });
        began.recv_timeout(Duration::from_secs(60)).unwrap();
        // 0 to 60 ms, in no order.
        thread::sleep(Duration::from_micros(round * 7_919 % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let wrote: Vec<u64> = reader.join().unwrap();
        known.extend(wrote);
        let log = EventLog::open(settings(path.clone(), 128 * 1024, 10_000)).unwrap();
        repairs += u64::from(log.repaired() > 0);
        log.close();
    }
    let found = numbers(&folder.records());
    let distinct: BTreeSet<u64> = found.iter().copied().collect();
    assert_eq!(distinct.len(), found.len(), "no record twice");
    assert!(found.is_sorted(), "in the order of writing");
    // What the writer was told is written, is there; each killing may have hit one that it was not told of.
    assert!(known.is_subset(&distinct), "{:?}", known.difference(&distinct).take(5).collect::<Vec<_>>());
    assert!(distinct.len() - known.len() <= 50, "{} {}", distinct.len(), known.len());
    assert!(found.len() > 100, "{} records in 50 runs", found.len());
    eprintln!("{} records, {repairs} torn ends in 50 killings", found.len());
}

#[expect(clippy::print_stdout, reason = "tells the test what is written")]
fn write_until_killed(path: &Path) {
    let first: u64 = env::var(FIRST).unwrap().parse().unwrap();
    let mut log = EventLog::open(settings(path.to_owned(), 128 * 1024, 10_000)).unwrap();
    for seq in first.. {
        let length = usize::try_from(seq * 7_919 % 40_000).unwrap();
        log.append(&json!({"seq": seq, "text": "x".repeat(length)}));
        println!("wrote {seq}.");
        std::io::stdout().flush().unwrap();
    }
}

/// What [`Watched`] says of a change: at first nothing, since it may not be complete, then its name.
fn noticed(watched: &mut Watched) -> Vec<PathBuf> {
    assert_eq!(watched.changed(), Vec::<PathBuf>::new(), "it may still be written");
    let changed = watched.changed();
    assert_eq!(watched.changed(), Vec::<PathBuf>::new(), "told once");
    changed
}

#[test]
fn every_way_of_replacing_a_file_is_noticed_once_it_is_at_rest() {
    let folder = Folder::new();
    let path = folder.path("site.toml");
    fs::write(&path, "a").unwrap();
    let mut watched = Watched::new([path.clone()]);
    assert_eq!(noticed(&mut watched), Vec::<PathBuf>::new(), "nothing happened");
    // Written in place, at the same length.
    thread::sleep(Duration::from_millis(20));
    fs::write(&path, "b").unwrap();
    assert_eq!(noticed(&mut watched), from_ref(&path));
    // Another one renamed over it.
    fs::write(folder.path("new"), "c").unwrap();
    fs::rename(folder.path("new"), &path).unwrap();
    assert_eq!(noticed(&mut watched), from_ref(&path));
    // Deleted, and made again.
    fs::remove_file(&path).unwrap();
    assert_eq!(noticed(&mut watched), from_ref(&path));
    fs::write(&path, "c").unwrap();
    assert_eq!(noticed(&mut watched), from_ref(&path));
    // Deleted and made again between two looks: the way of vim's backups.
    fs::rename(&path, folder.path("site.toml~")).unwrap();
    fs::write(&path, "c").unwrap();
    assert_eq!(noticed(&mut watched), from_ref(&path));
}

#[test]
fn a_file_with_its_old_times_is_noticed_and_one_that_is_being_written_is_waited_for() {
    let folder = Folder::new();
    let path = folder.path("site.toml");
    fs::write(&path, "a").unwrap();
    let old = fs::metadata(&path).unwrap().modified().unwrap();
    let mut watched = Watched::new([path.clone()]);
    thread::sleep(Duration::from_millis(20));
    fs::write(&path, "b").unwrap();
    File::open(&path).unwrap().set_modified(old).unwrap();
    assert_eq!(noticed(&mut watched), from_ref(&path));
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    for _ in 0..5 {
        file.write_all(b"more").unwrap();
        assert_eq!(watched.changed(), Vec::<PathBuf>::new());
    }
    assert_eq!(watched.changed(), [path]);
}

#[test]
fn a_link_on_the_way_that_leads_elsewhere_is_noticed() {
    // As Kubernetes mounts a ConfigMap: site.toml -> ..data/site.toml, ..data -> a folder with a date.
    let folder = Folder::new();
    for (name, text) in [("..one", "a"), ("..two", "a")] {
        fs::create_dir(folder.path(name)).unwrap();
        fs::write(folder.path(name).join("site.toml"), text).unwrap();
    }
    symlink("..one", folder.path("..data")).unwrap();
    symlink("..data/site.toml", folder.path("site.toml")).unwrap();
    let mut watched = Watched::new([folder.path("site.toml")]);
    symlink("..two", folder.path("..data_tmp")).unwrap();
    fs::rename(folder.path("..data_tmp"), folder.path("..data")).unwrap();
    assert_eq!(noticed(&mut watched), [folder.path("site.toml")]);
}

#[test]
fn a_folder_of_rules_is_watched_by_its_files() {
    let folder = Folder::new();
    let rules = folder.path("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("a.toml"), "a").unwrap();
    let mut watched = Watched::new([rules.clone()]);
    fs::write(rules.join("notes.txt"), "x").unwrap();
    assert_eq!(noticed(&mut watched), Vec::<PathBuf>::new(), "no rule");
    fs::write(rules.join("b.toml"), "b").unwrap();
    assert_eq!(noticed(&mut watched), [rules.join("b.toml")]);
    fs::rename(rules.join("a.toml"), rules.join("c.toml")).unwrap();
    let changed: BTreeSet<PathBuf> = noticed(&mut watched).into_iter().collect();
    assert_eq!(changed, BTreeSet::from([rules.join("a.toml"), rules.join("c.toml")]));
    fs::remove_dir_all(&rules).unwrap();
    assert_eq!(noticed(&mut watched).len(), 2);
}

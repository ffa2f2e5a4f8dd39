//! Folders, names that are wrong, and what is told of them.

use crate::capture::CaptureFault;
use crate::capture::CaptureProblem;
use crate::capture::FrameSource;
use crate::capture::captures::Captures;
use crate::capture::tests::Folder;
use crate::capture::tests::Harvest;
use crate::capture::tests::names;
use crate::capture::tests::small_pcap;
use std::os::unix::fs::symlink;
use std::path::Path;

fn tails(names: &[String]) -> Vec<&str> {
    names.iter().map(|name| Path::new(name).file_name().unwrap().to_str().unwrap()).collect()
}

#[test]
fn a_folder_is_walked_in_name_order_and_tells_what_it_skipped() {
    let folder = Folder::new("walk");
    folder.write("b.pcap", &small_pcap(&[1]));
    folder.write("a/z.pcap.zst", &zstd::encode_all(small_pcap(&[1, 1]).as_slice(), 1).unwrap());
    folder.write("a/notes.txt", b"cameras");
    folder.write("a/notes.zst", &zstd::encode_all(b"cameras".as_slice(), 1).unwrap());
    folder.write("a/blank.pcap", b"");
    folder.write("c/deep/er/c.anything", &small_pcap(&[1, 1, 1]));
    symlink(&folder.0, folder.0.join("c/loop")).unwrap();
    symlink(folder.0.join("b.pcap"), folder.0.join("d.pcap")).unwrap();
    let mut captures = Captures::open(&names(std::slice::from_ref(&folder.0)));
    let harvest = Harvest::of(&mut captures);
    assert_eq!(harvest.faults, []);
    let read: Vec<String> = captures.files().iter().map(|file| file.name.clone()).collect();
    assert_eq!(tails(&read), ["z.pcap.zst", "b.pcap", "c.anything", "d.pcap"]);
    let packets: Vec<u64> = captures.files().iter().map(|file| file.packets).collect();
    assert_eq!(packets, [2, 1, 3, 1]);
    assert_eq!(tails(captures.skipped()), ["blank.pcap", "notes.txt", "notes.zst", "loop"]);
    assert_eq!(captures.skipped_count(), 4);
    assert_eq!(captures.total(), Some(captures.consumed()));
}

#[test]
fn what_gives_nothing_is_told() {
    let folder = Folder::new("nothing");
    let only_text = folder.write("text/notes.txt", b"cameras").parent().unwrap().to_owned();
    let blank = folder.write("blank.pcap", b"");
    let text = folder.write("cameras.csv", b"name,addr\n");
    let header_only = folder.write("header.pcap", small_pcap(&[]).as_slice());
    let missing = folder.0.join("missing.pcap");
    let paths = [only_text, blank, text, header_only, missing];
    let mut captures = Captures::open(&names(&paths));
    assert!(Harvest::of(&mut captures).frames.is_empty());
    let expected = [
        CaptureProblem::EmptyFolder,
        CaptureProblem::Empty,
        CaptureProblem::NotACapture("6e 61 6d 65 2c 61 64 64".to_owned()),
        CaptureProblem::Empty,
        CaptureProblem::Io("No such file or directory (os error 2)".to_owned()),
    ];
    let faults = names(&paths).into_iter().zip(expected);
    let faults: Vec<CaptureFault> = faults.map(|(path, problem)| CaptureFault { path, problem }).collect();
    assert_eq!(captures.faults(), faults);
}

#[test]
fn a_pipe_in_a_folder_is_never_opened() {
    let folder = Folder::new("pipe");
    folder.write("a.pcap", &small_pcap(&[1]));
    let made = std::process::Command::new("mkfifo").arg(folder.0.join("pipe")).status().unwrap();
    assert!(made.success());
    let mut captures = Captures::open(&names(std::slice::from_ref(&folder.0)));
    assert_eq!(Harvest::of(&mut captures).frames.len(), 1);
    assert_eq!(tails(captures.skipped()), ["pipe"]);
}

#[test]
fn captures_can_be_read_on_a_thread_of_their_own() {
    let folder = Folder::new("thread");
    let path = folder.write("a.pcap.zst", &zstd::encode_all(small_pcap(&[1, 2]).as_slice(), 1).unwrap());
    let mut captures = Captures::open(&names(&[path]));
    let reader = std::thread::spawn(move || Harvest::of(&mut captures).frames.len());
    assert_eq!(reader.join().unwrap(), 2);
}

//! `--write-site`: a first site file, never over another one, and usable as it is.

use std::fs;

use crate::program::Scratch;
use crate::program::Subject;
use crate::program::camsentry;
use crate::program::subjects;

#[test]
fn a_site_file_is_never_overwritten() {
    let scratch = Scratch::new();
    let draft = scratch.path("site.toml");
    fs::write(&draft, "precious").unwrap();
    let capture = "fixtures/captures/demo/capture.pcap";
    let ran = camsentry(["check", "--write-site", &draft, capture]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8(ran.stderr).unwrap().contains("exists"));
    assert_eq!(fs::read_to_string(&draft).unwrap(), "precious");
}

#[test]
fn the_draft_of_every_capture_is_usable_as_a_site_file() {
    for subject in subjects() {
        let scratch = Scratch::new();
        let draft = scratch.path("draft.toml");
        let unknown = Subject { capture: subject.capture.clone(), site: None };
        unknown.check(&["--write-site", &draft]);
        let known = Subject { capture: subject.capture, site: Some(draft) };
        let ran = known.check(&[]);
        let said = String::from_utf8_lossy(&ran.stderr);
        // A capture that is cut ends with 2 whatever the site file says.
        let is_cut = known.capture.contains("truncated_tls");
        // Nor can a site be made of a capture that shows hosts of the internet alone.
        let is_cut = is_cut || said.contains("nothing was judged");
        assert!(is_cut || matches!(ran.status.code(), Some(0 | 1)), "{}: {said}", known.capture);
        assert!(!said.contains("error"), "{}: {said}", known.capture);
    }
}

#[test]
fn without_a_site_file_nothing_is_said_to_conform() {
    for subject in subjects() {
        let unknown = Subject { capture: subject.capture, site: None };
        let report = String::from_utf8(unknown.check(&[]).stdout).unwrap();
        assert!(report.contains("no site file"), "{}", unknown.capture);
        assert!(!report.contains("\nCONFORMS"), "{}", unknown.capture);
    }
}

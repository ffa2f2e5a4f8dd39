//! The same capture gives the same octets for any number of workers.

use std::fs;

use crate::program::Scratch;
use crate::program::Subject;
use crate::program::subjects;

struct Printed {
    json: Vec<u8>,
    flows: Vec<u8>,
    text: Vec<u8>,
}

fn printed(subject: &Subject, workers: &str) -> Printed {
    let scratch = Scratch::new();
    let flows = scratch.path("flows");
    let json = subject.check(&["--workers", workers, "--format", "json", "--flows", &flows]).stdout;
    let text = subject.check(&["--workers", workers]).stdout;
    Printed { json, flows: fs::read(flows).unwrap(), text }
}

#[test]
fn one_two_and_four_workers_print_the_same() {
    for subject in subjects() {
        let alone = printed(&subject, "1");
        assert!(!alone.json.is_empty() && !alone.text.is_empty(), "{}", subject.capture);
        for workers in ["2", "4"] {
            let together = printed(&subject, workers);
            // Not assert_eq: the octets of a flow log would fill the terminal.
            assert!(alone.json == together.json, "{}: JSON with {workers} workers", subject.capture);
            assert!(alone.flows == together.flows, "{}: flows with {workers} workers", subject.capture);
            assert!(alone.text == together.text, "{}: text with {workers} workers", subject.capture);
        }
    }
}

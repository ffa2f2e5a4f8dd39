//! Arbitrary text as a rule pack: a pack, or faults that stand where the text is and can be drawn.

use camsentry::policy::diagnostic::Diagnostic;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::diagnostic::render_all;
use camsentry::policy::example::read_examples;
use camsentry::policy::file::read_pack;
use camsentry::policy::lint::lint_packs;

use crate::cost::Budget;
use crate::cost::within;

const BUDGET: Budget = Budget { octets: 4 << 20, octets_each: 1 << 14, micros_each: 200 };

/// The target.
pub fn run(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else { return };
    let source = SourceText { name: "made.toml".to_owned(), text: text.to_owned() };
    within(BUDGET, octets.len(), || {
        match read_pack(&source) {
            Ok(file) => draw(&lint_packs(std::slice::from_ref(&file)), &source),
            Err(faults) => {
                assert!(!faults.is_empty(), "refused without a fault");
                draw(&faults, &source);
            }
        }
        if let Err(faults) = read_examples(&source) {
            draw(&faults, &source);
        }
    });
}

/// Draws faults and checks where they stand.
pub fn draw(faults: &[Diagnostic], source: &SourceText) {
    for fault in faults {
        assert!(fault.span.start <= fault.span.end && fault.span.end <= source.text.len(), "{fault:?}");
        assert!(source.text.is_char_boundary(fault.span.start), "{fault:?}");
        assert!(source.text.is_char_boundary(fault.span.end), "{fault:?}");
        let (line, column) = fault.position(source);
        assert!(line > 0 && column > 0);
    }
    let drawn = render_all(faults, std::slice::from_ref(source), false);
    assert_eq!(drawn.is_empty(), faults.is_empty());
    let raw = drawn.chars().find(|letter| letter.is_control() && *letter != '\n');
    assert_eq!(raw, None, "a control character of the file reaches the terminal");
}

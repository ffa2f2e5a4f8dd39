//! Port numbers as operators and packs write them: `80`, `80, 443`, `9001-9099`, `named`, `any`.

use std::ops::Range;
use std::ops::RangeInclusive;

use toml::Spanned;

use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::rule::PortSet;
use crate::policy::rule::Ports;

/// The ports of a rule: numbers and ranges, or one of the words `named` and `any`.
pub fn parse_ports(
    source: &SourceText,
    text: &Spanned<String>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Ports> {
    match text.get_ref().trim() {
        "named" => Some(Ports::Named),
        "any" => Some(Ports::Any),
        _ => parse_port_set(source, text, faults).map(Ports::Set),
    }
}

/// Numbers and ranges, separated by commas. Every bad piece is a fault of its own.
pub fn parse_port_set(
    source: &SourceText,
    text: &Spanned<String>,
    faults: &mut Vec<Diagnostic>,
) -> Option<PortSet> {
    let mut ranges = Vec::new();
    let mut clean = true;
    let mut offset = 0_usize;
    for piece in text.get_ref().split(',') {
        let inner = offset..offset.saturating_add(piece.len());
        offset = inner.end.saturating_add(1);
        match parse_range(piece.trim()) {
            Ok(range) => ranges.push(range),
            Err(fault) => {
                clean = false;
                let span = place_of(source, text, inner);
                faults.push(Diagnostic::error(source, span, fault.message, fault.label, Some(fault.help)));
            }
        }
    }
    clean.then(|| port_set(ranges))
}

/// The set of these ranges: in ascending order, those that overlap joined.
pub fn port_set(mut ranges: Vec<RangeInclusive<u16>>) -> PortSet {
    ranges.sort_by_key(|range| *range.start());
    let mut joined: Vec<RangeInclusive<u16>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start() <= last.end() => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => joined.push(range),
        }
    }
    PortSet(joined)
}

struct PortFault {
    message: String,
    label: String,
    help: String,
}

fn parse_range(piece: &str) -> Result<RangeInclusive<u16>, PortFault> {
    let Some((first, last)) = piece.split_once('-') else {
        let port = parse_port(piece)?;
        return Ok(port..=port);
    };
    let (first, last) = (parse_port(first.trim())?, parse_port(last.trim())?);
    if first > last {
        return Err(PortFault {
            message: format!("port range {first}-{last} ends before it begins"),
            label: "reversed range".to_owned(),
            help: format!("write it so: {last}-{first}"),
        });
    }
    Ok(first..=last)
}

fn parse_port(text: &str) -> Result<u16, PortFault> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 && text.bytes().all(|octet| octet.is_ascii_digit()) => Ok(port),
        _ => Err(PortFault {
            message: format!("`{text}` is no port"),
            label: "not a port number".to_owned(),
            help: "ports are 1 to 65535: `80`, `80, 443`, `9001-9099`; or `named`, `any` in a rule"
                .to_owned(),
        }),
    }
}

/// The octets of the file that hold `inner` of a quoted text; of the whole text where it has escapes.
fn place_of(source: &SourceText, text: &Spanned<String>, inner: Range<usize>) -> Range<usize> {
    let start = text.span().start.saturating_add(1);
    let exact = start.saturating_add(inner.start)..start.saturating_add(inner.end);
    match (source.text.get(exact.clone()), text.get_ref().get(inner)) {
        (Some(written), Some(read)) if written == read && !read.is_empty() => exact,
        _ => text.span(),
    }
}

#[cfg(test)]
mod tests {
    use toml::Spanned;

    use super::parse_ports;
    use crate::policy::diagnostic::Diagnostic;
    use crate::policy::diagnostic::SourceText;
    use crate::policy::rule::Ports;

    fn read(text: &str) -> (Option<Ports>, Vec<Diagnostic>, SourceText) {
        let source = SourceText { name: "test.toml".to_owned(), text: format!("ports = \"{text}\"") };
        let mut faults = Vec::new();
        let end = source.text.len();
        let ports = parse_ports(&source, &Spanned::new(8..end, text.to_owned()), &mut faults);
        (ports, faults, source)
    }

    #[test]
    fn ranges_that_overlap_are_joined_in_ascending_order() {
        let (Some(Ports::Set(set)), faults, _) = read("9002-9005, 80, 9001-9003, 9006") else {
            panic!("a set")
        };
        assert_eq!(set.to_string(), "80, 9001-9005, 9006");
        assert!(faults.is_empty());
    }

    #[test]
    fn the_words_are_known() {
        assert_eq!(read("named").0, Some(Ports::Named));
        assert_eq!(read("any").0, Some(Ports::Any));
    }

    #[test]
    fn every_bad_piece_is_a_fault_at_its_own_place() {
        let (ports, faults, source) = read("0, 80, 70000, 99-9, +5");
        assert_eq!(ports, None);
        let places: Vec<usize> = faults.iter().map(|fault| fault.position(&source).1).collect();
        assert_eq!(places, [10, 16, 23, 29]);
        assert!(faults.get(2).unwrap().help.as_deref().unwrap().contains("9-99"));
    }
}

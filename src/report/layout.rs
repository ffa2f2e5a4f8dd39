//! Paper for reports: colours if it is a terminal, wrapped lines, aligned columns, readable numbers.

use crate::time::Timestamp;
use crate::time::civil;
use crate::verdict::Severity;

/// Line width of reports, in characters.
pub const WIDTH: usize = 110;

/// A text that grows line by line.
#[derive(Debug)]
pub struct Page {
    text: String,
    colour: bool,
}

impl Page {
    /// An empty page, with colours if `colour`.
    pub fn new(colour: bool) -> Self {
        Self { text: String::new(), colour }
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.text
    }

    /// A line as it is.
    pub fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// A heading.
    pub fn heading(&mut self, text: &str) {
        let text = self.bold(text);
        self.line(&text);
    }

    /// Words behind an indentation, wrapped; continued lines are indented as deep.
    pub fn wrapped(&mut self, indent: usize, text: &str) {
        let space = " ".repeat(indent);
        for line in wrap(text, WIDTH.saturating_sub(indent)) {
            self.line(&format!("{space}{line}"));
        }
    }

    /// Rows in columns as wide as their widest cell; the columns of `right` are flush right.
    pub fn table(&mut self, indent: usize, right: &[usize], rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in rows {
            let mut line = " ".repeat(indent);
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let space = " ".repeat(width.saturating_sub(cell.chars().count()));
                if right.contains(&column) {
                    line.push_str(&space);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&space);
                }
                line.push_str("  ");
            }
            self.line(&line);
        }
    }

    /// Bold on a terminal.
    pub fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// In the colour of a severity on a terminal.
    pub fn by_severity(&self, severity: Severity, text: &str) -> String {
        let code = match severity {
            Severity::Critical => "1;31",
            Severity::High => "31",
            Severity::Medium => "33",
            Severity::Low => "36",
            Severity::Info => "2",
        };
        self.paint(code, text)
    }

    /// Good news in green on a terminal.
    pub fn good(&self, text: &str) -> String {
        self.paint("1;32", text)
    }

    /// Secondary facts, dim on a terminal.
    pub fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Lines of at most `width` characters, broken at spaces.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = line.chars().count().saturating_add(word.chars().count()).saturating_add(1);
        if !line.is_empty() && length > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// `1 packet`, `12 345 packets`.
pub fn counted(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(count))
}

/// A number with its thousands apart: `1 234 567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Octets in decimal units: `532 B`, `1.2 kB`, `3.4 MB`.
pub fn octets(count: u64) -> String {
    if count < 1000 {
        return format!("{count} B");
    }
    let mut tenths = count / 100;
    let mut unit = "kB";
    for larger in ["MB", "GB", "TB", "PB"] {
        if tenths < 10_000 {
            break;
        }
        tenths /= 1000;
        unit = larger;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Date and time in UTC, to the second: `2026-11-22 04:29:00 UTC`.
pub fn moment(time: Timestamp) -> String {
    let seconds = time.nanos().div_euclid(1_000_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02} UTC", second % 60)
}

/// A span in words: `3 s`, `12 min 31 s`, `2 h 5 min`, `3 d 4 h`.
pub fn lasting(nanos: u64) -> String {
    let seconds = nanos / 1_000_000_000;
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, 0) => format!("{} ms", nanos / 1_000_000),
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        // `date -u -d @N` gives the same.
        assert_eq!(moment(Timestamp::from_parts(0, 0)), "1970-01-01 00:00:00 UTC");
        assert_eq!(moment(Timestamp::from_parts(951_782_400, 0)), "2000-02-29 00:00:00 UTC");
        assert_eq!(moment(Timestamp::from_parts(1_700_000_000, 0)), "2023-11-14 22:13:20 UTC");
        assert_eq!(moment(Timestamp::from_parts(-1, 0)), "1969-12-31 23:59:59 UTC");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(octets(999), "999 B");
        assert_eq!(octets(1_000), "1.0 kB");
        assert_eq!(octets(3_449_999), "3.4 MB");
        assert_eq!(lasting(751_000_000_000), "12 min 31 s");
        assert_eq!(lasting(273_600_000_000_000), "3 d 4 h");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 3), ["unbreakable"]);
    }
}

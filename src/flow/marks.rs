//! Answers of yes and no in an octet: eight, or four and a small count.

/// Answers, by the bit of each; all are no at first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Marks(u8);

impl Marks {
    /// The answer of `mark`, one bit.
    #[inline]
    pub(super) const fn has(self, mark: u8) -> bool {
        self.0 & mark != 0
    }

    /// Sets the answers of the bits in `mark`.
    #[inline]
    pub(super) const fn set(&mut self, mark: u8, answer: bool) {
        self.0 = if answer { self.0 | mark } else { self.0 & !mark };
    }

    /// Answers yes to the bits in `mark`, if `answer` is yes.
    #[inline]
    pub(super) const fn note(&mut self, mark: u8, answer: bool) {
        if answer {
            self.0 |= mark;
        }
    }
}

/// Where a count stands, beside four answers.
const COUNT: u32 = 4;

impl Marks {
    /// The count in the bits above those of four answers.
    pub(super) const fn count(self) -> u8 {
        self.0 >> COUNT
    }

    /// Sets the count, fifteen at most.
    pub(super) const fn set_count(&mut self, count: u8) {
        let least = if count < 0xf { count } else { 0xf };
        self.0 = self.0 & 0xf | least << COUNT;
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;

    #[test]
    fn each_answer_is_its_own() {
        let mut marks = Marks::default();
        marks.set(1, true);
        marks.note(4, true);
        marks.note(1, false);
        assert_eq!([1, 2, 4].map(|mark| marks.has(mark)), [true, false, true]);
        marks.set_count(8);
        assert_eq!((marks.count(), marks.has(4), marks.has(2)), (8, true, false));
        marks.set_count(0);
        marks.set(1, false);
        assert_eq!([1, 2, 4].map(|mark| marks.has(mark)), [false, false, true]);
    }
}

//! The first history letters of a flow, in one word.

use crate::flow::facts::History;

/// Bits of a letter.
const BITS: u32 = 6;
/// Most letters; the rest of the sixteen that [`History`] has room for are kept elsewhere.
const MOST: u32 = 10;
/// The lowest bit of each letter.
const LOWEST: u64 = 0x0041_0410_4104_1041;
/// The highest bit of each letter.
const HIGHEST: u64 = LOWEST << (BITS - 1);
/// What letters have in common, and `^` with them: six bits tell them apart.
const COMMON: u8 = 0x40;

/// Up to ten letters, the first in the lowest bits; behind the last one all bits are 0.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Letters(u64);

impl Letters {
    /// The first letters of a history, and the others.
    pub(super) fn of(history: &History) -> (Self, &[u8]) {
        let letters = history.as_str().as_bytes();
        let mut first = Self::default();
        let count = letters.iter().take_while(|letter| first.add(**letter)).count();
        (first, letters.get(count..).unwrap_or_default())
    }

    /// Whether a letter is there.
    #[inline]
    pub(super) fn has(self, letter: u8) -> bool {
        // A letter that is the same everywhere, and so 0 where the word has it; borrowing from zeros only,
        // the difference turns up a highest bit that was down (as Mycroft's test for a zero octet does).
        let rest = self.0 ^ LOWEST.wrapping_mul(u64::from(letter & !COMMON));
        rest.wrapping_sub(LOWEST) & !rest & HIGHEST != 0
    }

    /// Adds a letter that is not there, unless the word is full: then false.
    pub(super) fn add(&mut self, letter: u8) -> bool {
        let end = self.end();
        if end < MOST.saturating_mul(BITS) {
            self.0 |= u64::from(letter & !COMMON) << end;
            return true;
        }
        false
    }

    /// Whether there are none.
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The letters, and `more` behind them.
    pub(super) fn history(self, more: &[u8]) -> History {
        let mut history = History::default();
        let mut word = self.0;
        while word != 0 {
            let [.., letter] = word.to_be_bytes();
            history.add(letter & !(COMMON | 0x80) | COMMON);
            word >>= BITS;
        }
        more.iter().take_while(|letter| **letter != 0).for_each(|letter| history.add(*letter));
        history
    }

    /// Where the next letter goes: no letter is 0.
    fn end(self) -> u32 {
        u64::BITS.saturating_sub(self.0.leading_zeros()).next_multiple_of(BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::Letters;
    use crate::flow::facts::History;

    #[test]
    fn letters_are_those_of_a_history() {
        let (mut letters, mut history) = (Letters::default(), History::default());
        let mut more = Vec::new();
        for letter in *b"ShADadFfRrGgTtCc^H" {
            assert!(!letters.has(letter), "{letter}");
            assert_eq!(letters.history(&more), history);
            history.add(letter);
            if more.len() < 6 && !letters.add(letter) {
                more.push(letter);
            }
            let first = history.as_str().as_bytes().iter().take(10);
            assert!(first.clone().all(|letter| letters.has(*letter)));
            let others = (b'A'..=b'z').filter(|other| first.clone().all(|letter| letter != other));
            assert!(others.filter(|other| other & 0x3f != 0).all(|other| !letters.has(other)), "{history:?}");
        }
        assert_eq!(history.as_str(), "ShADadFfRrGgTtCc");
        assert_eq!(Letters::of(&history), (letters, b"GgTtCc".as_slice()));
    }
}

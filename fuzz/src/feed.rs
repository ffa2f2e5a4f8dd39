//! Turns the fuzzer's octets into decisions. When they are used up every decision is 0.

/// What is left of the octets.
#[derive(Clone, Copy, Debug)]
pub struct Feed<'a>(pub &'a [u8]);

impl<'a> Feed<'a> {
    /// Whether all is used up.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One octet.
    pub fn u8(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Two octets.
    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    /// Four octets.
    pub fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    /// Yes or no.
    pub fn flag(&mut self) -> bool {
        self.u8() & 1 == 1
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::from(self.u8()) % list.len()]
    }

    /// Up to so many octets.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A text of up to 255 octets, with whatever is in it that UTF-8 allows.
    pub fn text(&mut self) -> String {
        let count = usize::from(self.u8());
        String::from_utf8_lossy(self.take(count)).into_owned()
    }
}

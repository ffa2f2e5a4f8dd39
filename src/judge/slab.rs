//! Many small things of one size, each found by its place, in chunks that are given back when they are
//! empty: at the end of a run, when flow after flow is closed, others want that memory. Each thing has a link
//! to another one, for who keeps them in chains.

/// Things in a chunk.
const CHUNK: usize = 4096;

/// The things. A place is used again when what was there is gone.
#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    /// Chunks with room.
    open: Vec<usize>,
}

#[derive(Debug)]
struct Chunk<T> {
    things: Vec<T>,
    links: Vec<u32>,
    /// Where things were that are gone.
    free: Vec<u16>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), open: Vec::new() }
    }
}

impl<T> Default for Chunk<T> {
    fn default() -> Self {
        Self { things: Vec::new(), links: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Puts a thing somewhere: its place.
    pub(super) fn add(&mut self, thing: T) -> usize {
        let number = match self.open.last() {
            Some(number) => *number,
            None => {
                self.chunks.push(Chunk::default());
                let number = self.chunks.len().saturating_sub(1);
                self.open.push(number);
                number
            }
        };
        let Some(chunk) = self.chunks.get_mut(number) else { return usize::MAX };
        let within = chunk.add(thing);
        if chunk.free.is_empty() && chunk.things.len() >= CHUNK {
            self.open.pop();
        }
        number.saturating_mul(CHUNK).saturating_add(within)
    }

    /// What is, or lately was, at `place`.
    pub(super) fn get(&self, place: usize) -> Option<&T> {
        self.chunks.get(place / CHUNK)?.things.get(place % CHUNK)
    }

    /// As [`Slab::get`], to change it.
    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.chunks.get_mut(place / CHUNK)?.things.get_mut(place % CHUNK)
    }

    /// All that is, or lately was, anywhere, to change it.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.chunks.iter_mut().flat_map(|chunk| &mut chunk.things)
    }

    /// The link of the thing at `place`: 0 until it is set.
    pub(super) fn link(&self, place: usize) -> u32 {
        let chunk = self.chunks.get(place / CHUNK);
        chunk.and_then(|chunk| chunk.links.get(place % CHUNK)).copied().unwrap_or(0)
    }

    /// The same, to change it.
    pub(super) fn link_mut(&mut self, place: usize) -> Option<&mut u32> {
        self.chunks.get_mut(place / CHUNK)?.links.get_mut(place % CHUNK)
    }

    /// Lets `place` be used again; nothing of worth may be there any more.
    pub(super) fn free(&mut self, place: usize) {
        let (number, within) = (place / CHUNK, u16::try_from(place % CHUNK));
        let (Some(chunk), Ok(within)) = (self.chunks.get_mut(number), within) else { return };
        if chunk.free.is_empty() && chunk.things.len() >= CHUNK {
            self.open.push(number);
        }
        chunk.free.push(within);
        // The last one with room stays, lest flows that come one at a time each want a chunk.
        if chunk.free.len() == chunk.things.len() && self.open.len() > 1 {
            *chunk = Chunk::default();
        }
    }
}

impl<T> Chunk<T> {
    fn add(&mut self, thing: T) -> usize {
        if let Some(within) = self.free.pop()
            && let Some(held) = self.things.get_mut(usize::from(within))
        {
            *held = thing;
            if let Some(link) = self.links.get_mut(usize::from(within)) {
                *link = 0;
            }
            return usize::from(within);
        }
        if self.things.capacity() == 0 {
            self.things.reserve_exact(CHUNK);
            self.links.reserve_exact(CHUNK);
        }
        self.things.push(thing);
        self.links.push(0);
        self.things.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::CHUNK;
    use super::Slab;

    #[test]
    fn places_are_used_again_and_empty_chunks_are_given_back() {
        let mut slab = Slab::default();
        let places: Vec<usize> = (0..CHUNK.saturating_mul(2)).map(|number| slab.add(number)).collect();
        assert!(places.iter().enumerate().all(|(number, place)| slab.get(*place) == Some(&number)));
        slab.free(7);
        assert_eq!((slab.add(70), slab.get(7)), (7, Some(&70)));
        slab.free(CHUNK);
        places.iter().take(CHUNK).for_each(|place| slab.free(*place));
        assert_eq!((slab.get(7), slab.get(CHUNK.saturating_add(1))), (None, Some(&CHUNK.saturating_add(1))));
        let again: Vec<usize> = (0..=CHUNK).map(|number| slab.add(number)).collect();
        assert!(again.iter().all(|place| *place <= CHUNK));
        assert_eq!(slab.add(1), CHUNK.saturating_mul(2));
    }

    #[test]
    fn a_chunk_that_is_not_full_is_filled_first() {
        let mut slab = Slab::default();
        assert_eq!([slab.add('a'), slab.add('b')], [0, 1]);
        slab.free(0);
        slab.free(1);
        assert_eq!([slab.add('c'), slab.add('d')], [1, 0]);
        assert_eq!((slab.get(0), slab.get(1)), (Some(&'d'), Some(&'c')));
    }
}

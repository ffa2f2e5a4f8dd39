//! The nearest known word to one that is not known: what turns "unknown role" into a fix.

/// Most characters of a word that are compared; a longer one gets no suggestion.
const MOST_CHARACTERS: usize = 64;

/// A common beginning of this many characters makes a word near, whatever its end: `recorder` and
/// `recording-server`.
const TELLING_BEGINNING: usize = 4;

/// The known word that is nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    if word.is_empty() || word.chars().count() > MOST_CHARACTERS {
        return None;
    }
    let word = word.to_lowercase().replace(['_', ' '], "-");
    let allowed = (word.chars().count() / 3).max(1);
    let by_distance = known
        .iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance);
    let by_beginning = || {
        known
            .iter()
            .map(|candidate| (common_beginning(&word, &candidate.to_lowercase()), *candidate))
            .filter(|(length, _)| *length >= TELLING_BEGINNING)
            // The first of the longest, so that the order of the list decides.
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
    };
    by_distance.or_else(by_beginning).map(|(_, candidate)| candidate)
}

/// The way out for an unknown word: the nearest known one, or else all of them.
pub fn way_out(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none to choose from".to_owned(),
        None => format!("known are: {}", known.join(", ")),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`
/// (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let other: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut left: Option<char> = None;
    for (row, mine) in a.chars().enumerate() {
        let mut this = vec![row.saturating_add(1)];
        for (column, theirs) in other.iter().enumerate() {
            let at = |line: &[usize], back: usize| {
                column.saturating_add(1).checked_sub(back).and_then(|index| line.get(index)).copied()
            };
            let replaced = at(&last, 1).unwrap_or(usize::MAX).saturating_add(usize::from(mine != *theirs));
            let removed = at(&last, 0).unwrap_or(usize::MAX).saturating_add(1);
            let added = at(&this, 1).unwrap_or(usize::MAX).saturating_add(1);
            let neighbour = column.checked_sub(1).and_then(|index| other.get(index)).copied();
            let swapped = if left == Some(*theirs) && neighbour == Some(mine) {
                at(&before, 2).unwrap_or(usize::MAX).saturating_add(1)
            } else {
                usize::MAX
            };
            this.push(replaced.min(removed).min(added).min(swapped));
        }
        left = Some(mine);
        before = std::mem::replace(&mut last, this);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

fn common_beginning(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(mine, theirs)| mine == theirs).count()
}

#[cfg(test)]
mod tests {
    use super::distance;
    use super::nearest;
    use super::way_out;

    const ROLES: &[&str] = &["camera", "recording-server", "smart-client", "management-server"];

    #[test]
    fn a_slip_of_the_keys_is_found() {
        assert_eq!(nearest("camrea", ROLES), Some("camera"));
        assert_eq!(nearest("smart_client", ROLES), Some("smart-client"));
        assert_eq!(nearest("managment-server", ROLES), Some("management-server"));
    }

    #[test]
    fn another_name_of_the_same_thing_is_found_by_its_beginning() {
        assert_eq!(nearest("recorder", ROLES), Some("recording-server"));
    }

    #[test]
    fn a_foreign_word_lists_what_is_known() {
        assert_eq!(nearest("toaster", ROLES), None);
        assert!(way_out("toaster", ROLES).contains("camera, recording-server"));
    }

    #[test]
    fn a_swap_of_neighbours_counts_once() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}

//! What a client asks for: the query of a URL, read strictly, because a filter that was misspelt and left
//! out would show too much or too little without a word.

use crate::inventory::role::RoleSet;
use crate::inventory::role::roles_named;
use crate::verdict::Reason;
use crate::verdict::Severity;

/// How many are shown if the client says nothing.
pub const USUAL: usize = 100;

/// Most that are shown. A violation is about 1.5 kB of JSON: 1.5 MB.
pub const MOST: usize = 1_000;

/// Whether a violation still goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Seen within the quiet time.
    Open,
    /// Quiet since.
    Closed,
}

/// Which violations. Each filter that is given must fit; in each, any of its words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ViolationsAsked {
    /// In this state; in any if `None`.
    pub state: Option<State>,
    /// Of one of these severities; of any if empty.
    pub severities: Vec<Severity>,
    /// For one of these reasons; for any if empty.
    pub reasons: Vec<Reason>,
    /// One end has one of these roles; any roles if empty.
    pub roles: RoleSet,
    /// How many are shown at most.
    pub limit: usize,
}

/// Which hosts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointsAsked {
    /// With one of these roles; any if empty.
    pub roles: RoleSet,
    /// How many are shown at most.
    pub limit: usize,
}

impl ViolationsAsked {
    /// Reads the pairs of a query.
    ///
    /// # Errors
    ///
    /// A sentence that names the parameter and what it takes.
    pub fn read(query: &[(String, String)]) -> Result<Self, String> {
        let query = Query::of(query, &["state", "severity", "reason", "role", "limit"])?;
        let state = match query.text("state") {
            None => None,
            Some("open") => Some(State::Open),
            Some("closed") => Some(State::Closed),
            Some(_) => return Err("state is open or closed".to_owned()),
        };
        Ok(Self {
            state,
            severities: query.words("severity", Severity::parse)?,
            reasons: query.words("reason", Reason::parse)?,
            roles: query.roles()?,
            limit: query.limit()?,
        })
    }

    /// Whether a violation in this state, with this severity and reason, between ends with these roles is
    /// asked for.
    pub fn takes(&self, state: State, severity: Severity, reason: Reason, ends: RoleSet) -> bool {
        self.state.is_none_or(|asked| asked == state)
            && (self.severities.is_empty() || self.severities.contains(&severity))
            && (self.reasons.is_empty() || self.reasons.contains(&reason))
            && (self.roles.is_empty() || self.roles.meets(ends))
    }
}

impl EndpointsAsked {
    /// Reads the pairs of a query.
    ///
    /// # Errors
    ///
    /// A sentence that names the parameter and what it takes.
    pub fn read(query: &[(String, String)]) -> Result<Self, String> {
        let query = Query::of(query, &["role", "limit"])?;
        Ok(Self { roles: query.roles()?, limit: query.limit()? })
    }

    /// Whether a host with these roles is asked for.
    pub const fn takes(&self, roles: RoleSet) -> bool {
        self.roles.is_empty() || self.roles.meets(roles)
    }
}

/// Pairs of which every name is known and stands once.
struct Query<'a>(&'a [(String, String)]);

impl<'a> Query<'a> {
    fn of(pairs: &'a [(String, String)], names: &[&str]) -> Result<Self, String> {
        for (index, (name, _)) in pairs.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                return Err(format!("unknown parameter; this takes {}", names.join(", ")));
            }
            if pairs.iter().take(index).any(|(before, _)| before == name) {
                return Err(format!("{name} stands twice; several words are separated by commas"));
            }
        }
        Ok(Self(pairs))
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn words<T>(&self, name: &str, parse: fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
        let words = self.text(name).into_iter().flat_map(|text| text.split(','));
        words.map(|word| parse(word).ok_or_else(|| unknown(name))).collect()
    }

    fn roles(&self) -> Result<RoleSet, String> {
        let sets = self.words("role", roles_named)?;
        Ok(sets.into_iter().fold(RoleSet::EMPTY, RoleSet::union))
    }

    fn limit(&self) -> Result<usize, String> {
        match self.text("limit").map(str::parse::<usize>) {
            None => Ok(USUAL),
            Some(Ok(limit)) if limit > 0 => Ok(limit.min(MOST)),
            Some(_) => Err(format!("limit is a number from 1; at most {MOST} are shown")),
        }
    }
}

// The word itself is not repeated: what a client sent does not belong in an answer.
fn unknown(name: &str) -> String {
    let words = match name {
        "severity" => Severity::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", "),
        "reason" => Reason::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", "),
        _ => "the roles and groups of the rules".to_owned(),
    };
    format!("unknown word in {name}; it takes {words}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::role::Role;

    fn violations(pairs: &[(&str, &str)]) -> Result<ViolationsAsked, String> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ViolationsAsked::read(&pairs)
    }

    #[test]
    fn nothing_asked_means_everything_up_to_the_usual_limit() {
        let asked = violations(&[]).unwrap();
        assert_eq!(asked.limit, USUAL);
        assert!(asked.takes(State::Closed, Severity::Info, Reason::Sweep, RoleSet::EMPTY));
    }

    #[test]
    fn every_filter_must_fit_and_in_each_one_word_is_enough() {
        let asked =
            violations(&[("state", "open"), ("severity", "high,critical"), ("role", "camera")]).unwrap();
        let ends = RoleSet::of(&[Role::MobotixCamera, Role::Internet]);
        assert!(asked.takes(State::Open, Severity::High, Reason::Internet, ends));
        assert!(asked.takes(State::Open, Severity::Critical, Reason::Internet, ends));
        assert!(!asked.takes(State::Closed, Severity::High, Reason::Internet, ends));
        assert!(!asked.takes(State::Open, Severity::Medium, Reason::Internet, ends));
        assert!(!asked.takes(State::Open, Severity::High, Reason::Internet, RoleSet::of(&[Role::Internet])));
    }

    #[test]
    fn a_misspelt_filter_is_refused_and_not_left_out() {
        assert!(violations(&[("severty", "high")]).unwrap_err().contains("severity"));
        assert!(violations(&[("severity", "bad")]).unwrap_err().contains("critical"));
        assert!(violations(&[("severity", "")]).is_err());
        assert!(violations(&[("state", "closing")]).is_err());
        assert!(violations(&[("role", "kamera")]).is_err());
        assert!(violations(&[("limit", "1"), ("limit", "2")]).unwrap_err().contains("twice"));
    }

    #[test]
    fn a_limit_is_a_number_from_one_and_has_a_cap() {
        assert_eq!(violations(&[("limit", "7")]).unwrap().limit, 7);
        assert_eq!(violations(&[("limit", "1000000")]).unwrap().limit, MOST);
        for wrong in ["0", "-1", "x", "", "99999999999999999999999"] {
            assert!(violations(&[("limit", wrong)]).is_err(), "{wrong}");
        }
    }
}

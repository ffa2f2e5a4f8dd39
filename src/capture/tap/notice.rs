//! What happened to an interface, for the log.

use std::fmt;

/// Something that happened to an interface; said once, however long it lasts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// The interface's name, as the settings have it.
    pub interface: String,
    /// What happened.
    pub news: News,
}

/// What can happen to an interface.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum News {
    /// It was switched off or lost its carrier.
    Down,
    /// It is switched on and has a carrier again.
    Up,
    /// There is no such interface any more.
    Vanished,
    /// It has another name now and is listened to all the same.
    Renamed(String),
    /// It was opened again.
    Reopened,
    /// Listening to it failed; it will be opened again.
    Failed(String),
    /// It is there and cannot be opened; that is tried on and on.
    CannotOpen(String),
}

impl News {
    /// Whether it is to be mended by somebody.
    pub fn is_trouble(&self) -> bool {
        !matches!(self, Self::Up | Self::Reopened)
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, news } = self;
        match news {
            News::Down => write!(f, "{interface} is down: nothing is seen there until it is up again"),
            News::Up => write!(f, "{interface} is up again"),
            News::Vanished => write!(f, "{interface} is gone: it will be opened when it is there again"),
            News::Renamed(name) => write!(
                f,
                "{interface} is called {name} now and is still listened to; after a restart it will not be found under its old name"
            ),
            News::Reopened => write!(f, "{interface} is listened to again"),
            News::Failed(why) => write!(f, "{interface} cannot be read ({why}): it will be opened again"),
            News::CannotOpen(why) => {
                write!(f, "{interface} cannot be opened again ({why}): this is tried on and on")
            }
        }
    }
}

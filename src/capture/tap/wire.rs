//! One interface as all lanes share it: whether it is there, and the opening of it.
//!
//! The sockets of an interface are opened together, one for each lane, because their order decides which pair of
//! addresses goes to which lane. When the interface is gone, or a socket fails, all lanes give theirs up before
//! there are new ones: nobody gets a frame twice, and memory does not double.

use crate::capture::link_state::Link;
use crate::capture::link_state::Links;
use crate::capture::live::Listener;
use crate::capture::tap::DEAF;
use crate::capture::tap::LOOK;
use crate::capture::tap::LinkState;
use crate::capture::tap::Moment;
use crate::capture::tap::TapSettings;
use crate::capture::tap::notice::News;
use crate::capture::tap::notice::Notice;
use crate::capture::tap::sockets::open_sockets;
use std::mem::take;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// How long to wait before an interface that could not be opened is tried again: at first, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The most notices that are kept for a caller that does not fetch them.
const MOST_NOTICES: usize = 64;

/// What a lane has to do.
pub(super) enum Order {
    /// Go on.
    Keep,
    /// Read the socket to its end and close it.
    GiveUp,
    /// Take this socket, which is of this opening.
    Take(Box<Listener>, u64),
}

/// An interface.
pub(super) struct Wire {
    name: String,
    shared: Mutex<Shared>,
}

/// What the lanes share.
struct Shared {
    name: String,
    settings: TapSettings,
    links: Links,
    /// The interface as it was when it was last asked for; none if there was none.
    link: Option<Link>,
    /// The interface's number when it was opened.
    index: u32,
    /// Frames that the interface lost since the start.
    lost: u64,
    phase: Phase,
    /// How often it was opened.
    opening: u64,
    /// How many lanes have no socket of this opening any more.
    given_up: usize,
    next_look: Instant,
    next_try: Instant,
    wait: Duration,
    notices: Vec<Notice>,
    /// Why it could not be opened, as it was said.
    said: Option<String>,
}

enum Phase {
    /// The lanes have their sockets, or find them here.
    Listening(Vec<Option<Listener>>),
    /// The lanes are giving up their sockets, or have done so.
    Abandoned,
    /// There are new sockets, which let nothing in since then.
    Deaf(Vec<Listener>, Instant),
}

impl Wire {
    /// Opens the sockets of all lanes, which let nothing in until [`Wire::listen`].
    ///
    /// # Errors
    /// Why that cannot be done, and what to do.
    pub(super) fn open(name: &str, settings: &TapSettings) -> Result<Self, String> {
        let now = Moment::now().running;
        let mut links = Links::new().map_err(|error| error.to_string())?;
        let link = links.by_name(name).map_err(|error| error.to_string())?;
        let Some(link) = link else {
            return Err("there is no such interface (`ip link` lists those that there are)".to_owned());
        };
        if !link.is_on {
            return Err(format!("is switched off: `ip link set {name} up` switches it on"));
        }
        let listeners = open_sockets(&link, settings)?;
        let is_up = link.is_up;
        let mut shared = Shared {
            name: name.to_owned(),
            settings: settings.clone(),
            links,
            index: link.index,
            link: Some(link),
            lost: 0,
            phase: Phase::Deaf(listeners, now),
            opening: 0,
            given_up: 0,
            next_look: now,
            next_try: now,
            wait: FIRST_WAIT,
            notices: Vec::new(),
            said: None,
        };
        if !is_up {
            shared.say(News::Down);
        }
        Ok(Self { name: name.to_owned(), shared: Mutex::new(shared) })
    }

    /// Lets frames in.
    ///
    /// # Errors
    /// What libpcap says.
    pub(super) fn listen(&self) -> Result<(), String> {
        self.lock().listen()
    }

    /// The interface's name, as the settings have it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What lane `lane`, which holds a socket of opening `holding`, has to do now.
    pub(super) fn look_after(&self, lane: usize, holding: Option<u64>, now: Instant) -> Order {
        // Another lane that looks after the interface does so for this one, too.
        let Ok(mut shared) = self.shared.try_lock() else { return Order::Keep };
        shared.look_after(now);
        let opening = shared.opening;
        match (&mut shared.phase, holding) {
            (Phase::Listening(sockets), None) => {
                let socket = sockets.get_mut(lane).and_then(Option::take);
                socket.map_or(Order::Keep, |socket| Order::Take(Box::new(socket), opening))
            }
            (Phase::Abandoned, Some(_)) => Order::GiveUp,
            (Phase::Listening(_) | Phase::Deaf(..), Some(_)) | (Phase::Abandoned | Phase::Deaf(..), None) => {
                Order::Keep
            }
        }
    }

    /// Whether new sockets are about to come.
    pub(super) fn is_opening(&self) -> bool {
        !matches!(self.lock().phase, Phase::Abandoned)
    }

    /// A lane's socket of this opening failed.
    pub(super) fn fail(&self, opening: u64, error: &pcap::Error) {
        let mut shared = self.lock();
        if shared.opening == opening && matches!(shared.phase, Phase::Listening(_)) {
            // The kernel tells first whether the interface is gone, which says more.
            shared.look();
            if matches!(shared.phase, Phase::Listening(_)) {
                shared.say(News::Failed(error.to_string()));
                shared.abandon();
            }
        }
    }

    /// A lane closed its socket of this opening.
    pub(super) fn given_up(&self, opening: u64) {
        let mut shared = self.lock();
        if shared.opening == opening {
            shared.given_up = shared.given_up.saturating_add(1);
        }
    }

    /// The interface's state, how often it was opened again, and how many frames it lost.
    pub(super) fn facts(&self) -> (LinkState, u64, u64) {
        let shared = self.lock();
        (state(shared.link.as_ref()), shared.opening.saturating_sub(1), shared.lost)
    }

    /// What happened since the last call.
    pub(super) fn notices(&self) -> Vec<Notice> {
        take(&mut self.lock().notices)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Looks how the interface is, and goes on with opening it.
    fn look_after(&mut self, now: Instant) {
        if now >= self.next_look {
            self.next_look = now.checked_add(LOOK).unwrap_or(now);
            self.look();
        }
        let is_deaf_enough = |since: Instant| now.saturating_duration_since(since) >= DEAF;
        let result = match &self.phase {
            Phase::Abandoned if self.given_up >= self.settings.lanes.get() && now >= self.next_try => {
                self.reopen(now)
            }
            Phase::Deaf(_, since) if is_deaf_enough(*since) => self.listen(),
            Phase::Abandoned | Phase::Deaf(..) | Phase::Listening(_) => return,
        };
        if let Err(why) = result {
            self.phase = Phase::Abandoned;
            self.next_try = now.checked_add(self.wait).unwrap_or(now);
            self.wait = self.wait.saturating_mul(2).min(LONGEST_WAIT);
            if self.said.as_ref() != Some(&why) {
                self.say(News::CannotOpen(why.clone()));
                self.said = Some(why);
            }
        }
    }

    /// Opens sockets if the interface is there and switched on.
    fn reopen(&mut self, now: Instant) -> Result<(), String> {
        if let Some(link) = self.link.as_ref().filter(|link| link.is_on) {
            self.phase = Phase::Deaf(open_sockets(link, &self.settings)?, now);
            self.index = link.index;
        }
        Ok(())
    }

    /// Lets frames in.
    fn listen(&mut self) -> Result<(), String> {
        let Phase::Deaf(mut listeners, _) = std::mem::replace(&mut self.phase, Phase::Abandoned) else {
            return Ok(());
        };
        let filter = self.settings.filter.as_deref().unwrap_or_default();
        for listener in &mut listeners {
            listener.listen(filter).map_err(|error| error.to_string())?;
        }
        self.phase = Phase::Listening(listeners.into_iter().map(Some).collect());
        if self.opening > 0 {
            self.say(News::Reopened);
        }
        self.opening = self.opening.saturating_add(1);
        self.given_up = 0;
        self.wait = FIRST_WAIT;
        self.said = None;
        Ok(())
    }

    /// Asks the kernel how the interface is, and abandons it if it is another one.
    fn look(&mut self) {
        let named = self.links.by_name(&self.name);
        let found = match named {
            Ok(None) => self.links.by_index(self.index),
            other => other,
        };
        // A kernel that does not answer tells nothing of the interface.
        let Ok(link) = found else { return };
        let before = std::mem::replace(&mut self.link, link.clone());
        self.compare(before.as_ref(), link.as_ref());
        if link.is_none_or(|link| link.index != self.index) && matches!(self.phase, Phase::Listening(_)) {
            self.abandon();
        }
    }

    /// Counts and says what is different.
    fn compare(&mut self, before: Option<&Link>, link: Option<&Link>) {
        if let (Some(before), Some(link)) = (before, link)
            && before.index == link.index
        {
            self.lost = self.lost.saturating_add(link.lost.saturating_sub(before.lost));
            if before.name != link.name && link.name != self.name {
                self.say(News::Renamed(link.name.clone()));
            }
        }
        match (state(before), state(link)) {
            (LinkState::Up | LinkState::Down, LinkState::Missing) => self.say(News::Vanished),
            (LinkState::Up | LinkState::Missing, LinkState::Down) => self.say(News::Down),
            (LinkState::Down, LinkState::Up) => self.say(News::Up),
            // That it is there again is said when it is listened to.
            _ => {}
        }
    }

    /// Has the lanes give up their sockets. Those that nobody fetched are closed here.
    fn abandon(&mut self) {
        if let Phase::Listening(sockets) = std::mem::replace(&mut self.phase, Phase::Abandoned) {
            self.given_up = self.given_up.saturating_add(sockets.iter().flatten().count());
        }
        self.next_try = Moment::now().running;
    }

    fn say(&mut self, news: News) {
        if self.notices.len() < MOST_NOTICES {
            self.notices.push(Notice { interface: self.name.clone(), news });
        }
    }
}

fn state(link: Option<&Link>) -> LinkState {
    match link {
        None => LinkState::Missing,
        Some(link) if link.is_up => LinkState::Up,
        Some(_) => LinkState::Down,
    }
}

//! The way to a syslog receiver: opened when a message needs it, opened anew when it broke.

use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::net::ToSocketAddrs;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::watch::syslog_sender::Receiver;

/// How long connecting and writing may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most addresses of a name that are tried.
const ADDRESSES: usize = 4;

/// Most reads that throw away what a receiver says.
const HEARD: usize = 16;

/// Carries messages to one receiver.
#[derive(Debug)]
pub(super) struct Courier {
    receiver: Receiver,
    link: Option<Link>,
    /// What the name meant last, for when nobody can say.
    known: Vec<SocketAddr>,
}

#[derive(Debug)]
enum Link {
    /// Not connected: whether anybody listens makes no difference to it.
    Udp(UdpSocket, SocketAddr),
    Tcp(TcpStream),
    Unix(UnixDatagram),
}

impl Courier {
    pub(super) const fn new(receiver: Receiver) -> Self {
        Self { receiver, link: None, known: Vec::new() }
    }

    pub(super) const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Does what a process in a cage can do no more: looks names up, opens the UDP socket.
    pub(super) fn prepare(&mut self) -> io::Result<()> {
        match self.receiver.clone() {
            Receiver::Unix(_) => {}
            Receiver::Tcp(place) => self.look_up(&place)?,
            Receiver::Udp(_) => self.link = Some(self.open()?),
        }
        Ok(())
    }

    /// Sends the message over the link there is, else over a new one. A message of which a part got out over
    /// a link that then broke is sent again as a whole; the receiver drops the part, which has no end.
    pub(super) fn deliver(&mut self, message: &str) -> io::Result<()> {
        if let Some(link) = &mut self.link
            && link.send(message).is_ok()
        {
            return Ok(());
        }
        match self.open() {
            Ok(mut link) => {
                let sent = link.send(message);
                self.link = Some(link);
                sent
            }
            Err(error) => {
                // A UDP socket is not used up by a failure, and in a cage there is no other.
                self.link.take_if(|link| !matches!(link, Link::Udp(..)));
                Err(error)
            }
        }
    }

    fn open(&mut self) -> io::Result<Link> {
        match self.receiver.clone() {
            Receiver::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_write_timeout(Some(PATIENCE))?;
                socket.connect(path)?;
                Ok(Link::Unix(socket))
            }
            Receiver::Udp(place) => self.try_each(&place, |addr| {
                let any = match addr {
                    SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
                    SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
                };
                let socket = UdpSocket::bind(any)?;
                socket.set_write_timeout(Some(PATIENCE))?;
                Ok(Link::Udp(socket, addr))
            }),
            Receiver::Tcp(place) => self.try_each(&place, |addr| {
                let stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                Ok(Link::Tcp(stream))
            }),
        }
    }

    /// The first link that one of the place's addresses gives.
    fn try_each(&mut self, place: &str, open: impl Fn(SocketAddr) -> io::Result<Link>) -> io::Result<Link> {
        self.look_up(place)?;
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for addr in &self.known {
            match open(*addr) {
                Ok(link) => return Ok(link),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Asks what the name means now; if nobody can say, it means what it did.
    fn look_up(&mut self, place: &str) -> io::Result<()> {
        match place.to_socket_addrs() {
            Ok(addrs) => self.known = addrs.take(ADDRESSES).collect(),
            Err(error) if self.known.is_empty() => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }
}

impl Link {
    fn send(&mut self, message: &str) -> io::Result<()> {
        match self {
            Self::Udp(socket, addr) => socket.send_to(message.as_bytes(), *addr).map(drop),
            Self::Unix(socket) => socket.send(message.as_bytes()).map(drop),
            Self::Tcp(stream) => {
                if has_gone(stream)? {
                    return Err(io::Error::from(ErrorKind::BrokenPipe));
                }
                stream.write_all(format!("{} {message}", message.len()).as_bytes())
            }
        }
    }
}

/// Whether the receiver has closed the connection, which is the only way to know before a message is written
/// into the void. A receiver has nothing to say; what it says is not heard, and one that says much is left.
fn has_gone(stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let is_silent = (0..HEARD).find_map(|_| match (&*stream).read(&mut [0; 4_096]) {
        Ok(0) => Some(false),
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::Interrupted => None,
        Err(error) => Some(error.kind() == ErrorKind::WouldBlock),
    });
    stream.set_nonblocking(false)?;
    Ok(is_silent != Some(true))
}

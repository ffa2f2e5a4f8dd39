//! The HTTP side: takes connections, bounds what each may cost in number, time and memory, and answers from
//! the audit's views. It changes nothing and never waits for the audit, and the audit never waits for it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header;
use axum::http::uri::Authority;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

pub mod asked;
pub mod routes;
pub mod tls;
pub mod views;

use crate::watch::http::views::Views;

/// Connections at once. One more closes the oldest that has not asked anything yet, else the oldest: who
/// holds connections open or reads slowly loses them to those who come to ask.
pub const CONNECTIONS: usize = 32;

/// How long a client may take for the TLS handshake, and how long for the head of its request.
pub const HEAD_TIME: Duration = Duration::from_secs(5);

/// How long a client may take to read its answer.
pub const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Longest head of a request, in octets.
pub const HEAD_OCTETS: usize = 8_192;

/// Most header lines of a request.
const HEADER_LINES: usize = 64;

/// How long answers that are under way are waited for at the end.
const LEAVE_TIME: Duration = Duration::from_millis(800);

/// Pause after a connection could not be taken, for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The certificate in force. To change it, send another configuration into the channel: connections that
/// come then get the new one.
pub type TlsInForce = watch::Receiver<Arc<ServerConfig>>;

/// Serves `views` until `stop` is true or its sender is gone; then ends within a second.
///
/// Each connection answers one request: a scrape comes every few seconds, and a connection that is kept in
/// between would only hold a place.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsInForce>,
    views: Arc<dyn Views>,
    mut stop: watch::Receiver<bool>,
) {
    let is_local = listener.local_addr().is_ok_and(|addr| addr.ip().to_canonical().is_loopback());
    let site = Site { router: routes::router(views), is_local: is_local && tls.is_none() };
    let mut held = Held::default();
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let tls = tls.as_ref().map(|tls| Arc::clone(&tls.borrow()));
                    held.admit(|asked| converse(stream, tls, site.clone(), asked));
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    held.leave().await;
}

/// The connections, oldest first.
#[derive(Default)]
struct Held {
    tasks: JoinSet<()>,
    places: VecDeque<Place>,
}

struct Place {
    asked: Arc<Asked>,
    task: AbortHandle,
}

/// Whether the head of a request has come.
#[derive(Default)]
struct Asked {
    has: AtomicBool,
    told: Notify,
}

impl Held {
    fn admit<F>(&mut self, talk: impl FnOnce(Arc<Asked>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        while self.tasks.try_join_next().is_some() {}
        self.places.retain(|place| !place.task.is_finished());
        if self.places.len() >= CONNECTIONS {
            let idle = self.places.iter().position(|place| !place.asked.has.load(Ordering::Relaxed));
            if let Some(place) = self.places.remove(idle.unwrap_or(0)) {
                place.task.abort();
            }
        }
        let asked = Arc::new(Asked::default());
        let task = self.tasks.spawn(talk(Arc::clone(&asked)));
        self.places.push_back(Place { asked, task });
    }

    /// Closes who has not asked, and lets the others have their answer.
    async fn leave(mut self) {
        for place in self.places.iter().filter(|place| !place.asked.has.load(Ordering::Relaxed)) {
            place.task.abort();
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(LEAVE_TIME, all).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

/// One connection from its first octet to its last.
async fn converse(stream: TcpStream, tls: Option<Arc<ServerConfig>>, site: Site, asked: Arc<Asked>) {
    match tls {
        None => answer(stream, site, &asked).await,
        Some(config) => {
            let handshake = TlsAcceptor::from(config).accept(stream);
            if let Ok(Ok(stream)) = timeout(HEAD_TIME, handshake).await {
                answer(stream, site, &asked).await;
            }
        }
    }
}

async fn answer<S>(stream: S, site: Site, asked: &Arc<Asked>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let told = Arc::clone(asked);
    let service = service_fn(move |request| {
        told.has.store(true, Ordering::Relaxed);
        told.told.notify_one();
        site.clone().answer(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(HEADER_LINES)
        .max_header_size(HEAD_OCTETS)
        .max_buf_size(HEAD_OCTETS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let too_late = async {
        asked.told.notified().await;
        sleep(ANSWER_TIME).await;
    };
    // A client that goes away or does not speak HTTP is its own affair.
    tokio::select! {
        _ = connection => {}
        () = too_late => {}
    }
}

/// The paths, and who may be meant by `Host`.
#[derive(Clone)]
struct Site {
    router: Router,
    /// Reached through the loopback interface without TLS: then a web page that a browser on this computer
    /// shows could read everything, by having its own name lead to 127.0.0.1 (DNS rebinding).
    is_local: bool,
}

impl Site {
    async fn answer(self, request: Request<Incoming>) -> Result<Response, Infallible> {
        let host = request.headers().get(header::HOST);
        if self.is_local && host.is_some_and(|host| !names_this_computer(host.as_bytes())) {
            let why = "this listens for this computer only: ask it by 127.0.0.1, [::1] or localhost";
            return Ok(routes::guard(routes::refusal(StatusCode::MISDIRECTED_REQUEST, why)));
        }
        TowerToHyperService::new(self.router).call(request).await.map(routes::guard)
    }
}

/// Whether a `Host` header is an address or `localhost`, which no foreign page can have as its name.
fn names_this_computer(host: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(host) else {
        return false;
    };
    let name = authority.host();
    let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    literal.parse::<std::net::IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_name_this_computer() {
        for host in ["127.0.0.1:29477", "127.0.0.1", "[::1]:29477", "localhost", "LOCALHOST:1"] {
            assert!(names_this_computer(host.as_bytes()), "{host}");
        }
        for host in
            ["evil.example", "evil.example:29477", "127.0.0.1.evil.example", "localhost.evil", "", "a b"]
        {
            assert!(!names_this_computer(host.as_bytes()), "{host}");
        }
    }
}

//! What each path answers, and the headers that every answer has. Nothing is read from a request but its
//! path, its query and its `Host`.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::Html;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;
use tokio::time::Instant;

use crate::watch::http::asked::EndpointsAsked;
use crate::watch::http::asked::ViolationsAsked;
use crate::watch::http::views::Page;
use crate::watch::http::views::Views;

/// How long one text of metrics is shown to all that ask: the counters behind it move 4 times a second.
const METRICS_AGE: Duration = Duration::from_millis(250);

/// The paths, as the landing page and the answer to an unknown path name them.
pub const PATHS: &[(&str, &str)] = &[
    ("/metrics", "metrics in the Prometheus text format"),
    ("/healthz", "200 while capture and judge advance"),
    ("/readyz", "200 when the interfaces are open and a policy is in force"),
    ("/api/v1/violations", "violations; filters: state, severity, reason, role, limit"),
    ("/api/v1/endpoints", "hosts and their roles; filters: role, limit"),
    ("/api/v1/policy", "the policy in force"),
];

/// Headers of every answer: it is what it says it is, it is not kept, and no page may do anything with it.
const GUARDS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Puts the headers that every answer has on this one.
pub(super) fn guard(mut response: Response) -> Response {
    for (name, value) in GUARDS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// An answer that says what is wrong: `{"error": …}`.
pub(super) fn refusal(status: StatusCode, why: &str) -> Response {
    #[derive(Serialize)]
    struct Refusal<'a> {
        error: &'a str,
    }
    (status, Json(Refusal { error: why })).into_response()
}

/// All paths over these views. `GET` and `HEAD` only.
pub(super) fn router(views: Arc<dyn Views>) -> Router {
    Router::new()
        .route("/", get(landing))
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .route("/api/v1/violations", get(violations))
        .route("/api/v1/endpoints", get(endpoints))
        .route("/api/v1/policy", get(policy))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::new(Shown { views, metrics: Mutex::new(None) }))
}

/// The views, and the last text of metrics.
struct Shown {
    views: Arc<dyn Views>,
    metrics: Mutex<Option<(Instant, Bytes)>>,
}

impl Shown {
    fn metrics(&self) -> Bytes {
        let mut last = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match &*last {
            Some((made, text)) if now.duration_since(*made) < METRICS_AGE => text.clone(),
            _ => {
                let text = self.views.metrics();
                *last = Some((now, text.clone()));
                text
            }
        }
    }
}

type Pair = (String, String);

type Pairs = Result<Query<Vec<Pair>>, QueryRejection>;

async fn landing() -> Html<String> {
    let links: String =
        PATHS.iter().map(|(path, what)| format!("<li><a href=\"{path}\">{path}</a> {what}</li>\n")).collect();
    Html(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>camsentry</title></head>\n\
         <body><h1>camsentry</h1>\n<ul>\n{links}</ul>\n</body></html>\n"
    ))
}

async fn metrics(State(shown): State<Arc<Shown>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, shown.metrics()).into_response()
}

async fn health(State(shown): State<Arc<Shown>>) -> Response {
    state_of(shown.views.health())
}

async fn readiness(State(shown): State<Arc<Shown>>) -> Response {
    state_of(shown.views.readiness())
}

fn state_of(state: Result<(), String>) -> Response {
    #[derive(Serialize)]
    struct Well {
        status: &'static str,
    }
    match state {
        Ok(()) => Json(Well { status: "ok" }).into_response(),
        Err(why) => refusal(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

async fn violations(State(shown): State<Arc<Shown>>, pairs: Pairs) -> Response {
    match asked(pairs, ViolationsAsked::read) {
        Ok(asked) => page("violations", shown.views.violations(&asked), asked.limit),
        Err(why) => refusal(StatusCode::BAD_REQUEST, &why),
    }
}

async fn endpoints(State(shown): State<Arc<Shown>>, pairs: Pairs) -> Response {
    match asked(pairs, EndpointsAsked::read) {
        Ok(asked) => page("endpoints", shown.views.endpoints(&asked), asked.limit),
        Err(why) => refusal(StatusCode::BAD_REQUEST, &why),
    }
}

async fn policy(State(shown): State<Arc<Shown>>) -> Response {
    match shown.views.policy() {
        Ok(policy) => Json(policy).into_response(),
        Err(why) => refusal(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

async fn unknown() -> Response {
    let known: Vec<&str> = PATHS.iter().map(|(path, _)| *path).collect();
    refusal(StatusCode::NOT_FOUND, &format!("no such path; there are /, {}", known.join(", ")))
}

async fn wrong_method() -> Response {
    refusal(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD: nothing can be changed here")
}

fn asked<T>(pairs: Pairs, read: impl FnOnce(&[Pair]) -> Result<T, String>) -> Result<T, String> {
    match pairs {
        Ok(Query(pairs)) => read(&pairs),
        Err(_) => Err("the query cannot be read".to_owned()),
    }
}

/// `{"NAME": […], "total": …, "limit": …}`.
fn page(name: &'static str, page: Result<Page, String>, limit: usize) -> Response {
    struct Answer {
        name: &'static str,
        page: Page,
        limit: usize,
    }
    impl Serialize for Answer {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(3))?;
            map.serialize_entry(self.name, self.page.items())?;
            map.serialize_entry("total", &self.page.total())?;
            map.serialize_entry("limit", &self.limit)?;
            map.end()
        }
    }
    match page {
        Ok(page) => Json(Answer { name, page, limit }).into_response(),
        Err(why) => refusal(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

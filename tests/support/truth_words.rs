//! tshark's words for what is spoken, and ours.

use std::collections::BTreeSet;

use camsentry::flow::FlowKey;
use camsentry::judge::audit::JudgedFlow;
use camsentry::service::Service;

use crate::truth::Conversation;

/// Our word for what tshark calls `app`.
pub(crate) fn service_of(app: &str) -> Option<Service> {
    match app {
        "wsd" => Some(Service::WsDiscovery),
        _ => Service::parse(app),
    }
}

/// What is truly spoken, as far as we have a word for it.
pub(crate) fn services_in_truth(conversation: &Conversation) -> BTreeSet<Service> {
    conversation.apps.iter().filter_map(|app| service_of(app)).collect()
}

/// What we say is spoken over this 5-tuple; text that nobody claims is no name.
pub(crate) fn services_of(key: FlowKey, flows: &[JudgedFlow]) -> BTreeSet<Service> {
    let services = flows.iter().filter(|flow| flow.facts.key == key).filter_map(|flow| flow.service);
    services.filter(|service| *service != Service::Text).collect()
}

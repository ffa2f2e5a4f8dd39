//! What leaves the program for other programs: JSON lines, flow records, metrics.

pub mod durations;
pub mod event_record;
mod expected_series;
pub mod flow_record;
pub mod live_metrics;
pub mod metric_table;
pub mod metrics;
pub mod run_facts;
pub mod summary_record;
pub mod syslog;
pub mod text;
pub mod violation_record;

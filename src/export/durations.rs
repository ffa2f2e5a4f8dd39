//! Flow durations as an ordinary Prometheus histogram, so that Grafana can add up appliances: exact
//! counts inside, cumulative buckets outside.

use std::collections::HashMap;

use prometheus::core::Collector;
use prometheus::core::Desc;
use prometheus::proto::Bucket;
use prometheus::proto::Histogram;
use prometheus::proto::LabelPair;
use prometheus::proto::Metric;
use prometheus::proto::MetricFamily;
use prometheus::proto::MetricType;

use crate::judge::durations::Durations;
use crate::judge::durations::Measured;

/// Upper edges of the buckets: microseconds, and the same in seconds.
const EDGES: &[(u64, f64)] = &[
    (1_000, 0.001),
    (10_000, 0.01),
    (100_000, 0.1),
    (1_000_000, 1.0),
    (10_000_000, 10.0),
    (60_000_000, 60.0),
    (600_000_000, 600.0),
    (3_600_000_000, 3_600.0),
    (86_400_000_000, 86_400.0),
];

/// Gives the durations of an audit to a registry.
pub struct FlowDurations {
    desc: Desc,
    durations: Durations,
}

impl FlowDurations {
    /// The collector for `durations`, under this name with this help.
    ///
    /// # Errors
    ///
    /// If the name is none that Prometheus takes.
    pub fn new(name: &str, help: &str, durations: Durations) -> Result<Self, prometheus::Error> {
        let labels = vec!["service".to_owned()];
        let desc = Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())?;
        Ok(Self { desc, durations })
    }
}

impl Collector for FlowDurations {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::HISTOGRAM);
        let metrics: Vec<Metric> = self
            .durations
            .iter()
            .map(|(service, measured)| {
                metric(service.map_or("unknown", |service| service.as_str()), measured)
            })
            .collect();
        family.set_metric(metrics.into());
        vec![family]
    }
}

fn metric(service: &str, measured: &Measured) -> Metric {
    let buckets: Vec<Bucket> = EDGES
        .iter()
        .map(|(micros, seconds)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*seconds);
            bucket.set_cumulative_count(measured.at_most(*micros));
            bucket
        })
        .collect();
    let mut histogram = Histogram::default();
    histogram.set_sample_count(measured.count());
    #[expect(clippy::as_conversions, reason = "there is no lossless conversion, and none is needed")]
    histogram.set_sample_sum(measured.sum() as f64 / 1e6);
    histogram.set_bucket(buckets.into());
    let mut label = LabelPair::default();
    label.set_name("service".to_owned());
    label.set_value(service.to_owned());
    let mut metric = Metric::default();
    metric.set_label(vec![label].into());
    metric.set_histogram(histogram);
    metric
}

//! Durations as ordinary Prometheus histograms, so that Grafana can add up appliances: exact
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

use crate::export::metric_table::options;
use crate::judge::durations::Durations;
use crate::judge::durations::Measured;
use crate::service::Service;

/// The upper edge of a bucket: microseconds, and the same in seconds.
type Edge = (u64, f64);

/// For how long flows last: from a datagram to a week-old stream.
const FLOW_EDGES: &[Edge] = &[
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

/// For how long a verdict takes: a flow that says nothing is judged after 5 s.
const DELAY_EDGES: &[Edge] = &[
    (100_000, 0.1),
    (250_000, 0.25),
    (500_000, 0.5),
    (1_000_000, 1.0),
    (1_500_000, 1.5),
    (2_500_000, 2.5),
    (5_000_000, 5.0),
    (5_500_000, 5.5),
    (6_000_000, 6.0),
    (8_000_000, 8.0),
    (10_000_000, 10.0),
    (15_000_000, 15.0),
    (60_000_000, 60.0),
];

/// Gives durations to a registry.
pub struct Lasted {
    desc: Desc,
    edges: &'static [Edge],
    /// With the value of the label, where there is one.
    kinds: Vec<(Option<&'static str>, Measured)>,
}

impl Lasted {
    /// The collector for how long flows lasted, by service.
    ///
    /// # Errors
    ///
    /// Only if the metric is defined wrongly.
    pub fn flows(durations: &Durations) -> Result<Self, prometheus::Error> {
        let word = |service: Option<Service>| service.map_or("unknown", |service| service.as_str());
        let kinds = durations.iter().map(|(service, measured)| (Some(word(service)), measured.clone()));
        Self::of("camsentry_flow_duration_seconds", FLOW_EDGES, kinds.collect())
    }

    /// The collector for how long verdicts took.
    ///
    /// # Errors
    ///
    /// Only if the metric is defined wrongly.
    pub fn verdicts(delay: Measured) -> Result<Self, prometheus::Error> {
        Self::of("camsentry_verdict_delay_seconds", DELAY_EDGES, vec![(None, delay)])
    }

    fn of(
        name: &str,
        edges: &'static [Edge],
        kinds: Vec<(Option<&'static str>, Measured)>,
    ) -> Result<Self, prometheus::Error> {
        let (options, labels) = options(name);
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let desc = Desc::new(options.name, options.help, labels, HashMap::new())?;
        Ok(Self { desc, edges, kinds })
    }

    fn metric(&self, label: Option<&str>, measured: &Measured) -> Metric {
        let bucket = |(micros, seconds): &Edge| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*seconds);
            bucket.set_cumulative_count(measured.at_most(*micros));
            bucket
        };
        let mut histogram = Histogram::default();
        histogram.set_sample_count(measured.count());
        #[expect(clippy::as_conversions, reason = "there is no lossless conversion, and none is needed")]
        histogram.set_sample_sum(measured.sum() as f64 / 1e6);
        histogram.set_bucket(self.edges.iter().map(bucket).collect());
        let mut metric = Metric::default();
        metric.set_label(self.desc.variable_labels.iter().zip(label).map(pair).collect());
        metric.set_histogram(histogram);
        metric
    }
}

fn pair((name, value): (&String, &str)) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.clone());
    pair.set_value(value.to_owned());
    pair
}

impl Collector for Lasted {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(self.kinds.iter().map(|(label, measured)| self.metric(*label, measured)).collect());
        vec![family]
    }
}

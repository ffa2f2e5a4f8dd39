//! When an exception ends: a date of TOML as packet time.

use toml::value::Datetime;
use toml::value::Offset;

use crate::time::Timestamp;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The moment that `written` names; without an offset it is read as UTC, without a time of day as
/// midnight at the beginning of that day. `None` for a time of day without a date.
pub fn moment(written: &Datetime) -> Option<Timestamp> {
    let date = written.date?;
    let days = days_since_1970(i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let mut seconds = days.saturating_mul(DAY);
    let mut nanos = 0;
    if let Some(time) = written.time {
        let of_day = i64::from(time.hour)
            .saturating_mul(3_600)
            .saturating_add(i64::from(time.minute).saturating_mul(60))
            .saturating_add(i64::from(time.second.unwrap_or(0)));
        seconds = seconds.saturating_add(of_day);
        nanos = time.nanosecond.unwrap_or(0);
    }
    if let Some(Offset::Custom { minutes }) = written.offset {
        seconds = seconds.saturating_sub(i64::from(minutes).saturating_mul(60));
    }
    Some(Timestamp::from_parts(seconds, nanos))
}

/// Days from 1970-01-01 to this day of the Gregorian calendar, counted in eras of 400 years whose
/// years begin in March, so that the leap day is the last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year.saturating_sub(1) } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = month.saturating_add(9).rem_euclid(12);
    let day_of_year = month_from_march
        .saturating_mul(153)
        .saturating_add(2)
        .div_euclid(5)
        .saturating_add(day)
        .saturating_sub(1);
    let day_of_era = year_of_era
        .saturating_mul(365)
        .saturating_add(year_of_era.div_euclid(4))
        .saturating_sub(year_of_era.div_euclid(100))
        .saturating_add(day_of_year);
    era.saturating_mul(146_097).saturating_add(day_of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::moment;
    use crate::time::Timestamp;

    fn seconds(text: &str) -> Timestamp {
        moment(&text.parse().unwrap()).unwrap()
    }

    // Expected values from `date -u -d … +%s`.
    #[test]
    fn a_date_is_midnight_utc_at_its_beginning() {
        assert_eq!(seconds("1970-01-01"), Timestamp::from_parts(0, 0));
        assert_eq!(seconds("2026-12-31"), Timestamp::from_parts(1_798_675_200, 0));
        assert_eq!(seconds("2024-02-29"), Timestamp::from_parts(1_709_164_800, 0));
    }

    #[test]
    fn a_time_without_offset_is_utc_and_an_offset_is_taken_off() {
        assert_eq!(seconds("2026-12-31T10:00:00"), seconds("2026-12-31T10:00:00Z"));
        assert_eq!(seconds("2026-12-31T12:00:00+02:00"), seconds("2026-12-31T10:00:00Z"));
    }

    #[test]
    fn a_time_of_day_alone_is_no_moment() {
        assert_eq!(moment(&"10:00:00".parse().unwrap()), None);
    }
}

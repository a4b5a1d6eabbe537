//! Durations as seconds with a fraction, as people write them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    let duration = Duration::try_from_secs_f64(seconds)
        .map_err(|_| D::Error::custom(format!("{seconds} is no duration in seconds")))?;
    // Fractions of seconds are rarely exact in binary: a nanosecond more or less that comes of it is taken off.
    Ok(Duration::from_micros((duration.as_nanos() as f64 / 1e3).round() as u64))
}

//! Whether a tone is in what was heard. Pure.

/// Samples a second of all audio here (G.711).
pub const RATE: u32 = 8000;
/// A wave file's samples begin here.
const WAVE_HEAD: usize = 44;

/// A frequency.
pub type Hertz = u16;

/// The samples of a wave file with 16 bits each, one that is still being written too.
pub fn of_wave(file: &[u8]) -> Vec<i16> {
    file.get(WAVE_HEAD..).unwrap_or_default().as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

/// The part of all energy that is this tone's, from 0 to 1 (Goertzel's algorithm); 0 of silence.
pub fn share(samples: &[i16], tone: Hertz) -> f64 {
    let step = std::f64::consts::TAU * f64::from(tone) / f64::from(RATE);
    let coefficient = 2.0 * step.cos();
    let (mut last, mut before, mut energy, mut count) = (0.0, 0.0, 0.0, 0.0);
    for sample in samples.iter().map(|sample| f64::from(*sample)) {
        (last, before) = (sample + coefficient * last - before, last);
        energy += sample * sample;
        count += 1.0;
    }
    let power = last * last + before * before - coefficient * last * before;
    if energy == 0.0 { 0.0 } else { 2.0 * power / (energy * count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, loud: f64) -> impl Fn(u32) -> f64 {
        move |n| loud * (std::f64::consts::TAU * hertz * f64::from(n) / f64::from(RATE)).sin()
    }

    #[test]
    #[allow(clippy::cast_possible_truncation)] // loud enough, and not louder than 16 bits
    fn a_tone_is_found_among_others_and_not_where_it_is_not() {
        let (one, two) = (tone(440.0, 9000.0), tone(1000.0, 9000.0));
        let both: Vec<i16> = (0..RATE).map(|n| (one(n) + two(n)) as i16).collect();
        assert!((share(&both, 440) - 0.5).abs() < 0.01 && (share(&both, 1000) - 0.5).abs() < 0.01);
        assert!(share(&both, 700) < 0.001);
        assert!(share(&[0; 800], 440) < f64::EPSILON);
    }
}

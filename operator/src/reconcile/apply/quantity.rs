//! Kubernetes quantities: whether two spellings are one amount (`1024Mi` and `1Gi`, `1000m` and `1`). Pure.

/// True when both are quantities of the same amount. The API server stores every quantity in a spelling of its own.
pub fn same(one: &str, other: &str) -> bool {
    one == other || amount(one).is_some_and(|amount_of_one| Some(amount_of_one) == amount(other))
}

/// The amount in thousand-millionths, the finest that Kubernetes knows; none for what is no quantity or beyond all reason.
fn amount(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (factor, power) = factor(suffix)?;
    let power = power.checked_add(9)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let scale = 10_i128.checked_pow(power.unsigned_abs())?;
    let amount = digits.checked_mul(factor)?;
    if power >= 0 { amount.checked_mul(scale) } else { (amount % scale == 0).then_some(amount / scale) }
}

/// What a suffix multiplies by: a factor, and a power of ten.
fn factor(suffix: &str) -> Option<(i128, i32)> {
    let binary = |power: u32| Some((1024_i128.pow(power), 0));
    match suffix {
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        "n" => Some((1, -9)),
        "u" => Some((1, -6)),
        "m" => Some((1, -3)),
        "" => Some((1, 0)),
        "k" => Some((1, 3)),
        "M" => Some((1, 6)),
        "G" => Some((1, 9)),
        "T" => Some((1, 12)),
        "P" => Some((1, 15)),
        "E" => Some((1, 18)),
        exponent => exponent.strip_prefix(['e', 'E'])?.parse().ok().map(|power| (1, power)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::same;

    #[rstest]
    #[case("1024Mi", "1Gi", true)]
    #[case("0.5Gi", "512Mi", true)]
    #[case("1000m", "1", true)]
    #[case("1.5", "1500m", true)]
    #[case("2e3", "2k", true)]
    #[case("100M", "100Mi", false)]
    #[case("1", "2", false)]
    #[case("", "0", false)]
    #[case("one", "1", false)]
    #[case("1e400", "1e401", false)]
    #[case("one", "one", true)]
    fn two_spellings_of_one_amount_are_the_same(#[case] one: &str, #[case] other: &str, #[case] expected: bool) {
        assert_eq!(same(one, other), expected);
    }
}

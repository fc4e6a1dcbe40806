//! The pictures of the page, as inline SVG: strips of samples, lines over a count, latency curves.
//!
//! Colours come from classes, so that the page's light and dark styles decide them; every shape
//! carries a title, which browsers show and screen readers read.

use super::pictures::Entry;
use super::words::figure;
use std::fmt::Write;

/// Who a series belongs to, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// The project's own.
    Ours,
    /// A counted rival, by its place among them.
    Rival(usize),
    /// Shown, never ranked.
    Shown,
    /// What is physically there.
    Floor,
}

impl Series {
    fn class(self) -> String {
        match self {
            Series::Ours => "ours".to_owned(),
            Series::Rival(place) => format!("rival r{}", place % 8),
            Series::Shown => "shown".to_owned(),
            Series::Floor => "floor".to_owned(),
        }
    }
}

/// One contender's samples in a strip plot.
pub struct Strip<'data> {
    /// Its name.
    pub name: &'data str,
    /// Its colour.
    pub series: Series,
    /// One sample a round.
    pub samples: &'data [f64],
    /// The middle one.
    pub median: f64,
}

const WIDTH: f64 = 440.0;
const NAMES: f64 = 132.0;
const FIGURES: f64 = 52.0;
const LINE: f64 = 21.0;

impl<'data> Strip<'data> {
    /// The strip of one contender.
    pub(super) fn of(&(name, series, figures): &Entry<'data>) -> Self {
        Self {
            name,
            series,
            samples: &figures.samples,
            median: figures.median,
        }
    }
}

/// A ratio on a scale from a tenth to ten, with its interval, beside the line of equals.
pub(super) fn gauge([low, middle, high]: [Option<f64>; 3], class: &str) -> String {
    let place = |ratio: f64| 36.0 + 34.0 * ratio.log10().clamp(-1.0, 1.0);
    let [low, middle, high] = [low, middle, high].map(|ratio| place(ratio.unwrap_or(1.0)));
    format!(
        r#"<svg class="gauge {class}" viewBox="0 0 72 14" aria-hidden="true"><line class="equal" x1="36" x2="36" y1="0" y2="14"/><rect class="range" x="{low:.1}" y="5" width="{:.1}" height="4" rx="2"/><circle class="dot solid" cx="{middle:.1}" cy="7" r="3.4"/></svg>"#,
        (high - low).max(1.0)
    )
}

/// Every sample as a dot, the range as a bar, the median as a stroke with its figure.
pub fn strips(strips: &[Strip<'_>], unit: &str) -> String {
    let all = || {
        strips
            .iter()
            .flat_map(|strip| strip.samples.iter().copied())
    };
    let scale = Scale::over(all(), NAMES, WIDTH - FIGURES);
    let height = LINE * strips.len() as f64 + 26.0;
    let mut svg = open(WIDTH, height, "samples of each contender");
    scale.draw_grid(&mut svg, 4.0, height - 22.0, unit);
    for (index, strip) in strips.iter().enumerate() {
        let y = LINE * index as f64 + 15.0;
        let class = strip.series.class();
        let low = strip.samples.iter().copied().fold(f64::INFINITY, f64::min);
        let high = strip
            .samples
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let (from, to) = (scale.at(low), scale.at(high));
        let name = escape(strip.name);
        let _ = write!(
            svg,
            r#"<g class="{class}"><title>{name}: median {} {unit}, {} to {} in {} rounds</title><text class="name" x="{}" y="{}">{name}</text><rect class="range" x="{from:.1}" y="{}" width="{:.1}" height="8" rx="4"/>"#,
            figure(strip.median),
            figure(low),
            figure(high),
            strip.samples.len(),
            NAMES - 10.0,
            y + 4.0,
            y - 4.0,
            (to - from).max(2.0),
        );
        for &sample in strip.samples {
            let _ = write!(
                svg,
                r#"<circle class="dot" cx="{:.1}" cy="{y}" r="2.2"/>"#,
                scale.at(sample)
            );
        }
        let x = scale.at(strip.median);
        let _ = write!(
            svg,
            r#"<line class="median" x1="{x:.1}" x2="{x:.1}" y1="{}" y2="{}"/><text class="figure" x="{}" y="{}">{}</text></g>"#,
            y - 7.0,
            y + 7.0,
            WIDTH,
            y + 4.0,
            figure(strip.median)
        );
    }
    svg + "</svg>"
}

/// One line of a line plot.
pub struct Line<'data> {
    /// Its name.
    pub name: &'data str,
    /// Its colour.
    pub series: Series,
    /// Where it goes: what is counted, the figure.
    pub points: Vec<(f64, f64)>,
}

/// How the horizontal axis of a line plot is labelled.
pub struct Axis<'data> {
    /// What is counted.
    pub title: &'data str,
    /// Where, and with which words.
    pub ticks: Vec<(f64, String)>,
    /// Whether equal factors are equally far apart.
    pub is_logarithmic: bool,
}

/// Lines over something counted, named at their right ends.
pub fn lines(lines: &[Line<'_>], axis: &Axis<'_>, unit: &str) -> String {
    const HEIGHT: f64 = 300.0;
    const LEFT: f64 = 40.0;
    const RIGHT: f64 = 304.0;
    let along = |value: f64| {
        if axis.is_logarithmic {
            value.ln()
        } else {
            value
        }
    };
    let ends = |pick: fn(f64, f64) -> f64, start: f64| {
        axis.ticks
            .iter()
            .map(|(at, _)| along(*at))
            .fold(start, pick)
    };
    let (first, last) = (
        ends(f64::min, f64::INFINITY),
        ends(f64::max, f64::NEG_INFINITY),
    );
    let x = |value: f64| {
        LEFT + 8.0 + (along(value) - first) / (last - first).max(1e-9) * (RIGHT - LEFT - 16.0)
    };
    let values = lines
        .iter()
        .flat_map(|line| line.points.iter().map(|point| point.1));
    let scale = Scale::over(values, HEIGHT - 40.0, 10.0);
    let mut svg = open(WIDTH, HEIGHT, axis.title);
    for (value, label) in scale.ticks() {
        let y = scale.at(value);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1}" y2="{y:.1}"/><text class="tick end" x="{}" y="{:.1}">{label}</text>"#,
            LEFT - 6.0,
            y + 4.0
        );
    }
    for (at, label) in &axis.ticks {
        let _ = write!(
            svg,
            r#"<text class="tick middle" x="{:.1}" y="{}">{}</text>"#,
            x(*at),
            HEIGHT - 22.0,
            escape(label)
        );
    }
    let _ = write!(
        svg,
        r#"<text class="tick middle" x="{}" y="{}">{}</text><text class="tick" x="0" y="8">{unit}</text>"#,
        f64::midpoint(LEFT, RIGHT),
        HEIGHT - 4.0,
        escape(axis.title)
    );
    for (line, label_y) in lines
        .iter()
        .zip(spread_labels(lines, &scale, HEIGHT - 44.0))
    {
        let path: Vec<String> = line
            .points
            .iter()
            .map(|&(at, value)| format!("{:.1},{:.1}", x(at), scale.at(value)))
            .collect();
        let name = escape(line.name);
        let _ = write!(
            svg,
            r#"<g class="{}"><title>{name}</title><polyline class="line" points="{}"/>"#,
            line.series.class(),
            path.join(" ")
        );
        for &(at, value) in &line.points {
            let _ = write!(
                svg,
                r#"<circle class="dot solid" cx="{:.1}" cy="{:.1}" r="3"><title>{name}: {} {unit}</title></circle>"#,
                x(at),
                scale.at(value),
                figure(value)
            );
        }
        if let Some(&(at, value)) = line.points.last() {
            let _ = write!(
                svg,
                r#"<polyline class="lead" points="{:.1},{:.1} {RIGHT},{:.1} {},{:.1}"/><text class="label" x="{}" y="{:.1}">{name}</text></g>"#,
                x(at),
                scale.at(value),
                scale.at(value),
                RIGHT + 12.0,
                label_y,
                RIGHT + 16.0,
                label_y + 4.0
            );
        }
    }
    svg + "</svg>"
}

/// Where the names at the right stand so that none covers another.
fn spread_labels(lines: &[Line<'_>], scale: &Scale, lowest: f64) -> Vec<f64> {
    const APART: f64 = 15.0;
    let mut order: Vec<(usize, f64)> = lines
        .iter()
        .map(|line| line.points.last().map_or(lowest, |point| scale.at(point.1)))
        .enumerate()
        .collect();
    order.sort_by(|one, other| one.1.total_cmp(&other.1));
    for index in 1..order.len() {
        order[index].1 = order[index].1.max(order[index - 1].1 + APART);
    }
    let mut limit = lowest;
    for slot in order.iter_mut().rev() {
        slot.1 = slot.1.min(limit);
        limit = slot.1 - APART;
    }
    let mut places = vec![0.0; lines.len()];
    for (index, y) in order {
        places[index] = y;
    }
    places
}

/// A logarithmic axis, or a linear one where the values are near each other or reach zero.
struct Scale {
    low: f64,
    high: f64,
    is_logarithmic: bool,
    from: f64,
    to: f64,
}

impl Scale {
    fn over(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low.is_finite() {
            (low, high)
        } else {
            (0.0, 1.0)
        };
        if low > 0.0 && high / low > 8.0 {
            return Self {
                low: low / 1.1,
                high: high * 1.1,
                is_logarithmic: true,
                from,
                to,
            };
        }
        Self {
            low: 0.0,
            high: if high > 0.0 { high * 1.05 } else { 1.0 },
            is_logarithmic: false,
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let share = if self.is_logarithmic {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round values inside, not too many.
    fn ticks(&self) -> Vec<(f64, String)> {
        let candidates: Vec<f64> = if self.is_logarithmic {
            let (first, last) = (
                self.low.log10().floor() as i32,
                self.high.log10().ceil() as i32,
            );
            let steps: &[f64] = match last - first {
                ..=2 => &[1.0, 2.0, 5.0],
                3..=4 => &[1.0, 3.0],
                _ => &[1.0],
            };
            (first..=last)
                .flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)))
                .collect()
        } else {
            let rough = (self.high - self.low) / 4.0;
            let power = 10_f64.powf(rough.log10().floor());
            let step = [1.0, 2.0, 2.5, 5.0, 10.0]
                .into_iter()
                .map(|factor| factor * power)
                .find(|step| *step >= rough)
                .unwrap_or(rough);
            (0..=5).map(|index| f64::from(index) * step).collect()
        };
        candidates
            .into_iter()
            .filter(|tick| (self.low..=self.high).contains(tick))
            .map(|tick| (tick, short(tick)))
            .collect()
    }

    fn draw_grid(&self, svg: &mut String, top: f64, bottom: f64, unit: &str) {
        for (index, (tick, label)) in self.ticks().into_iter().enumerate() {
            let x = self.at(tick);
            let words = if index == 0 {
                format!("{label} {unit}")
            } else {
                label
            };
            let _ = write!(
                svg,
                r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{top}" y2="{bottom}"/><text class="tick middle" x="{x:.1}" y="{}">{words}</text>"#,
                bottom + 15.0
            );
        }
    }
}

/// A tick's label: no more digits than it needs.
fn short(value: f64) -> String {
    if value >= 1e6 {
        format!("{}M", value / 1e6)
    } else if value >= 1e3 {
        format!("{}k", value / 1e3)
    } else {
        let text = format!("{value:.4}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        text.to_owned()
    }
}

fn open(width: f64, height: f64, title: &str) -> String {
    format!(
        r#"<svg viewBox="0 0 {width} {height}" role="img" aria-label="{}">"#,
        escape(title)
    )
}

/// Text that cannot be mistaken for markup.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_lies_inside_the_picture() {
        let samples = [1.0, 150.0, 3.0];
        let svg = strips(
            &[Strip {
                name: "a<b",
                series: Series::Ours,
                samples: &samples,
                median: 3.0,
            }],
            "ns",
        );
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("a&lt;b") && !svg.contains("a<b"));
        for place in svg.split("cx=\"").skip(1) {
            let x: f64 = place
                .split('"')
                .next()
                .and_then(|number| number.parse().ok())
                .expect("a number stands there");
            assert!((NAMES..=WIDTH - FIGURES).contains(&x));
        }
    }

    #[test]
    fn values_far_apart_get_a_logarithmic_axis_and_zero_a_linear_one() {
        let far = Scale::over([0.1, 100.0].into_iter(), 0.0, 100.0);
        assert!(far.is_logarithmic && !far.ticks().is_empty());
        let near = Scale::over([0.0, 100.0].into_iter(), 0.0, 100.0);
        assert!(!near.is_logarithmic);
        assert_eq!(near.at(0.0), 0.0);
        let nothing = Scale::over(std::iter::empty(), 0.0, 100.0);
        assert!(nothing.at(0.5).is_finite());
    }

    #[test]
    fn names_beside_lines_do_not_cover_each_other() {
        let line = |value: f64| Line {
            name: "x",
            series: Series::Floor,
            points: vec![(1.0, value)],
        };
        let all = [line(1.0), line(1.0), line(1.01), line(2.0)];
        let scale = Scale::over([1.0, 2.0].into_iter(), 260.0, 10.0);
        let mut places = spread_labels(&all, &scale, 256.0);
        places.sort_by(f64::total_cmp);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 14.99));
        assert!(places.last().is_some_and(|lowest| *lowest <= 256.0));
    }

    #[test]
    fn tick_labels_are_short() {
        assert_eq!(short(0.25), "0.25");
        assert_eq!(short(2_000.0), "2k");
        assert_eq!(short(1_000_000.0), "1M");
        assert_eq!(short(0.0), "0");
    }
}

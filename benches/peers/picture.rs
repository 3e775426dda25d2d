//! A picture of growth: an SVG with two logarithmic axes, on which linear growth is a straight line.

use std::fmt::Write as _;

/// What a picture says beside its lines.
pub struct Labels {
    pub title: &'static str,
    pub y: &'static str,
    pub x: &'static str,
}

/// Milliseconds by a size, such as the number of profiles.
pub struct Line {
    pub name: &'static str,
    pub points: Vec<(usize, f64)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
/// The smallest distance between the names at the ends of the lines.
const APART: f64 = 15.0;
/// Colours that people with colour blindness can also tell apart (Okabe and Ito).
const COLOURS: [&str; 8] =
    ["#0072b2", "#56b4e9", "#009e73", "#000000", "#d55e00", "#e69f00", "#cc79a7", "#7f7f7f"];

/// The axes: the first and the last power of ten.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn x(&self, log: f64) -> f64 {
        LEFT + (log - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, log: f64) -> f64 {
        HEIGHT - BOTTOM - (log - self.y.0) / (self.y.1 - self.y.0) * (HEIGHT - TOP - BOTTOM)
    }
}

/// Draws the lines.
pub fn draw(labels: &Labels, sizes: &[usize], lines: &[Line]) -> String {
    let all = || lines.iter().flat_map(|line| &line.points);
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), log| (low.min(log), high.max(log)));
        (low.floor(), high.ceil().max(low.floor() + 1.0))
    };
    let axes = Axes {
        x: ends(&mut sizes.iter().map(|size| log(*size))),
        y: ends(&mut all().map(|(_, ms)| ms.log10())),
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>{}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"22\">{}</text>\n",
        labels.title, labels.y
    );
    grid(&mut svg, &axes, sizes, labels.x);
    let mut names = Vec::new();
    for (line, colour) in lines.iter().zip(COLOURS) {
        let points: Vec<String> = line
            .points
            .iter()
            .map(|(size, ms)| format!("{:.1},{:.1}", axes.x(log(*size)), axes.y(ms.log10())))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        for point in &points {
            let (x, y) = point.split_once(',').unwrap_or_default();
            let _ = writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\"/>");
        }
        if let Some((size, ms)) = line.points.last() {
            names.push((axes.y(ms.log10()), axes.x(log(*size)), line.name, colour));
        }
    }
    let mut below = f64::MIN;
    names.sort_by(|one, other| one.0.total_cmp(&other.0));
    for (y, x, name, colour) in names {
        below = y.max(below + APART);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>",
            x + 10.0,
            below + 4.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn grid(svg: &mut String, axes: &Axes, sizes: &[usize], x_label: &str) {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let mut power = axes.y.0;
    while power <= axes.y.1 {
        let (y, ms) = (axes.y(power), 10f64.powf(power));
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#dddddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{ms}</text>",
            LEFT - 8.0,
            y + 4.0
        );
        power += 1.0;
    }
    for size in sizes {
        let x = axes.x(log(*size));
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"#dddddd\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 20.0,
            grouped(*size)
        );
    }
    let _ =
        writeln!(svg, "<text x=\"{right}\" y=\"{:.1}\" text-anchor=\"end\">{x_label}</text>", bottom + 40.0);
}

#[allow(clippy::cast_precision_loss)] // At most 100,000.
fn log(size: usize) -> f64 {
    (size as f64).log10()
}

/// Returns a number with thousands separators.
pub fn grouped(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

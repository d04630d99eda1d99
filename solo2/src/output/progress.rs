//! Bars on a terminal's stderr while files move, one for each.
//!
//! Whatever else is said meanwhile goes around them ([`Bars::around`]), so a
//! line never lands in the middle of one. Nothing of them stays: a finished
//! file has its event, and a dropped [`Bars`] leaves a clean line.
//! Whether anybody sees them is [`Output`](super::Output)'s to know.
//! Spec: docs/cli.md §3.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use super::human;
use crate::{event, size};

/// Files with a bar at a time; more would push everything else off the screen.
const MOST: usize = 8;
/// The longest name in front of a bar, characters.
const LONGEST_NAME: usize = 30;

/// The bars of the files that move now.
#[derive(Debug)]
pub(crate) struct Bars {
    all: Option<MultiProgress>,
    running: RefCell<BTreeMap<String, ProgressBar>>,
}

impl Bars {
    /// Bars that nobody sees.
    pub(crate) fn hidden() -> Bars {
        Bars {
            all: None,
            running: RefCell::default(),
        }
    }

    /// Bars on stderr, which is a terminal.
    pub(crate) fn on_stderr() -> Bars {
        Bars::on(ProgressDrawTarget::stderr())
    }

    fn on(target: ProgressDrawTarget) -> Bars {
        Bars {
            all: Some(MultiProgress::with_draw_target(target)),
            running: RefCell::default(),
        }
    }

    /// Moves a file's bar, or takes it away when its event says that it is over.
    pub(crate) fn note(&self, event: &Value) {
        // There is one document at a time; it has no id.
        let id = match event::kind(event).split_once('.') {
            Some((what @ ("export" | "import" | "verify" | "tor"), _)) => Some(what),
            _ => event["id"].as_str(),
        };
        let (Some(all), Some(id)) = (&self.all, id) else {
            return;
        };
        let mut running = self.running.borrow_mut();
        let progress = event::kind(event).ends_with(".progress");
        let (moves, bytes, size) = match id {
            "tor" => {
                let percent = event["bootstrap"].as_u64().unwrap_or_default();
                (event["ready"] != true, percent, Some(100))
            }
            _ => {
                let bytes = event["bytes"].as_u64().unwrap_or_default();
                let size = event["size"].as_u64();
                let moves = size.is_none_or(|size| bytes < size);
                (moves, bytes, size)
            }
        };
        let moves = progress && moves;
        if !moves {
            if let Some(bar) = running.remove(id) {
                bar.finish_and_clear();
                all.remove(&bar);
            }
            return;
        }
        if !running.contains_key(id) {
            if running.len() >= MOST {
                return;
            }
            let bar = all.add(ProgressBar::no_length());
            bar.set_style(style(size));
            bar.set_prefix(name(event));
            running.insert(id.to_owned(), bar);
        }
        if let Some(bar) = running.get(id) {
            if let Some(size) = size {
                bar.set_length(size);
            }
            bar.set_position(bytes);
            bar.set_message(telling(event));
        }
    }

    /// Says something with the bars out of the way.
    pub(crate) fn around<T>(&self, say: impl FnOnce() -> T) -> T {
        match &self.all {
            Some(all) if !self.running.borrow().is_empty() => all.suspend(say),
            _ => say(),
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.running.get_mut().values() {
            bar.finish_and_clear();
        }
    }
}

/// What has no known size has no bar, only its numbers.
fn style(size: Option<u64>) -> ProgressStyle {
    let template = match size {
        Some(_) => "{prefix} [{wide_bar}] {msg}",
        None => "{prefix} {msg}",
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// The file's name, or its id when it comes without one.
fn name(event: &Value) -> String {
    let name = match event["name"].as_str() {
        _ if event::kind(event) == "export.progress" => "export".to_owned(),
        _ if event::kind(event) == "verify.progress" => "check".to_owned(),
        _ if event::kind(event) == "import.progress" => "import".to_owned(),
        _ if event::kind(event) == "tor.progress" => "Tor".to_owned(),
        Some(_) => human::field(event, "/name").line(),
        None => human::field(event, "/id").line(),
    };
    if name.chars().count() <= LONGEST_NAME {
        return name;
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

/// `3.0 MiB of 10.0 GiB, 50.0 MiB/s, 3m left, direct`; of Tor `45 %`, and what is in the way.
fn telling(event: &Value) -> String {
    if event::kind(event) == "tor.progress" {
        let percent = human::field(event, "/bootstrap").line();
        return match event["blocked"].is_string() {
            true => format!("{percent} %; {}", human::field(event, "/blocked").line()),
            false => format!("{percent} %"),
        };
    }
    let bytes = event["bytes"].as_u64().unwrap_or_default();
    let rate = event["rate_bps"].as_u64().unwrap_or_default();
    let mut text = size::about(bytes);
    if let Some(size) = event["size"].as_u64() {
        text.push_str(&format!(" of {}", size::about(size)));
    }
    text.push_str(&format!(", {}/s", size::about(rate)));
    if let Some(size) = event["size"].as_u64()
        && let Some(seconds) = size.saturating_sub(bytes).checked_div(rate)
    {
        let left = HumanDuration(Duration::from_secs(seconds));
        text.push_str(&format!(", {left:#} left"));
    }
    if event["route"].is_string() {
        text.push_str(&format!(", {}", human::field(event, "/route").line()));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    /// A terminal that keeps what was written and how often a line was cleared.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<(String, usize)>>);

    impl Screen {
        fn written(&self) -> String {
            std::mem::take(&mut self.0.lock().expect("screen").0)
        }

        fn cleared(&self) -> usize {
            self.0.lock().expect("screen").1
        }
    }

    impl indicatif::TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().expect("screen").0.push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().expect("screen").1 += 1;
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn progress(id: &str, name: &str, bytes: u64) -> Value {
        json!({"v": 1, "type": "file.progress", "id": id, "name": name, "bytes": bytes,
            "size": 10 << 20, "rate_bps": 1 << 20, "route": "direct", "resumed_from": 0})
    }

    fn screen() -> (Screen, Bars) {
        let screen = Screen::default();
        let bars = Bars::on(ProgressDrawTarget::term_like(Box::new(screen.clone())));
        (screen, bars)
    }

    #[test]
    fn a_bar_tells_name_bytes_rate_time_and_route() {
        assert_eq!(
            telling(&progress("f_1", "x", 5 << 20)),
            "5.0 MiB of 10.0 MiB, 1.0 MiB/s, 5s left, direct"
        );
        let endless = json!({"bytes": 2048, "size": null, "rate_bps": 0});
        assert_eq!(telling(&endless), "2.0 KiB, 0 B/s");
        let (screen, bars) = screen();
        bars.note(&progress("f_1", "report.pdf", 5 << 20));
        let shown = screen.written();
        assert!(shown.contains("report.pdf ["), "{shown:?}");
    }

    #[test]
    fn a_hostile_name_cannot_reach_the_terminal() {
        let (screen, bars) = screen();
        let evil = format!("\u{1b}]0;x\u{7}\n\u{202e}{}", "y".repeat(500));
        bars.note(&progress("f_1", &evil, 1));
        let shown = screen.written();
        assert!(shown.contains("]0;x"), "{shown:?}");
        assert!(
            !shown.contains(['\u{1b}', '\u{7}', '\u{202e}', '\n']),
            "{shown:?}"
        );
        assert!(!shown.contains(&"y".repeat(LONGEST_NAME)), "{shown:?}");
    }

    #[test]
    fn a_file_that_is_over_has_no_bar() {
        let (_screen, bars) = screen();
        for (id, last) in [
            ("f_1", progress("f_1", "x", 10 << 20)),
            ("f_2", json!({"type": "file.done", "id": "f_2"})),
            ("f_3", json!({"type": "file.failed", "id": "f_3"})),
        ] {
            bars.note(&progress(id, "x", 1));
            assert_eq!(bars.running.borrow().len(), 1, "{id}");
            bars.note(&last);
            assert!(bars.running.borrow().is_empty(), "{id}");
        }
    }

    #[test]
    fn many_files_do_not_fill_the_screen() {
        let (_screen, bars) = screen();
        for number in 0..100 {
            bars.note(&progress(&format!("f_{number}"), "x", 1));
        }
        assert_eq!(bars.running.borrow().len(), MOST);
    }

    #[test]
    fn bars_leave_when_something_else_is_said_and_at_the_end() {
        let (screen, bars) = screen();
        bars.note(&progress("f_1", "x", 1));
        let before = screen.cleared();
        let during = bars.around(|| screen.cleared());
        assert!(during > before);
        let before = screen.cleared();
        drop(bars);
        assert!(screen.cleared() > before);
    }

    #[test]
    fn tor_has_a_bar_until_connections_can_be_made() {
        let at = |percent: u8, ready: bool, blocked: Option<&str>| json!({"v": 1, "type": "tor.progress", "ready": ready, "bootstrap": percent, "blocked": blocked});
        let stuck = "no \u{1b}[2Jnetwork";
        assert_eq!(telling(&at(15, false, None)), "15 %");
        assert!(!telling(&at(0, false, Some(stuck))).contains('\u{1b}'));
        let (screen, bars) = screen();
        bars.note(&at(15, false, None));
        let shown = screen.written();
        assert!(shown.contains("Tor ["), "{shown:?}");
        bars.note(&at(100, true, None));
        assert!(bars.running.borrow().is_empty());
    }

    #[test]
    fn hidden_bars_keep_nothing() {
        let bars = Bars::hidden();
        bars.note(&progress("f_1", "x", 1));
        assert!(bars.running.borrow().is_empty());
        assert_eq!(bars.around(|| 7), 7);
    }
}

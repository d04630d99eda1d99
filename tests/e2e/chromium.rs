//! Chromium without a window, and one page in it.
//!
//! It is asked over its own pipe (`--remote-debugging-pipe`: JSON ended by a zero byte),
//! so that no port is opened and a page without scripts can be looked at, too.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    /// The page's name in the protocol.
    session: String,
    calls: u64,
    /// What happened besides answers.
    pub(crate) events: Vec<Value>,
}

impl Browser {
    /// Starts it with everything it keeps below `directory`.
    pub(crate) fn start(directory: &Path, flags: &[&str]) -> Browser {
        let mut command = Command::new("sh");
        // What it is asked comes on descriptor 3, what it answers goes to 4.
        command.args([
            "-c",
            r#"exec chromium "$@" 3<&0 4>&1 </dev/null >/dev/null"#,
            "sh",
        ]);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--remote-debugging-pipe",
        ]);
        let data = directory.join("chromium");
        command.arg(format!("--user-data-dir={}", data.display()));
        command.args(flags);
        command.env("HOME", directory.join("nobody"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium starts");
        let mut answers = BufReader::new(child.stdout.take().expect("piped"));
        let (say, from) = mpsc::channel();
        thread::spawn(move || {
            let mut answer = Vec::new();
            while answers.read_until(0, &mut answer).is_ok_and(|len| len > 0) {
                let value = serde_json::from_slice(answer.strip_suffix(&[0]).unwrap_or(&answer));
                answer.clear();
                if value.is_ok_and(|value| say.send(value).is_err()) {
                    return;
                }
            }
        });
        let to = child.stdin.take().expect("piped");
        let mut browser = Browser {
            child,
            to,
            from,
            session: String::new(),
            calls: 0,
            events: Vec::new(),
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().expect("text").to_owned();
        for domain in ["Page.enable", "Network.enable", "Runtime.enable"] {
            browser.call(domain, json!({}));
        }
        browser
    }

    /// One method of the protocol, answered without an error.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut ask = json!({"id": self.calls, "method": method, "params": params});
        if !self.session.is_empty() {
            ask["sessionId"] = json!(self.session);
        }
        self.to
            .write_all(format!("{ask}\0").as_bytes())
            .expect("chromium reads");
        self.to.flush().expect("chromium reads");
        loop {
            let answer = self.next();
            if answer["id"] == self.calls {
                assert_eq!(answer["error"], Value::Null, "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// The next answer or event.
    pub(crate) fn next(&mut self) -> Value {
        let answer = self.from.recv_timeout(Duration::from_secs(60));
        answer.expect("chromium answers")
    }

    /// What an expression comes to, once its promise is kept.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let ask = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", ask);
        assert_eq!(answer["exceptionDetails"], Value::Null, "{answer}");
        answer["result"]["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The threads. The first worker is who started the server; every other has a thread and a
//! runtime of its own, serves UDP with its own sockets, and shares the engine.
//!
//! All begin before the sandbox closes, and none after.

use std::io;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{self, LocalSet, spawn_local};

use super::io::{Listener, Pump};
use super::listen::Bound;
use super::shared::Shared;

/// Something to do on another thread.
type Job = Box<dyn FnOnce() + Send>;

/// All workers but the first. They end when this is dropped.
pub(super) struct Workers(Vec<Worker>);

struct Worker {
    /// It ends with its last job.
    jobs: UnboundedSender<Job>,
    thread: JoinHandle<()>,
}

impl Drop for Workers {
    fn drop(&mut self) {
        for Worker { jobs, thread } in self.0.drain(..) {
            drop(jobs);
            // Who panicked has ended, too.
            let _ = thread.join();
        }
    }
}

impl Workers {
    /// Starts a worker for each share of the listening sockets, and waits until all serve.
    pub(super) fn start(shared: &Arc<Shared>, shares: Vec<Vec<Bound>>) -> io::Result<Self> {
        let (ready, answers) = mpsc::channel();
        let mut workers = Self(Vec::new());
        for (number, share) in (2..).zip(shares) {
            let (jobs, to_do) = unbounded_channel();
            let (shared, ready) = (Arc::clone(shared), ready.clone());
            let thread = thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || work(shared, share, to_do, &ready))?;
            workers.0.push(Worker { jobs, thread });
        }
        drop(ready);
        for _ in &workers.0 {
            answers.recv().map_err(io::Error::other)??;
        }
        Ok(workers)
    }

    /// Does this on every thread, and waits for all.
    pub(super) fn each<T: Send + 'static>(
        &self,
        what: impl Fn() -> T + Clone + Send + 'static,
    ) -> Vec<T> {
        let (done, answers) = mpsc::channel();
        for worker in &self.0 {
            let (what, done) = (what.clone(), done.clone());
            // Who has ended does nothing.
            let _ = worker.jobs.send(Box::new(move || drop(done.send(what()))));
        }
        drop(done);
        let here = what();
        answers.into_iter().chain([here]).collect()
    }
}

/// Begins to serve a share, in the current `LocalSet`.
pub(super) fn serve(
    shared: Arc<Shared>,
    share: Vec<Bound>,
) -> io::Result<(Rc<Pump>, Vec<task::JoinHandle<()>>)> {
    let listeners = share.into_iter().map(|bound| {
        let address = bound.address;
        let udp = bound.serve()?;
        Ok(Listener { udp, address })
    });
    let listeners = listeners.collect::<io::Result<Vec<_>>>()?;
    let numbers = 0..u16::try_from(listeners.len()).unwrap_or(u16::MAX);
    let pump = Pump::new(shared, listeners);
    let serve = |number| spawn_local(Rc::clone(&pump).serve_clients(number));
    let tasks = numbers.map(serve).collect();
    Ok((pump, tasks))
}

/// The life of a worker.
fn work(
    shared: Arc<Shared>,
    share: Vec<Bound>,
    mut jobs: UnboundedReceiver<Job>,
    ready: &mpsc::Sender<io::Result<()>>,
) {
    let runtime = runtime::Builder::new_current_thread().enable_io().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    LocalSet::new().block_on(&runtime, async {
        let begun = serve(shared, share).map(drop);
        // Who waits for it has gone only if another worker failed.
        let _ = ready.send(begun);
        while let Some(job) = jobs.recv().await {
            job();
        }
    });
}

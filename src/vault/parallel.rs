//! Shares work on many records among threads.

use std::thread;

use strongroom_backends::stack;

/// From this many items on, threads are worth starting.
const PARALLEL_FROM: usize = 64;
/// The most threads.
const THREADS_MAX: usize = 8;

/// Returns the results of `work` for the items, in their order.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if items.len() < PARALLEL_FROM {
        return items.iter().map(work).collect();
    }
    spread(items, work)
}

/// Does the same as [`map`], but on threads even for few items. If the system provides no thread, this one does the
/// work.
pub fn spread<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let work = &work;
    let each = |chunk: &[T]| stack::wiped(|| chunk.iter().map(work).collect::<Vec<R>>());
    thread::scope(|scope| {
        let chunks = items.chunks(items.len().div_ceil(threads).max(1));
        let workers: Vec<_> =
            chunks.map(|chunk| (chunk, stack::thread().spawn_scoped(scope, move || each(chunk)))).collect();
        workers
            .into_iter()
            .flat_map(|(chunk, worker)| match worker {
                Ok(worker) => worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(_) => each(chunk),
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        for count in [0, 1, PARALLEL_FROM - 1, PARALLEL_FROM, 1001] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(map(&items, |n| n * 2), items.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}

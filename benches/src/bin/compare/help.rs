//! What `--help` says below the options.

pub(crate) const HELP: &str = "\
Sides of this project (training steps: module and burn):
  prepared      Vgg::prepare: what the library's Classifier runs
  prepared-f16  the same with the linear layers' weights in half precision, on the backend flex
  module        Vgg::forward with the default engine; training with this project's optimizers
  burn          Vgg::forward with Burn's own operations; training with Burn's optimizers
A side on another backend than flex is named with it: module/wgpu. Any other name is a framework of
--peers.

Examples:
  compare                                        the small network, this project's three sides
  compare --models vgg16,vgg19 --batch 1,8 --peers scripts/peers.py
  compare --sides module,burn --batch 64 --tasks sgd,adam --format markdown
  compare --sides module --backends flex,ndarray,wgpu --baseline module/ndarray
  compare --save before.json; compare --against before.json
  compare --show before.json --format svg > before.svg
  compare --profile --models vgg16 --sides burn --format svg > roofline.svg

Rows are printed when all rounds of their workload are done (json and svg at the end), progress goes to
standard error. Ctrl-C or SIGTERM stops the run: the rows that are there are printed and kept, those of
the workload at hand from the rounds that were whole; a second one leaves at once. A side that fails,
even in a later round, is a row that says why, beside the others.

Exit codes: 0; 1 if a side is slower than in --against, or fails now; 2 for anything wrong with the
options or the files, and if all sides of a workload failed; 3 if a device's speed kept changing by more
than 10 %; 130 if the run was stopped.

On the processor a side is a process of its own in each round, as a network's speed depends on where its
weights lie in memory; so is its first call, whose time and memory are shown. On a GPU a side's process
stays for all rounds, so that kernels are compiled and chosen once; all sides of a workload are in its
memory at once. Memory is that of the device, – where the backend does not tell.

The program of --peers is called as `PROGRAM run PEER THREADS WORKLOAD`, with the environment
variable BENCH_SECONDS set, and prints lines of tab-separated fields: peer, workload, threads, median
milliseconds, least milliseconds, number of runs; and if it ran on a GPU also what that calls itself,
milliseconds of a fixed piece of work on it before and behind, bytes of its memory or nothing. Before
them may stand a line peer, about, and what the framework is: its version and precision. A program that
fails says why in its last line on standard error.

For tests, in the environment: COMPARE_SLOWDOWN=0.2 adds 20 % of busy waiting to every call;
COMPARE_AS_GPU=flex treats that backend as if it were a GPU's.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_fits_a_terminal() {
        assert!(HELP.lines().all(|line| line.chars().count() <= 105));
    }
}

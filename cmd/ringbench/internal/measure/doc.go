// Package measure takes the numbers of ringbench run and of ringbench clock.
//
// Exact numbers (balance, moves, memory, faults of replicas, allocations) depend
// on the keys and the nodes alone, or on the clocks, and are counted once. Times
// are measured so that two runs of the same code agree on a machine that does
// other things as well:
//
//   - The unit of replication is an instance: a placement or clocks built anew on
//     memory drawn anew, since the same code on other addresses differs from
//     itself by up to 8 %. Each pass builds two of every configuration, called
//     twins; what they differ by is how far the same code differs from itself.
//   - Each instance is visited several times a pass, in random order over all
//     configurations, so that drift hits all alike. A visit warms the caches and
//     times a few batches of about a quarter of a millisecond.
//   - A fixed reference, arithmetic that fills the core and touches no memory,
//     runs just before and just after every batch. Where two hardware threads
//     share a core, work on the other one slows a batch down by up to 1.8 times
//     and the reference with it. A batch is quiet if both references ran at the
//     best speed of the run within [quietSlack]; only quiet batches count.
//   - A pass without enough quiet batches is repeated until patience ends. A row
//     that still lacks them is marked busy, and what is busy is never compared.
//
// A sample of a row is the median of the quiet batches of one instance; the
// value of the row is the median of its samples.
package measure

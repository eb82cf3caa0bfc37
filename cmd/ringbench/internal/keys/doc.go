// Package keys reads or makes the keys that ringbench places: from files and
// standard input in several formats, from generators, and from the data that
// ships with the command.
//
// [Parse] reads a spec such as "zipf:n=1e6,s=0.99" or "file:access.log.gz" and
// returns a [Source]. [Source.Each] streams its records in constant memory;
// [Source.Load] holds them as a [Set], a multiset in input order: a key that
// comes a thousand times is stored once and counts a thousand times.
//
// A line that holds no key is skipped, counted and explained in [Skips]. Input
// without a single key is an error.
//
// A generator depends on its spec and its seed alone. The same two give the
// same keys in every run and on every platform, with one exception: zipf draws
// through exp and log, which may differ in the last bit between processor
// architectures, so about one draw in 10^10 may differ there.
//
// A Source may be used by one goroutine at a time. A Set does not change once
// loaded and may be read by any number.
package keys

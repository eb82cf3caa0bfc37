// Package wire is the format of everything that two nodes say to each other:
// preambles, records, frames, the messages inside frames, and the CBOR of
// message bodies. It appends to and parses from byte slices, and knows neither
// connections nor clocks nor keys.
//
// A frame is a length of four bytes and a CBOR array [kind, ...]. [Append]
// writes any [Msg] as a frame, and AppendCall and its like write one kind each
// without a Msg. [ParseFrame] cuts a frame off a stream; [Parse] reads the array
// into a Msg whose slices share the frame's memory. None of them allocates, but
// for what append grows and for a text that is not UTF-8.
//
// What Append and its like write is the core deterministic encoding of
// RFC 8949. Parse takes nothing else of a message that it knows: integers in
// their shortest form, definite lengths, every element within its limit, and
// nothing behind the array. Elements behind those it knows are skipped, and so
// are messages of kinds that a later version may define, so that they can be
// added; they too must be well-formed.
//
// [Marshal], [AppendValue] and [Unmarshal] encode and decode bodies, with a
// library and strict options.
//
// Every function may be called by any number of goroutines at once; a Msg
// belongs to one at a time. The package imports only the standard library and
// fxamacker/cbor. See docs/wire-format.md.
package wire

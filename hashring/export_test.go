package hashring

// Truncated returns options whose positions have their low bits cleared, so
// that points and keys meet often.
func Truncated(o Options, bits uint8) Options {
	o.truncate = bits
	return o
}

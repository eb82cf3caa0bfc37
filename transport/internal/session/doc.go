// Package session turns a connection into an authenticated session between two
// named nodes, and guards the door before that.
//
// [Secrets] are what a node proves itself with: the cookie that it uses and
// those that it accepts. [Initiate] and [Respond] are the two ends of the
// handshake, Noise_NNpsk0_25519_AESGCM_SHA256 with optional TLS 1.3 outside it.
// A [Session] is what comes out: it seals a stream of bytes into records and
// opens those of the peer. A [Gate] accepts connections and bounds what
// strangers can cost.
//
// What holds for any input: nothing of the peer is decoded, and no memory is
// taken for a length that it names, before it is authenticated; a responder
// hands nothing out before the initiator's first record is verified, so a
// replayed handshake changes nothing; any record that is altered, missing,
// repeated or out of place ends the session without a message; the end of the
// connection without a close record is a failure, never a farewell.
//
// Secrets may be used by any number of goroutines. A Session has one writer and
// one reader at a time; Close may be called from anywhere. No secret appears in
// an error, a warning or a log line. Time is read through deadlines, contexts
// and timers only, so that everything runs in a testing/synctest bubble.
//
// See docs/security.md for the threat model.
package session

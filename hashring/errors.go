package hashring

import "errors"

// The errors of this package wrap one of these; use [errors.Is].
var (
	// ErrID reports an id or zone that is empty (ids only), longer than
	// [MaxIDLen], or not UTF-8.
	ErrID = errors.New("bad id")
	// ErrDuplicate reports an id given twice where each must be new.
	ErrDuplicate = errors.New("duplicate id")
	// ErrUnknown reports an id that the ring lacks.
	ErrUnknown = errors.New("unknown node")
	// ErrWeight reports a weight outside 1 to [MaxWeight].
	ErrWeight = errors.New("weight out of range")
	// ErrMeta reports metadata longer than [MaxMetaLen].
	ErrMeta = errors.New("metadata too long")
	// ErrTooManyNodes reports a ring of more than [MaxNodes] nodes.
	ErrTooManyNodes = errors.New("too many nodes")
	// ErrTooManyPoints reports a ring of more than [MaxPoints] points, or a
	// decoded one of more than its [Limits] allow.
	ErrTooManyPoints = errors.New("too many points")
	// ErrOptions reports options out of range, or two rings whose options
	// differ where they must agree.
	ErrOptions = errors.New("bad options")
	// ErrProbes reports a question that has no answer with Probes > 1, where a
	// node owns no arcs of the circle.
	ErrProbes = errors.New("no arcs with more than one probe")
	// ErrEncoding reports bytes that are not an encoded ring.
	ErrEncoding = errors.New("bad encoding")
	// ErrVersion reports an encoding of a version that this package does not
	// read.
	ErrVersion = errors.New("unknown version")
	// ErrFingerprint reports an encoding whose nodes do not have the
	// fingerprint that it states.
	ErrFingerprint = errors.New("fingerprint mismatch")
	// ErrBound reports a load bound that is not a number of at least 1.
	ErrBound = errors.New("bad load bound")
	// ErrDone reports the use of a [Tx] after its Update returned.
	ErrDone = errors.New("update is over")
)

package system

// The messages of actors in the same process: pointers that are passed on, not
// copied.
type (
	localCall struct{ body []byte }
	localCast struct{ body []byte }
)

package wire

// A Name says which server of the node a message is for: an index that a NAME
// message bound before, or the name itself if Text is not empty.
type Name struct {
	Text  []byte // UTF-8, at most NameMax bytes
	Index uint32 // below NamesMax
}

// A Msg is a message of any kind. Each kind uses some of the fields, as the
// comments say; [Append] ignores the others and [Parse] leaves them zero.
//
// The slices of a Msg that Parse filled share the memory it was parsed from.
type Msg struct {
	Kind    Kind
	Lane    Lane // CALL, CAST, MULTI, OPEN
	Mode    Mode // OPEN
	HasSize bool // OPEN: Size is known

	TTL   uint32 // CALL, OPEN: milliseconds until the caller gives up
	Corr  uint64 // CALL, REPLY, ERROR, CANCEL, OPEN, MONITOR, DOWN, DEMONITOR: which call, or which monitor
	Sid   uint64 // OPEN, DATA, CREDIT, END, STOP: which stream; of CREDIT, 0 is the connection's window for requests
	Seq   uint64 // PING, PONG: which ping
	Count uint64 // CREDIT: bytes; PING, PONG, ACK: requests accepted so far; DROPPED: casts
	Size  uint64 // OPEN: bytes that the stream will have

	Dst  Name   // CALL, CAST, CANCEL, OPEN of a request, MONITOR, DROPPED; of NAME, both fields
	Dsts []Name // MULTI: 1 to DstsMax; Parse uses the memory again

	Hdr  []byte // CALL, CAST, MULTI, OPEN: nil if there is none
	Body []byte // CALL, REPLY, CAST, MULTI, DATA, OPEN of a mode that streams
	Code []byte // ERROR, DOWN, GOAWAY, DROPPED: empty if there is none; END: nil if the stream is complete
	Text []byte // ERROR, DOWN, GOAWAY, DROPPED, END with a Code: for people
	Data []byte // ERROR, GOAWAY: nil if there is none
}

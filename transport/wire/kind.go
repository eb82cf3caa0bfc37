package wire

import "strconv"

// A Kind says what a message is: the first element of its array.
type Kind uint8

// The kinds of version 1.
const (
	KindCall      Kind = 1  // a request that wants an answer
	KindReply     Kind = 2  // the answer
	KindError     Kind = 3  // the answer, if it is an error
	KindCast      Kind = 4  // a request that wants none
	KindCancel    Kind = 5  // the caller gave up
	KindOpen      Kind = 6  // a stream begins, see Mode
	KindData      Kind = 7  // a chunk of a stream
	KindCredit    Kind = 8  // so many bytes more may be sent
	KindEnd       Kind = 9  // a stream ends
	KindMonitor   Kind = 10 // tell me when this server is down
	KindDown      Kind = 11 // it is
	KindDemonitor Kind = 12 // tell me no more
	KindPing      Kind = 13 // are you there
	KindPong      Kind = 14 // I am
	KindGoAway    Kind = 15 // no more requests, I am closing
	KindMulti     Kind = 16 // a cast to several servers of the node
	KindStop      Kind = 17 // the reader of a stream wants no more
	KindName      Kind = 18 // an index stands for a name from now on
	KindAck       Kind = 19 // so many requests were accepted
	KindDropped   Kind = 20 // casts were dropped
)

// kindFree is the first kind that a later version may define. Messages of such
// kinds are ignored by those who do not know them.
const kindFree = 32

// Known reports whether version 1 defines k. A message of another kind, which
// [Parse] has accepted, must be ignored.
func (k Kind) Known() bool { return k >= KindCall && k <= KindDropped }

// String returns the kind's name in docs/wire-format.md, such as CALL, or its
// number.
func (k Kind) String() string {
	switch k {
	case KindCall:
		return "CALL"
	case KindReply:
		return "REPLY"
	case KindError:
		return "ERROR"
	case KindCast:
		return "CAST"
	case KindCancel:
		return "CANCEL"
	case KindOpen:
		return "OPEN"
	case KindData:
		return "DATA"
	case KindCredit:
		return "CREDIT"
	case KindEnd:
		return "END"
	case KindMonitor:
		return "MONITOR"
	case KindDown:
		return "DOWN"
	case KindDemonitor:
		return "DEMONITOR"
	case KindPing:
		return "PING"
	case KindPong:
		return "PONG"
	case KindGoAway:
		return "GOAWAY"
	case KindMulti:
		return "MULTI"
	case KindStop:
		return "STOP"
	case KindName:
		return "NAME"
	case KindAck:
		return "ACK"
	case KindDropped:
		return "DROPPED"
	}
	return "kind " + strconv.Itoa(int(k))
}

// A Lane is the queue that a request waits in: an urgent one overtakes normal
// ones.
type Lane uint8

// The lanes of version 1.
const (
	LaneNormal Lane = 0
	LaneUrgent Lane = 1
)

// A Mode says what an OPEN opens.
type Mode uint8

// The modes of version 1.
const (
	ModeCall        Mode = 0 // the stream is the body of a call
	ModeCast        Mode = 1 // the stream is the body of a cast
	ModeReply       Mode = 2 // the stream is the body of a reply
	ModeCallStream  Mode = 3 // a call, with a stream for the handler to read
	ModeReplyStream Mode = 4 // a reply, with a stream for the caller to read
)

// Request reports whether an OPEN of this mode names a server, as a call or a
// cast does. The others answer a call.
func (o Mode) Request() bool { return o == ModeCall || o == ModeCast || o == ModeCallStream }

// Streams reports whether an OPEN of this mode has a body beside its stream.
// In the other modes the stream is the body.
func (o Mode) Streams() bool { return o == ModeCallStream || o == ModeReplyStream }

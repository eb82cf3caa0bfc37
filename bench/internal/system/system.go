package system

import (
	"fmt"
	"slices"
)

// A Kind says what a system is to the goals.
type Kind string

const (
	// Ours is this project.
	Ours Kind = "ours"
	// Rival is a system that goals are set against. It encrypts if it can.
	Rival Kind = "rival"
	// Plain is a rival that could encrypt and does not. It is shown beside its
	// encrypted twin and counts only for what stays within a process.
	Plain Kind = "plain"
	// Apart is a system that is shown and counts for no goal.
	Apart Kind = "apart"
	// Floor is the least that a message can cost: bytes on a socket, or a
	// channel.
	Floor Kind = "floor"
)

// A System is a way for two processes, or two goroutines, to talk.
type System struct {
	Name string
	Kind Kind
	Note string
	// Twin is the name of the same system with encryption, if this one is Plain.
	Twin string
	// CallsMax is the largest number of calls that may be outstanding. 0 means
	// that there is no limit.
	CallsMax int
	// Serve starts the serving side. It is nil for a system that is measured
	// within a process only.
	Serve func(*Sink) (*Server, error)
	// Dial connects to a server of another process.
	Dial func(addr string) (Client, error)
	// Local starts a server for its own process. It is nil for a system that
	// always takes the network.
	Local func() (Local, error)
}

// A Server is the serving side of a system.
type Server struct {
	Addr  string // what Dial takes, without spaces
	Close func()
}

// A Client is the calling side of a system.
type Client interface {
	// Call sends a request and returns the reply, which may use the memory of
	// rep. Any number of goroutines may call at once, up to CallsMax.
	Call(rep, req []byte) ([]byte, error)
	// Cast sends a message to the sink of the server. One goroutine casts at a
	// time; others may call meanwhile. The body must not change afterwards.
	Cast(body []byte) error
	// Flush sends what Cast has kept back.
	Flush() error
	Close() error
}

// A Reporter is a client that is told of casts that were lost after it had taken
// them.
type Reporter interface {
	// Reported returns how many there were.
	Reported() int
}

// A Streamer is a client that has a better way to transfer many bytes than
// casts of 64 KiB.
type Streamer interface {
	// Stream transfers n bytes to the server and returns when the server has
	// read them.
	Stream(n int) error
}

// A Local is a server within the process. The loops are in the adapter, so that
// no call through an interface is timed.
type Local interface {
	// Calls makes n calls one after the other.
	Calls(n int) error
	// Casts makes n casts and returns when the last has been handled.
	Casts(n int) error
	Close()
}

// All returns the systems that are written in Go, ours first.
func All() []System {
	return slices.Concat(
		[]System{genServer(), channel(), pingPong(), multiplexed()},
		netRPC(), grpcUnary(), grpcStream(), drpcPool(), ttrpcConn(), natsServer(), actors(),
	)
}

// ByName returns the system of that name.
func ByName(name string) (System, error) {
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
	}
	return System{}, fmt.Errorf("system %q: no such system", name)
}

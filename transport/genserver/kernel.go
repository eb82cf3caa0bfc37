package genserver

import (
	"context"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// A Kernel is what servers and their callers need of a node: the names that
// the node serves, and a way to other nodes. [transport.Kernel] is one.
//
// Servers on the kernel's own node are called without it, so that Call, Cast,
// CastMulti and Monitor are given other nodes only.
type Kernel interface {
	ID() string
	EncodeLocal() bool
	CallTimeout() time.Duration

	Register(name string, s transport.Service) error
	Unregister(name string, s transport.Service, reason error)
	Down(name string, s transport.Service, reason error)
	Lookup(name string) (transport.Service, bool)

	Call(ctx context.Context, node, name string, m transport.Message) (transport.Answer, error)
	Cast(ctx context.Context, node, name string, m transport.Message) error
	CastMulti(ctx context.Context, node string, names []string, m transport.Message) error
	Monitor(node, name string, down func(error)) (stop func())
}

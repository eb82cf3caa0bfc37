package session

import (
	"fmt"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// A Role says what a peer may ask for. The initiator's role chooses the key of
// the handshake, so a peer has a role only if it knows that role's key.
type Role byte

// The roles, from the most to the least powerful.
const (
	Node     Role = wire.RoleNode     // everything
	Admin    Role = wire.RoleAdmin    // command verbs and user servers
	Observer Role = wire.RoleObserver // read verbs only
)

// String returns the role's name, as it stands in cookies.
func (r Role) String() string {
	switch r {
	case Node:
		return "node"
	case Admin:
		return "admin"
	case Observer:
		return "observer"
	}
	return fmt.Sprintf("role %d", byte(r))
}

// valid reports whether r is one of the three roles.
func (r Role) valid() bool { return r >= Node && r <= Observer }

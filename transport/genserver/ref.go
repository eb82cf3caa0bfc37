package genserver

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// Refs returns the references to the servers of one name on several nodes, as
// [MultiCall] and [Abcast] take them.
func Refs(name string, nodes ...string) []string {
	refs := make([]string, len(nodes))
	for i, node := range nodes {
		refs[i] = name + "@" + node
	}
	return refs
}

// local returns the endpoint that a reference means that is a name alone, nil if
// there is none.
func local(k Kernel, ref string) *endpoint {
	if strings.IndexByte(ref, '@') >= 0 {
		return nil
	}
	s, _ := k.Lookup(ref)
	ep, _ := s.(*endpoint)
	return ep
}

// find returns the endpoint that a reference means if it is on k's node. For
// another node it returns that, and the name there. A name has no "@"; a node
// may.
func find(k Kernel, ref string) (ep *endpoint, name, node string, err error) {
	name = ref
	if i := strings.IndexByte(ref, '@'); i >= 0 {
		name, node = ref[:i], ref[i+1:]
		if node != "" && node != k.ID() {
			return nil, name, node, nil
		}
	}
	s, ok := k.Lookup(name)
	if ep, isServer := s.(*endpoint); isServer {
		return ep, name, "", nil
	}
	if ok {
		return nil, name, "", fmt.Errorf("%w: %q is a service of the kernel, for other nodes", transport.ErrNoServer, name)
	}
	return nil, name, "", transport.ErrNoServer
}

// checkName reports what is wrong with the name of a server.
func checkName(name string) error {
	if strings.Contains(name, "@") {
		return fmt.Errorf("%w: %q contains @, which stands before a node", transport.ErrName, name)
	}
	return checkText(name)
}

// checkText reports what is wrong with a name of a server or of an event.
func checkText(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", transport.ErrName)
	case len(name) > wire.NameMax:
		return fmt.Errorf("%w: it has %d bytes, at most %d are allowed", transport.ErrName, len(name), wire.NameMax)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: %q is not UTF-8", transport.ErrName, name)
	}
	return nil
}

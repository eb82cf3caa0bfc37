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

// splitRef returns the name and the node of "name" or "name@node". The node is
// empty if the reference has none. A name has no "@"; a node may.
func splitRef(ref string) (name, node string) {
	if i := strings.IndexByte(ref, '@'); i >= 0 {
		return ref[:i], ref[i+1:]
	}
	return ref, ""
}

// local returns the endpoint that a reference means that is a name alone, nil if
// there is none. Names have no "@".
func local(k Kernel, ref string) *endpoint {
	if s, ok := k.Lookup(ref); ok {
		ep, _ := s.(*endpoint)
		return ep
	}
	return nil
}

// find returns the endpoint that a reference means if it is on k's node. For
// another node it returns that, and the name there.
func find(k Kernel, ref string) (ep *endpoint, name, node string, err error) {
	if ep := local(k, ref); ep != nil {
		return ep, ref, "", nil
	}
	name, node = splitRef(ref)
	if node != "" && node != k.ID() {
		return nil, name, node, nil
	}
	s, ok := k.Lookup(name)
	if ep, isEndpoint := s.(*endpoint); isEndpoint {
		return ep, name, "", nil
	}
	if ok {
		return nil, name, k.ID(), nil // a service of another kind: the kernel knows what to do
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

//go:build apart

package system

import (
	"net"
	"strconv"
)

// actors returns the systems of actors. Proto.Actor is not among them: it and
// Hollywood register a protobuf message of the same name, and no program can be
// linked from both.
func actors() []System { return []System{hollywood(), ergoNodes(), goaktSystem()} }

// freePort returns a port that was free a moment ago, for systems that must be
// told their port before they listen.
func freePort() (int, error) {
	l, err := listen()
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// freeAddr is freePort with the host before it.
func freeAddr() (string, error) {
	port, err := freePort()
	return net.JoinHostPort(loopback, strconv.Itoa(port)), err
}

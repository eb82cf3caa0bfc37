package system

import "net"

// loopback is where every server listens.
const loopback = "127.0.0.1"

// listen returns a listener on a port that the system chooses.
func listen() (net.Listener, error) { return net.Listen("tcp", net.JoinHostPort(loopback, "0")) }

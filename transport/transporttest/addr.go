package transporttest

import (
	"errors"
	"net"
	"strconv"
	"syscall"
)

// An Addr is one end of a connection, or a listener's address.
type Addr struct {
	Host string
	Port int
}

// Network returns "mem".
func (Addr) Network() string { return "mem" }

// String returns the address as [Host.Dial] takes it, such as "a:7000".
func (a Addr) String() string { return net.JoinHostPort(a.Host, strconv.Itoa(a.Port)) }

const (
	portMax   = 1<<16 - 1
	portFirst = 32768 // of those that the network picks
)

// errPort is what [net.AddrError] says of a bad port.
var errPort = errors.New("port is not a number from 0 to 65535")

// parseAddr splits "host:port". The port may be 0 or absent after the colon.
func parseAddr(text string) (Addr, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return Addr{}, err
	}
	a := Addr{Host: host}
	if port == "" {
		return a, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Addr{}, &net.AddrError{Err: errPort.Error(), Addr: text}
	}
	a.Port = int(n)
	return a, nil
}

// opError is the error that package net makes of cause.
func opError(op string, local, remote net.Addr, cause error) error {
	return &net.OpError{Op: op, Net: "mem", Source: local, Addr: remote, Err: cause}
}

// errReset, errPipe and errRefused are what a caller tests with errors.Is, as
// it does on a real network.
const (
	errReset   = syscall.ECONNRESET
	errPipe    = syscall.EPIPE
	errRefused = syscall.ECONNREFUSED
	errDead    = syscall.ENETDOWN // this host was killed
	errGaveUp  = syscall.ETIMEDOUT
)

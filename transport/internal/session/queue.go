package session

import (
	"net"
	"net/netip"
	"time"
)

// A visitor is a connection that is not authenticated.
type visitor struct {
	conn         net.Conn
	from         string // see addressOf
	door         *door
	until        time.Time // the end of its time
	older, newer *visitor
}

// A queue holds the visitors that wait, in the order in which they came.
type queue struct {
	oldest, newest *visitor
	len            int
}

func (q *queue) push(v *visitor) {
	if v.older = q.newest; v.older != nil {
		v.older.newer = v
	} else {
		q.oldest = v
	}
	q.newest = v
	q.len++
}

func (q *queue) remove(v *visitor) {
	if v.older != nil {
		v.older.newer = v.newer
	} else {
		q.oldest = v.newer
	}
	if v.newer != nil {
		v.newer.older = v.older
	} else {
		q.newest = v.older
	}
	v.older, v.newer = nil, nil
	q.len--
}

// popOldest removes the visitor that has waited longest; nil if none waits.
func (q *queue) popOldest() *visitor {
	v := q.oldest
	if v != nil {
		q.remove(v)
	}
	return v
}

// popNewest removes the newest visitor that may start; nil if none may.
func (q *queue) popNewest(may func(*visitor) bool) *visitor {
	for v := q.newest; v != nil; v = v.older {
		if may(v) {
			q.remove(v)
			return v
		}
	}
	return nil
}

// addressOf returns what the limits count by: an IPv4 address, an IPv6 network
// of 64 bits, or, on other networks, the host.
func addressOf(a net.Addr) string {
	host := hostOf(a)
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	network, _ := ip.Prefix(64) // 64 bits are there
	return network.String()
}

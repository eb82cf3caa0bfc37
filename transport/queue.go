package transport

import "bytes"

// A queued request waits for its node to be connected.
type queued struct {
	names []string
	m     Message
}

func (q *queued) bytes() int {
	n := len(q.m.Hdr) + len(q.m.Body)
	for _, name := range q.names {
		n += len(name)
	}
	return n
}

// A queue holds requests in order, urgent ones apart. When it is full the oldest
// of those that are not urgent make room.
type queue struct {
	lanes [2][]queued // urgent, normal
	len   int
	bytes int
}

// push adds a request and returns what it drops for it.
func (q *queue) push(names []string, m *Message, lenMax, bytesMax int) []queued {
	lane := 1
	if m.Urgent {
		lane = 0
	}
	e := queued{names: names, m: *m}
	e.m.Hdr, e.m.Body = bytes.Clone(m.Hdr), bytes.Clone(m.Body)
	q.lanes[lane] = append(q.lanes[lane], e)
	q.len++
	q.bytes += e.bytes()
	var dropped []queued
	for q.len > lenMax || q.bytes > bytesMax {
		if len(q.lanes[1]) > 0 {
			dropped = append(dropped, q.take(1))
			continue
		}
		dropped = append(dropped, q.take(0))
	}
	return dropped
}

// take removes the oldest of a lane.
func (q *queue) take(lane int) queued {
	e := q.lanes[lane][0]
	q.lanes[lane][0] = queued{}
	if q.lanes[lane] = q.lanes[lane][1:]; len(q.lanes[lane]) == 0 {
		q.lanes[lane] = nil
	}
	q.len--
	q.bytes -= e.bytes()
	return e
}

// pop removes what is to be sent next.
func (q *queue) pop() (queued, bool) {
	for lane := range q.lanes {
		if len(q.lanes[lane]) > 0 {
			return q.take(lane), true
		}
	}
	return queued{}, false
}

// unpop puts back what pop returned.
func (q *queue) unpop(e queued) {
	lane := 1
	if e.m.Urgent {
		lane = 0
	}
	q.lanes[lane] = append([]queued{e}, q.lanes[lane]...)
	q.len++
	q.bytes += e.bytes()
}

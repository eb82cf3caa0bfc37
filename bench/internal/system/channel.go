package system

// channel is the floor of a message within a process: a goroutine that owns a
// state, reached by a channel.
func channel() System {
	return System{
		Name: "channel", Kind: Floor,
		Note:  "a goroutine behind a channel; casts through a channel of 1024",
		Local: func() (Local, error) { return newGoroutine(), nil },
	}
}

// request is what a caller sends to a goroutine: the bytes and where the answer
// goes.
type request struct {
	body  []byte
	reply chan []byte
}

// goroutine is a server made of nothing but channels. Calls and casts have a
// goroutine each, since a select would cost more than a channel does.
type goroutine struct {
	calls chan request
	casts chan []byte
	tally *tally
}

func newGoroutine() *goroutine {
	g := &goroutine{make(chan request), make(chan []byte, 1024), newTally()}
	go func() {
		for r := range g.calls {
			r.reply <- r.body
		}
	}()
	go func() {
		for range g.casts {
			g.tally.take()
		}
	}()
	return g
}

// Calls makes n calls, all with the same channel for replies.
func (g *goroutine) Calls(n int) error {
	r := request{localBody(), make(chan []byte)}
	for range n {
		g.calls <- r
		if err := same(<-r.reply, r.body); err != nil {
			return err
		}
	}
	return nil
}

// Casts makes n casts.
func (g *goroutine) Casts(n int) error {
	g.tally.expect(n)
	body := localBody()
	for range n {
		g.casts <- body
	}
	return g.tally.wait()
}

// Close ends the goroutines.
func (g *goroutine) Close() {
	close(g.calls)
	close(g.casts)
}

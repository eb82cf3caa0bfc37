package transport_test

import (
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/clusterluck/clusterluck/transport"
)

// reads answers each call with a stream of what the caller streamed.
type reads struct{}

func (reads) Deliver(d *transport.Delivery) bool {
	call, stream := d.Call, d.Stream
	go func() {
		data, err := io.ReadAll(stream)
		if err != nil {
			call.Fail("unread", err.Error(), nil)
			return
		}
		call.ReplyStream(nil, strings.NewReader(string(data)))
	}()
	return true
}
func (reads) Cancel(transport.CallRef)  {}
func (reads) LinkDown(transport.LinkID) {}

// A node never has more streams open than the other bears: those that are too many
// wait. A peer cuts a link that has more.
func TestMoreStreamsThanAPeerBears(t *testing.T) {
	a, b := node(t, "a", nil), node(t, "b", nil)
	if err := b.Register("reads", reads{}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Connect(t.Context(), b.Addr()); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 3000 {
		wait.Go(func() {
			answer, err := a.Call(t.Context(), "b", "reads", transport.Message{Stream: strings.NewReader("text")})
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Stream.Close()
			if got, err := io.ReadAll(answer.Stream); err != nil || string(got) != "text" {
				t.Errorf("the stream came back as %q, %v", got, err)
			}
		})
	}
	wait.Wait()
}

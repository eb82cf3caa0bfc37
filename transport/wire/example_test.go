package wire_test

import (
	"fmt"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// One side appends frames to what it will write; the other cuts them off what it
// has read, and keeps what is not yet a whole frame.
func Example() {
	body, err := wire.AppendValue(nil, "hello")
	if err != nil {
		panic(err)
	}
	stream := wire.AppendCall(nil, 7, wire.Name{Text: []byte("greeter")}, 5000, wire.LaneNormal, nil, body)
	stream = wire.AppendAck(stream, 12)
	stream = stream[:len(stream)-1] // the last byte is still on its way

	var m wire.Msg
	for {
		frame, rest, ok, err := wire.ParseFrame(stream, wire.FrameMax)
		if err != nil {
			panic(err) // close the connection
		}
		if !ok {
			break // read more
		}
		if err := wire.Parse(frame, &m); err != nil {
			panic(err) // close the connection
		}
		var greeting string
		if err := wire.Unmarshal(m.Body, &greeting); err != nil {
			panic(err) // answer ERROR bad-request
		}
		fmt.Printf("%v %d for %s: %q within %d ms\n", m.Kind, m.Corr, m.Dst.Text, greeting, m.TTL)
		stream = rest
	}
	fmt.Println(len(stream), "bytes of the next frame")
	// Output:
	// CALL 7 for greeter: "hello" within 5000 ms
	// 6 bytes of the next frame
}

// A name is sent once. From then on its index stands for it.
func ExampleAppendBind() {
	stream := wire.AppendBind(nil, 0, "counter")
	stream = wire.AppendCast(stream, wire.Name{Index: 0}, wire.LaneNormal, nil, []byte{0x01})

	names := make(map[uint32]string)
	var m wire.Msg
	for {
		frame, rest, ok, err := wire.ParseFrame(stream, wire.FrameMax)
		if err != nil {
			panic(err)
		}
		if !ok {
			break
		}
		if err := wire.Parse(frame, &m); err != nil {
			panic(err)
		}
		switch m.Kind {
		case wire.KindName:
			names[m.Dst.Index] = string(m.Dst.Text)
		case wire.KindCast:
			fmt.Printf("%v for %s: %x\n", m.Kind, names[m.Dst.Index], m.Body)
		}
		stream = rest
	}
	// Output:
	// CAST for counter: 01
}

// A frame can be built where it will be sent from, without knowing its length
// beforehand.
func ExampleBeginFrame() {
	b, at := wire.BeginFrame(nil)
	b = append(b, "body"...)
	b = wire.EndFrame(b, at)
	fmt.Printf("%x\n", b)
	// Output:
	// 00000004626f6479
}

// Equal values are equal bytes: keys are sorted.
func ExampleMarshal() {
	b, err := wire.Marshal(map[string]any{"count": 3, "by": "ams-1"})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%x\n", b)

	var back struct {
		Count int    `cbor:"count"`
		By    string `cbor:"by"`
	}
	if err := wire.Unmarshal(b, &back); err != nil {
		panic(err)
	}
	fmt.Println(back.Count, back.By)
	// Output:
	// a262627965616d732d3165636f756e7403
	// 3 ams-1
}

// Both sides send a preamble in the clear, and speak the highest version that
// both know.
func ExampleParsePreamble() {
	mine := wire.Preamble{Max: 1, Min: 1, Role: wire.RoleNode}
	fmt.Printf("%x\n", wire.AppendPreamble(nil, mine))

	theirs, err := wire.ParsePreamble([]byte("CLUK\x03\x01\x01\x00"))
	if err != nil {
		panic(err)
	}
	fmt.Println(mine.Common(theirs))
	// Output:
	// 434c554b01010100
	// 1 true
}

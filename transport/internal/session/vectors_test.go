package session_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// These bytes were produced twice by independent code. An implementation that
// gives others does not speak version 1.
func TestVectors(t *testing.T) {
	s := secrets(t, cookie)
	psk, _ := s.PSK(0, session.Node)
	same := func(name string, got []byte, want string) {
		t.Helper()
		if !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("%s is %x, want %s", name, got, want)
		}
	}
	same("psk(node)", psk[:], "54e8a696e1bd414c66823b34c9efd648dc9298009ed3b41cefd1e46162f81b5a")

	preamble := unhex(t, "434c554b01010100")
	i, err := session.NewNoise(true, psk, preamble, nil, fill(0x20))
	if err != nil {
		t.Fatal(err)
	}
	r, err := session.NewNoise(false, psk, preamble, nil, fill(0x40))
	if err != nil {
		t.Fatal(err)
	}
	msg1, _, _, err := i.WriteMessage(nil, []byte("hello-i"))
	if err != nil {
		t.Fatal(err)
	}
	same("msg1", msg1, "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd16625403a4c295004d20f1b4f0628ad286fecf0f338a21ff3799")
	if got, _, _, err := r.ReadMessage(nil, msg1); err != nil || string(got) != "hello-i" {
		t.Fatalf("the responder reads %q, %v", got, err)
	}
	msg2, ki, kr, err := r.WriteMessage(nil, []byte("hello-r"))
	if err != nil {
		t.Fatal(err)
	}
	same("msg2", msg2, "79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51a102a8b7ab0713138d8e3523c59e717ff2650ef235da4c4")
	if got, _, _, err := i.ReadMessage(nil, msg2); err != nil || string(got) != "hello-r" {
		t.Fatalf("the initiator reads %q, %v", got, err)
	}
	same("h", r.ChannelBinding(), "8f087fbc42ff56fd3a05dfa5b69a916387831b3c3da176fa4d51e8a7617ce46f")
	same("h", i.ChannelBinding(), "8f087fbc42ff56fd3a05dfa5b69a916387831b3c3da176fa4d51e8a7617ce46f")
	i2r, r2i := ki.UnsafeKey(), kr.UnsafeKey()
	same("k_i2r", i2r[:], "49ef011e138b878c6cb1236d83edef0f47db1c743d0b325c28939725375493a1")
	same("k_r2i", r2i[:], "07ba9526a73cc39ee3e0f128b65ee0982d520914a7b5d4702e979711b2a55137")
}

// The whole of a session, byte for byte, with the keys of [TestVectors]: what a
// second implementation has to send and to understand. They were opened by another
// implementation of Noise, from the keys alone.
func TestSessionVectors(t *testing.T) {
	rec := record(t)
	for _, v := range []struct {
		name string
		got  []byte
		want string
	}{
		{"ada's greeting", rec.greet, "434c554b010101000073358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254ccc0cd980b014b7d2a8310abf7d8d6f4418ddb16682149fc94cd91b2fecb620f39fe348fe5ef48e714b4a28a75ee3cdb474e7ceb8c1e36baf58e18f0160bd8f7f5134a833cbd773fe40b9791bdb3f34fec3121"},
		{"bob's greeting", rec.answer, "434c554b01010100008279a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51ad04e8474b03e40b0a4664db3a958af546d6bf41845f4e84bfd04bbfb7b6f8979d4ce556871d5b1cdba882bfcef814be01c8ff5748b3f0f9021079e13c0c134350eb3ca62b70454625b6907e1af2095448b0d05432673efc75177bd34169cddadbd1e"},
		{"ada's records", rec.i2r, "020010cb09a4581ef0d61bdd529155f811567d0100233c83628c0c1ee83616cf309e6b544a5c1cfb99d4e858380d55c06c8e2ca8967721f2a3010023aba4b5ae57323573176066d3a3b238bf4508826ec4c1eb5ad52c17fe2e3dc6d8c61ea00300104edf00be57ac02d3c02c1ce1a83a703f"},
		{"bob's records", rec.r2i, "010018d73e79916c6699f4e1e8e5d85bc24332d6f400ef21fc396f0300103fb847492c95be508fc8879d50dc5b68"},
	} {
		if !bytes.Equal(v.got, unhex(t, v.want)) {
			t.Errorf("%s: %x, want %s", v.name, v.got, v.want)
		}
	}
	hello, err := rec.i.AppendPayload("bob")
	if err != nil {
		t.Fatal(err)
	}
	if want := "a701636164610263626f6203506164612d2d2d2d2d2d2d2d2d2d2d2d2d04706164612e6578616d706c653a373030300503061a00100000074a617070206f6620616461"; !bytes.Equal(hello, unhex(t, want)) {
		t.Errorf("ada's payload: %x, want %s", hello, want)
	}
}

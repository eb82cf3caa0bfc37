package pages_test

import (
	"context"
	"fmt"
	"log"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// The block of the README about servers that call each other.
func Example_callsBetweenNodes() {
	ctx := context.Background()
	cookie := transport.NewCookie()
	ada, err := transport.Start(ctx, transport.Config{ID: "ada", Addr: "127.0.0.1:0", Cookie: cookie})
	if err != nil {
		log.Fatal(err)
	}
	defer ada.Close()
	bob, err := transport.Start(ctx, transport.Config{ID: "bob", Cookie: cookie})
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close()
	if err := bob.Know("ada", ada.Addr()); err != nil {
		log.Fatal(err)
	}

	greeter := func(_ context.Context, s *genserver.Server) error {
		genserver.Handle(s, "hello", func(_ context.Context, from genserver.From, name string) (string, error) {
			return "world, " + name + " on " + from.Node(), nil
		})
		return nil
	}
	if _, err := genserver.Start(ada, "greeter", greeter); err != nil {
		log.Fatal(err)
	}

	here, err := genserver.Call[string](ctx, ada, "greeter", "hello", "you")
	there, err2 := genserver.Call[string](ctx, bob, "greeter@ada", "hello", "you")

	fmt.Println(here, err)
	fmt.Println(there, err2)
	// Output:
	// world, you on ada <nil>
	// world, you on bob <nil>
}

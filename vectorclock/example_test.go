package vectorclock_test

import (
	"fmt"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// Two replicas write without knowing of each other; then one takes over what the
// other has seen.
func Example() {
	var a, b vectorclock.Clock
	a.Increment("a", 1) // errors are for bad names and 2^63 events
	b = a.Clone()
	fmt.Println(b.Compare(&a))

	a.Increment("a", 2)
	fmt.Println(b.Compare(&a))

	b.Increment("b", 3)
	fmt.Println(b.Compare(&a))

	b.Merge(&a)
	fmt.Println(b.Compare(&a))
	// Output:
	// equal
	// before
	// concurrent
	// after
}

func ExampleClock_Explain() {
	var a, b vectorclock.Clock
	a.Increment("a", 1)
	b.Increment("b", 1)
	for actor, counts := range a.Explain(&b) {
		fmt.Println(actor, counts[0], counts[1])
	}
	// Output:
	// a 1 0
	// b 0 1
}

func ExampleClock_Trim() {
	var old, c vectorclock.Clock
	old.Increment("gone", 10)
	c = old.Clone()
	c.Increment("here", 20)
	for _, r := range c.Trim(100, vectorclock.Policy{Lower: 1, Upper: 1, Young: 5, Old: 50}) {
		fmt.Println(r.Actor, r.Entry.Count)
	}

	// The clock from before knows of an event that was trimmed, and is older.
	fmt.Println(c.Compare(&old))
	fmt.Println(c.CompareTrimmed(&old))
	// Output:
	// gone 1
	// concurrent
	// after true
}

func ExampleSiblings() {
	var cart vectorclock.Siblings[string]
	none := new(vectorclock.Clock)
	cart.Put(none, "server", "milk")
	read := cart.Context() // two clients read milk

	cart.Put(&read, "server", "milk, bread") // both write
	cart.Put(&read, "server", "milk, eggs")
	for _, v := range cart.Values() {
		fmt.Println(v)
	}

	cart.Reconcile("server", func([]string) string { return "milk, bread, eggs" })
	fmt.Println(cart.Len())
	// Output:
	// milk, eggs
	// milk, bread
	// 1
}

func ExampleTicker() {
	var c vectorclock.Clock
	t := vectorclock.Ticker{Actor: "a", Now: func() int64 { return 1 }, Floor: 41}
	fmt.Println(t.Tick(&c))
	fmt.Println(t.Tick(&c))
	// Output:
	// {a 42} <nil>
	// {a 43} <nil>
}

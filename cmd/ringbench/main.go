// Command ringbench measures placements of keys on nodes, for the keys and the
// nodes of whoever runs it: how fast they answer, how even they are, what moves
// when the nodes change, and what all of it costs. It measures vector clocks too.
//
// Run ringbench --help for the commands and the exit codes.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

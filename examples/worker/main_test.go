package main

import (
	"bytes"
	"testing"
)

func TestTheWorkerIsStartedAgain(t *testing.T) {
	const want = `job 2: 4, by start 1 of the worker
job 3: 9, by start 1 of the worker
job four crashed the worker
monitor: worker is down
job 5: 25, by start 2 of the worker
worker runs: true, restarts: 1
supervisor: the supervisor gave up
`
	for range 20 { // whatever the scheduler does
		var out, errs bytes.Buffer
		if code := run(t.Context(), &out, &errs); code != 0 {
			t.Fatalf("exit %d: %s", code, errs.String())
		}
		if out.String() != want {
			t.Fatalf("printed\n%s\nwant\n%s", out.String(), want)
		}
	}
}

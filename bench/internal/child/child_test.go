package child_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/child"
)

// The test binary is the child as well; its argument says which.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case "echo":
			for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
				fmt.Println(lines.Text() + lines.Text())
			}
			os.Exit(0)
		case "deaf":
			<-time.After(time.Minute)
		case "dies":
			fmt.Fprintln(os.Stderr, "out of luck")
			os.Exit(3)
		}
	}
	os.Exit(m.Run())
}

func start(t *testing.T, what string) *child.Child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := child.Start(exec.Command(self, what))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChildAnswersAndEndsWithItsInput(t *testing.T) {
	c := start(t, "echo")
	for _, line := range []string{"a", "bc"} {
		if got, err := c.Ask(line, 10*time.Second); err != nil || got != line+line {
			t.Errorf("asked %q, got %q, %v", line, got, err)
		}
	}
	if err := c.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := c.Ask("a", time.Second); err == nil {
		t.Error("a child that was stopped answers")
	}
}

// A child that does not answer, or does not end, must not be waited for.
func TestDeafChildIsKilled(t *testing.T) {
	c := start(t, "deaf")
	if _, err := c.Ask("a", 10*time.Millisecond); err == nil || !strings.Contains(err.Error(), "within 10ms") {
		t.Errorf("error %v, want one about the time", err)
	}
	c = start(t, "deaf")
	if err := c.Stop(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("stop: %v, want that it was killed", err)
	}
}

func TestDeathIsExplainedByWhatTheChildWrote(t *testing.T) {
	c := start(t, "dies")
	if _, err := c.Ask("", 10*time.Second); err == nil || !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("error %v, want what the child wrote", err)
	}
}

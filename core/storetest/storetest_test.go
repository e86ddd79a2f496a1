package storetest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
)

// brokenLaw is the environment variable that makes TestStore, in a child
// process, test the stores that break the law of this name.
const brokenLaw = "STORETEST_BROKEN_LAW"

func TestStore(t *testing.T) {
	law := os.Getenv(brokenLaw)
	if law == "" {
		t.Run("correct", breakage{}.run)
	}
	for _, b := range breakages() {
		if b.law == law {
			t.Run(b.name, b.run)
		}
	}
}

// TestExample runs what the example shows.
func TestExample(t *testing.T) { testMyStore(t) }

func BenchmarkExample(b *testing.B) { benchmarkMyStore(b) }

// TestRealClock checks that the laws that wait do not depend on the fake clock.
func TestRealClock(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) session.Store { return newReference() })
}

// TestLawsCatchBrokenStores checks that each law catches each store that breaks
// it. Tests that must fail need a process of their own.
func TestLawsCatchBrokenStores(t *testing.T) {
	names := map[string][]string{}
	for _, b := range breakages() {
		if slices.Contains(names[b.law], b.name) {
			t.Errorf("two breakages of %s are named %q", b.law, b.name)
		}
		names[b.law] = append(names[b.law], b.name)
	}
	for law, names := range names {
		t.Run(law, func(t *testing.T) {
			t.Parallel()
			out, err := child(t, "^TestStore$/./^"+law+"$", law)
			if err == nil || strings.Contains(out, "panic: ") || strings.Contains(out, "DATA RACE") {
				t.Errorf("got error %v, want failures without a panic or a race", err)
			}
			for _, name := range names {
				failure := "--- FAIL: TestStore/" + strings.ReplaceAll(name, " ", "_") + "/" + law + " "
				if !strings.Contains(out, failure) {
					t.Errorf("the law does not catch a store that %s: want the line %q", name, failure)
				}
			}
			if got := strings.Count(out, "the law: "); got != len(names) {
				t.Errorf("got the text of the law %d times, want it with each of %d failures", got, len(names))
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// TestEachLawHasABrokenStore checks that some store breaks each law.
func TestEachLawHasABrokenStore(t *testing.T) {
	t.Parallel()
	out, err := child(t, "^TestStore$", "")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	laws := regexp.MustCompile(`--- PASS: TestStore/correct/(\S+) `).FindAllStringSubmatch(out, -1)
	if len(laws) < 50 {
		t.Fatalf("got %d laws from Run, want all of them\n%s", len(laws), out)
	}
	all := breakages()
	for _, law := range laws {
		if !slices.ContainsFunc(all, func(b breakage) bool { return b.law == law[1] }) {
			t.Errorf("the law %s has no broken store in the tables: nothing shows that it can fail", law[1])
		}
	}
}

// child runs some tests of this program in a process of their own.
func child(t *testing.T, run, law string) (output string, err error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run="+run, "-test.v", "-test.count=1", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), brokenLaw+"="+law)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A breakage is a way to break one law. The zero breakage breaks none.
type breakage struct {
	law  string
	name string // what the store does wrong

	spoil     func(s *spoiled)          // of the store
	spoilDown func(s *spoiled)          // of the store whose backend is down
	leak      func(token string) string // of the application
}

func (b breakage) run(t *testing.T) {
	newStore := func(*testing.T) session.Store {
		s := newSpoiled()
		if b.spoil != nil {
			b.spoil(s)
		}
		return s
	}
	newDown := func(*testing.T) session.Store {
		s := newSpoiled()
		s.before = func(context.Context, string) error { return errors.New("connection refused") }
		if b.spoilDown != nil {
			b.spoilDown(s)
		}
		return s
	}
	storetest.Run(t, newStore, storetest.FakeClock, storetest.Down(newDown), storetest.Leak(b.leak))
}

func breakages() []breakage {
	return slices.Concat(
		brokenCreate, brokenData, brokenUpdate, brokenTouch, brokenDelete, brokenExpiry,
		brokenList, brokenDeleteAll, brokenConcurrency, brokenAll, brokenVersions, brokenFaults, brokenEngine,
	)
}

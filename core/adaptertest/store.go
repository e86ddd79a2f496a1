package adaptertest

import (
	"context"
	"errors"
	"strings"

	"github.com/gostateful/session/core"
	"github.com/gostateful/session/core/internal/plainstore"
)

// store takes note of its calls and fails as a law wants it to.
type store struct {
	*plainstore.Store // its Mu guards what follows too
	calls             []string
	failing           map[string]failure // by method
}

type failure int

const (
	down  failure = iota + 1 // refuses the call
	hangs                    // until the call's context is done
	loses                    // the answer of one call
)

var (
	everyMethod  = []string{"Load", "Create", "Update", "Touch", "Delete", "List", "DeleteAll"}
	writeMethods = []string{"Create", "Update", "Touch", "Delete", "DeleteAll"}
)

func newStore() *store {
	s := &store{Store: plainstore.New(), failing: map[string]failure{}}
	s.Around = s.around
	return s
}

func (s *store) around(ctx context.Context, method string, _ session.ID, call func() error) error {
	s.Mu.Lock()
	s.calls = append(s.calls, method)
	how := s.failing[method]
	if how == loses {
		delete(s.failing, method)
	}
	s.Mu.Unlock()
	switch how {
	case down:
		return errors.New("connection refused")
	case hangs:
		<-ctx.Done()
	}
	err := call()
	if err == nil && how == loses {
		return errors.New("connection reset before the answer came")
	}
	return err
}

func (s *store) fail(how failure, methods ...string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	for _, method := range methods {
		s.failing[method] = how
	}
}

func (s *store) heal() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	clear(s.failing)
}

// took returns the calls since it was last asked, as "Load Update".
func (s *store) took() string {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	calls := s.calls
	s.calls = nil
	return strings.Join(calls, " ")
}

func (s *store) count() int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return len(s.Records)
}

package moving

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Old and new servers take turns: logins and users are in step.
func TestTurns(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		b := s.browser()
		b.post(together, "/login?user=ann")
		assert.Equal(t, "ann: []", b.sees(before), "a login on a new server")
		assert.Equal(t, "ann: []", b.sees(together))
		b.post(before, "/logout")
		b.post(before, "/login?user=bob")
		b.post(before, "/add?item=tea")
		for range 3 {
			assert.Equal(t, "bob: [tea]", b.sees(together), "another login on an old server")
			assert.Equal(t, "bob: [tea]", b.sees(before))
		}
		assert.Equal(t, 1, s.store.Len(), "new sessions: that of ann has ended")
		b.post(together, "/login?user=carl")
		assert.True(t, strings.HasPrefix(b.sees(before), "carl: "), "another login on a new server")
		assert.Equal(t, "carl: []", b.sees(together), "the data of bob is not shown to carl")
	})
}

// What is not in step: after the first visit to a new server, each side has its own
// data.
func TestDataIsNotInStep(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		b := s.browser()
		b.post(before, "/login?user=ann")
		b.post(before, "/add?item=tea")
		b.post(together, "/add?item=milk")
		b.post(before, "/add?item=salt")
		assert.Equal(t, "ann: [tea salt]", b.sees(before))
		assert.Equal(t, "ann: [tea milk]", b.sees(together))
	})
}

// Going back to the old release logs nobody out, whoever has been on a new server.
func TestBack(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		moved, fresh, second := s.browser(), s.browser(), s.browser()
		moved.post(before, "/add?item=tea")
		moved.post(before, "/login?user=ann")
		moved.sees(together)
		moved.post(together, "/add?item=milk")
		fresh.post(together, "/login?user=bob")
		second.post(alone, "/login?user=carl")

		assert.Equal(t, "carl: []", second.sees(together), "from the second release to the first")
		second.post(together, "/add?item=salt")
		assert.Equal(t, "carl: [salt]", second.sees(together))
		for range 2 {
			assert.Equal(t, "ann: [tea]", moved.sees(before), "without what new servers have added")
			assert.Equal(t, "bob: []", fresh.sees(before))
			assert.Equal(t, "nobody: []", second.sees(before), "the old library has never seen this login")
		}
		moved.post(before, "/logout")
		assert.Equal(t, "nobody: []", moved.sees(before))

		moved.post(before, "/login?user=ann")
		assert.Equal(t, "ann: ", moved.sees(together)[:5], "and on again")
		assert.Equal(t, "bob: []", fresh.sees(together))
	})
}

// The second release and the first take turns, for its own roll-out.
func TestReleasesTakeTurns(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		old, fresh := s.browser(), s.browser()
		old.post(before, "/login?user=ann")
		fresh.post(alone, "/login?user=bob")
		for range 3 {
			for _, p := range []program{together, alone} {
				assert.Equal(t, "ann: ", old.sees(p)[:5])
				assert.Equal(t, "bob: ", fresh.sees(p)[:5])
				old.post(p, "/add?item=tea")
				fresh.post(p, "/add?item=tea")
			}
		}
		assert.Equal(t, 6, strings.Count(old.sees(alone), "tea"))
		assert.Equal(t, 6, strings.Count(fresh.sees(together), "tea"))
		for i, b := range []*browser{old, fresh} {
			p := program(1 + i)
			b.post(p, "/logout")
			assert.Equal(t, "nobody: []", b.sees(together))
			assert.Equal(t, "nobody: []", b.sees(alone))
		}
		assert.Zero(t, s.store.Len(), "new sessions")
	})
}

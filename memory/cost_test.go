package memory_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// TestFootprint bounds what a session takes beside its data and its subject:
// entry, map, heap, and what the allocator rounds up. How full the map is, which
// depends on the number of sessions, makes 15 bytes more or less.
func TestFootprint(t *testing.T) {
	const many = 200_000
	bounded := &memory.Options{MaxSessions: many}
	for _, test := range []struct {
		name    string
		opts    *memory.Options
		subject string
		data    int
		most    int64
	}{
		{"without a subject, 676 bytes", nil, "", 676, 150},
		{"without a subject, 100 bytes", nil, "", 100, 150},
		{"with a subject, 676 bytes", nil, "user %06d", 676, 240},
		{"with a subject, 100 bytes", nil, "user %06d", 100, 240},
		{"bounded, without a subject", bounded, "", 676, 180},
		{"bounded, with a subject", bounded, "user %06d", 676, 240},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := session.Record{ExpiresAt: time.Now().Add(time.Hour)}
			before := heapInUse()
			s := memory.New(test.opts)
			for i := range many {
				r.ID, r.Data = session.NewID(), bytes.Repeat([]byte("x"), test.data)
				if test.subject != "" {
					r.Subject = fmt.Sprintf(test.subject, i)
				}
				create(t, s, r)
			}
			took := (heapInUse()-before)/many - int64(test.data) - int64(len(r.Subject))
			t.Logf("%d bytes", took)
			if took > test.most {
				t.Errorf("a session takes %d bytes beside its data and its subject, want at most %d", took, test.most)
			}
			runtime.KeepAlive(s)
		})
	}
}

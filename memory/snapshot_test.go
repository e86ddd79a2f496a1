package memory_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

func save(t testing.TB, s *memory.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Save(&b); err != nil {
		t.Fatalf("Save: %v", err)
	}
	return b.Bytes()
}

func restore(t testing.TB, s *memory.Store, snapshot []byte) {
	t.Helper()
	if err := s.Restore(bytes.NewReader(snapshot)); err != nil {
		t.Fatalf("Restore: %v", err)
	}
}

// TestRestartLosesNobody: after Save and Restore a store is as it was, and each
// session goes on.
func TestRestartLosesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 2000
		before, after := memory.New(nil), memory.New(nil)
		var records []session.Record
		for i := range many {
			r := record([]string{"", "alice", "bob", "shop\x1fZoë", strings.Repeat("é", 127)}[i%5])
			r.ExpiresAt = r.ExpiresAt.Add(time.Duration(i) * time.Millisecond)
			r.Data = bytes.Repeat([]byte{byte(i), 0}, i%700)
			create(t, before, r)
			if i%3 == 0 {
				if err := before.Update(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				r.Version++
			}
			records = append(records, r)
		}
		big := record("alice")
		big.Version, big.Data = 1<<63, bytes.Repeat([]byte("big"), 1<<20)
		records = append(records, create(t, before, big))

		restore(t, after, save(t, before))
		check(t, after)
		if after.Len() != len(records) {
			t.Errorf("Len: got %d, want %d", after.Len(), len(records))
		}
		for i, r := range records {
			got, err := after.Load(t.Context(), r.ID)
			if err != nil || !same(got, r) {
				t.Fatalf("session %d: got error %v and %v of %q, want it as it was", i, err, got.ID, got.Subject)
			}
		}
		for _, subject := range []string{"", "alice", "shop\x1fZoë"} {
			got, err1 := after.List(t.Context(), subject)
			want, err2 := before.List(t.Context(), subject)
			if err := errors.Join(err1, err2); err != nil || !slices.EqualFunc(got, want, same) {
				t.Errorf("List(%q): got %d records and error %v, want the %d from before", subject, len(got), err, len(want))
			}
		}

		r := records[0] // updated once
		stale := r
		stale.Version--
		if err := after.Update(t.Context(), stale); !errors.Is(err, session.ErrConflict) {
			t.Errorf("Update with the version before: got error %v, want ErrConflict", err)
		}
		if err := after.Update(t.Context(), r); err != nil {
			t.Errorf("Update with the version that was saved: %v", err)
		}
		if n, err := after.DeleteAll(t.Context(), "bob"); n != many/5 || err != nil {
			t.Errorf("DeleteAll: got %d and error %v, want %d", n, err, many/5)
		}
		time.Sleep(time.Hour - time.Millisecond)
		if _, err := after.Load(t.Context(), records[1].ID); err != nil {
			t.Errorf("a millisecond before it expires, and one more: %v", err)
		}
		time.Sleep(2 * time.Millisecond)
		if _, err := after.Load(t.Context(), records[1].ID); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("when it has expired: got error %v, want ErrNotFound", err)
		}
		check(t, after)
	})
}

func TestSaveOfNothing(t *testing.T) {
	s := memory.New(nil)
	restore(t, s, save(t, memory.New(nil)))
	if s.Len() != 0 {
		t.Errorf("Len: got %d, want 0", s.Len())
	}
}

// TestSnapshotWithoutExpired: expired sessions are neither written nor read.
func TestSnapshotWithoutExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(nil)
		empty := save(t, s)
		for range 100 {
			create(t, s, record("alice"))
		}
		r := record("alice")
		r.ExpiresAt = time.Now().Add(2 * time.Hour)
		create(t, s, r)
		full := save(t, s)

		time.Sleep(time.Hour)
		late := save(t, s)
		if one := len(empty) + 48 + len(r.Subject) + len(r.Data); len(late) != one {
			t.Errorf("the snapshot of 1 live session has %d bytes, want %d", len(late), one)
		}
		s = memory.New(nil)
		restore(t, s, full)
		if s.Len() != 1 {
			t.Errorf("after a snapshot with 1 live session: Len: got %d", s.Len())
		}
		time.Sleep(time.Hour)
		s = memory.New(nil)
		restore(t, s, full)
		if s.Len() != 0 {
			t.Errorf("after a snapshot of which all has expired: Len: got %d", s.Len())
		}
	})
}

// small is a snapshot of few bytes.
func small(t testing.TB) []byte {
	s := memory.New(nil)
	for i, subject := range []string{"", "alice", "bob"} {
		r := session.Record{
			ID: session.ID{0: 1, 15: byte(i)}, Version: uint64(i) + 1, Subject: subject,
			ExpiresAt: time.UnixMilli(4102444800000), Data: []byte("some data"),
		}
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	return save(t, s)
}

// refused checks for an error that says what is wrong, and for an unchanged
// store.
func refused(t *testing.T, snapshot []byte, want ...string) {
	t.Helper()
	s := memory.New(nil)
	r := create(t, s, record("carol"))
	err := s.Restore(bytes.NewReader(snapshot))
	if err == nil || !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(err.Error(), "memory: restore: "+w) }) {
		t.Errorf("got error %v, want it to say one of %q", err, want)
	}
	if got, err := s.Load(t.Context(), r.ID); s.Len() != 1 || err != nil || !same(got, r) {
		t.Errorf("after an error: got %d sessions and error %v, want the store as it was", s.Len(), err)
	}
	check(t, s)
}

const (
	damaged = "the snapshot is damaged"
	cut     = "the snapshot is cut short"
	foreign = "this is no snapshot"
	format  = "the snapshot has format "
)

func TestDamagedSnapshot(t *testing.T) {
	whole := small(t)
	for at := range whole {
		for _, flip := range []byte{1, 0x80, 0xff} {
			b := bytes.Clone(whole)
			b[at] ^= flip
			switch {
			case at < 15:
				refused(t, b, foreign)
			case at == 15:
				refused(t, b, format)
			default:
				refused(t, b, damaged, cut, "something follows the snapshot")
			}
		}
	}
}

func TestSnapshotCutShort(t *testing.T) {
	whole := small(t)
	for n := range whole {
		want := cut
		if n < 15 {
			want = foreign
		}
		refused(t, whole[:n], want)
	}
}

func TestForeignSnapshot(t *testing.T) {
	refused(t, nil, foreign)
	refused(t, []byte("SQLite format 3\x00and so on, and so on"), foreign)
	refused(t, bytes.Repeat([]byte{0}, 1000), foreign)
	refused(t, append(small(t), 0), "something follows the snapshot")
	refused(t, append(small(t), small(t)...), "something follows the snapshot")
}

// sealed returns a snapshot of any content, with the right checksum.
func sealed(body []byte) []byte {
	b := append([]byte("session/memory\x00\x01"), body...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// TestSnapshotTakesNoMoreThanItHas: a length takes no memory.
func TestSnapshotTakesNoMoreThanItHas(t *testing.T) {
	const most = 1 << 20
	for _, length := range []uint64{1 << 20, 1 << 40, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
		for _, at := range []int{32, 40} { // of the subject, of the data
			head := make([]byte, 48)
			head[0] = 1
			binary.BigEndian.PutUint64(head[at:], length)
			b := sealed(append(head, make([]byte, 48)...))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			refused(t, b, damaged, cut)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > most {
				t.Errorf("a snapshot of %d bytes with a length of %d took %d bytes, want at most %d", len(b), length, took, most)
			}
		}
	}
}

var errDisk = errors.New("the disk is full")

// A fullDisk takes so many bytes, and no more.
type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	if d.room -= n; n < len(p) {
		return n, errDisk
	}
	return n, nil
}

func TestSnapshotErrors(t *testing.T) {
	s := memory.New(nil)
	for range 2000 {
		r := record("")
		r.Data = make([]byte, 200)
		create(t, s, r)
	}
	size := len(save(t, s))
	for _, room := range []int{0, 1, size / 2, size - 1} {
		if err := s.Save(&fullDisk{room}); !errors.Is(err, errDisk) || !strings.HasPrefix(err.Error(), "memory: save: ") {
			t.Errorf("Save with room for %d of %d bytes: got error %v, want that of the writer", room, size, err)
		}
	}
	whole := small(t)
	for n := range len(whole) + 1 {
		s := memory.New(nil)
		r := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(errDisk))
		if err := s.Restore(r); !errors.Is(err, errDisk) || s.Len() != 0 {
			t.Errorf("Restore from what fails after %d of %d bytes: got error %v and %d sessions, want that of the reader and 0", n, len(whole), err, s.Len())
		}
	}
	for name, r := range map[string]io.Reader{
		"byte by byte":    iotest.OneByteReader(bytes.NewReader(whole)),
		"EOF with a byte": iotest.DataErrReader(bytes.NewReader(whole)),
	} {
		s := memory.New(nil)
		if err := s.Restore(r); err != nil || s.Len() != 3 {
			t.Errorf("%s: got error %v and %d sessions, want 3", name, err, s.Len())
		}
	}
}

// TestSaveWhileOthersWrite: sessions that live throughout are saved whole.
// Nobody waits for the writer, which uses the store itself.
func TestSaveWhileOthersWrite(t *testing.T) {
	s := memory.New(nil)
	ids := manyIDs(90)
	var still []session.Record
	for range 2000 {
		still = append(still, create(t, s, record("carol's")))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for caller := range 3 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(caller)))
			for {
				select {
				case <-stop:
					return
				default:
					anything(t, s, random, ids)
				}
			}
		})
	}
	for range 5 {
		var b bytes.Buffer
		err := s.Save(writerFunc(func(p []byte) (int, error) {
			for range 100 {
				_ = s.Touch(t.Context(), still[0].ID, still[0].ExpiresAt)
				_, _ = s.DeleteAll(t.Context(), "alice")
			}
			return b.Write(p)
		}))
		if err != nil {
			t.Fatalf("Save: %v", err)
		}
		restored := memory.New(nil)
		restore(t, restored, b.Bytes())
		for _, r := range still {
			if got, err := restored.Load(t.Context(), r.ID); err != nil || !same(got, r) {
				t.Fatalf("a session that lived throughout: got error %v and %v, want it as it was", err, got.ID)
			}
		}
		check(t, restored)
	}
	close(stop)
	wg.Wait()
	check(t, s)
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestRestoreKeepsWhatIsThere: the sessions of the store are newer than those
// of the snapshot.
func TestRestoreKeepsWhatIsThere(t *testing.T) {
	s := memory.New(nil)
	r, gone := create(t, s, record("alice")), create(t, s, record("alice"))
	snapshot := save(t, s)
	r.Data = []byte("newer")
	if err := errors.Join(s.Update(t.Context(), r), s.Delete(t.Context(), gone.ID)); err != nil {
		t.Fatal(err)
	}
	r.Version++
	restore(t, s, snapshot)
	check(t, s)
	if got, err := s.Load(t.Context(), r.ID); err != nil || !same(got, r) {
		t.Errorf("a session that was there: got error %v, version %d and %q, want it as it was", err, got.Version, got.Data)
	}
	if _, err := s.Load(t.Context(), gone.ID); err != nil {
		t.Errorf("a session that was not there: got error %v, want it restored", err)
	}
}

// TestRestoreKeepsTheBound: users push out visitors, wherever they are in the
// snapshot.
func TestRestoreKeepsTheBound(t *testing.T) {
	const most = 100
	s := memory.New(nil)
	users := map[session.ID]bool{}
	for i := range most {
		users[create(t, s, record(fmt.Sprint("subject ", i))).ID] = true
		for range 3 {
			create(t, s, record(""))
		}
	}
	var reported evictions
	bounded := memory.New(&memory.Options{MaxSessions: most, Evicted: reported.add})
	restore(t, bounded, save(t, s))
	check(t, bounded)
	if n := len(reported.records); bounded.Len() != most || n != 3*most {
		t.Errorf("got %d sessions and %d evictions reported, want %d and %d", bounded.Len(), n, most, 3*most)
	}
	for id := range users {
		if _, err := bounded.Load(t.Context(), id); err != nil {
			t.Errorf("a user: got error %v, want the session kept", err)
		}
	}
}

// FuzzRestore: whatever the file holds, it is restored whole or refused.
func FuzzRestore(f *testing.F) {
	whole := small(f)
	f.Add(whole, false)
	f.Add(whole[16:len(whole)-4], true)
	f.Add(whole[:len(whole)/2], false)
	f.Add(make([]byte, 48), true)
	f.Add(bytes.Repeat([]byte{0xff}, 96), true)
	f.Fuzz(func(t *testing.T, b []byte, seal bool) {
		if seal {
			b = sealed(b)
		}
		s := memory.New(nil)
		err := s.Restore(bytes.NewReader(b))
		if err != nil && s.Len() != 0 {
			t.Errorf("got error %v and %d sessions, want none", err, s.Len())
		}
		check(t, s)
		again := memory.New(nil)
		restore(t, again, save(t, s))
		if again.Len() != s.Len() {
			t.Errorf("what was restored, saved and restored: got %d sessions, want %d", again.Len(), s.Len())
		}
	})
}

// BenchmarkSnapshot measures a million sessions.
func BenchmarkSnapshot(b *testing.B) {
	const many = 1_000_000
	s := memory.New(nil)
	r := record("")
	for i := range many {
		r.ID, r.Data = session.NewID(), make([]byte, 676)
		if r.Subject = ""; i%4 == 0 {
			r.Subject = fmt.Sprint("subject ", i)
		}
		if err := s.Create(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
	snapshot := save(b, s)
	b.Run("Save", func(b *testing.B) {
		b.SetBytes(int64(len(snapshot)))
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Save(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Restore", func(b *testing.B) {
		b.SetBytes(int64(len(snapshot)))
		b.ReportAllocs()
		for b.Loop() {
			restore(b, memory.New(nil), snapshot)
		}
	})
}

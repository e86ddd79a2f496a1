package storetest

import (
	"bytes"
	"math/rand/v2"

	session "github.com/gostateful/session/core"
)

// keeps checks that data survives Create, Update, Load and List.
func (t *trial) keeps(what string, data []byte) {
	t.Helper()
	r := t.record()
	r.Data = data
	t.create(r)
	t.holds("after Create with "+what, r)
	t.same("after Create with "+what+": List", t.only(r.Subject), r)

	r = t.record()
	t.create(r)
	r.Data = data
	r = t.update(r)
	t.holds("after Update to "+what, r)
	t.same("after Update to "+what+": List", t.only(r.Subject), r)
	r.Data = []byte("x")
	r = t.update(r)
	t.holds("after Update from "+what, r)
}

// only returns the one record of a subject.
func (t *trial) only(subject string) session.Record {
	t.Helper()
	records := t.list(subject)
	if len(records) != 1 {
		t.Fatalf("List(%q): got %d records, want 1", subject, len(records))
	}
	return records[0]
}

func emptyData(t *trial) {
	t.keeps("nil data", nil)
	t.keeps("empty data", []byte{})
}

func binaryData(t *trial) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	t.keeps("all bytes", all)
	for i := range all {
		all[i] = byte(255 - i)
	}
	t.keeps("all bytes backwards", all)
	t.keeps("a NUL", []byte{0})
	t.keeps("line ends and spaces", []byte(" \r\n\n\r\t "))
	t.keeps("what is no UTF-8", []byte("\xff\xfe\xc3\x28"))
	t.keeps("quotes", []byte(`'"\' \x41 ; -- $1 ? %s {}`))
}

func largeData(t *trial) {
	data := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(data) // does not compress
	t.keeps("1 MiB of data", data)
}

func inputIsNotAliased(t *trial) {
	r := t.record()
	r.Data = []byte("as created")
	given := r
	given.Data = bytes.Clone(r.Data)
	t.create(given)
	scribble(given.Data)
	t.holds("after the slice given to Create was changed", r)

	r.Data = []byte("as updated")
	given.Data = bytes.Clone(r.Data)
	t.update(given)
	scribble(given.Data)
	r.Version++
	t.holds("after the slice given to Update was changed", r)
}

func outputIsNotAliased(t *trial) {
	r := t.record()
	r.Data = []byte("as created")
	t.create(r)
	neighbour := t.record()
	neighbour.Subject = r.Subject
	neighbour.Data = []byte("next to it")
	t.create(neighbour)

	got, err := t.store.Load(t.Context(), r.ID)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	scribble(got.Data)
	t.holds("after the slice from Load was changed", r)

	listed := t.list(r.Subject)
	for i, l := range listed {
		scribble(l.Data)
		// The memory after a slice may belong to another.
		scribble(append(l.Data, "0123456789012345"...))
		for _, next := range listed[i+1:] {
			if want := map[session.ID][]byte{r.ID: r.Data, neighbour.ID: neighbour.Data}[next.ID]; !bytes.Equal(next.Data, want) {
				t.Fatalf("after one slice from List was changed, another is %s, want %s", excerpt(next.Data), excerpt(want))
			}
		}
	}
	t.holds("after the slices from List were changed", r)
	t.holds("after the slices from List were changed", neighbour)

	got, err = t.store.Load(t.Context(), r.ID)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	again := r
	again.Data = []byte("changed!!!")
	again = t.update(again)
	t.same("what Load returned before an Update", got, r)
	t.holds("after Update", again)
}

func scribble(b []byte) {
	for i := range b {
		b[i] ^= 0x55
	}
}

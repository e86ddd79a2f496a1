package storetest

import (
	"bytes"
	"math/rand/v2"
	"time"

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
	all, backwards := make([]byte, 256), make([]byte, 256)
	for i := range all {
		all[i], backwards[i] = byte(i), byte(255-i)
	}
	t.keeps("all bytes", all)
	t.keeps("all bytes backwards", backwards)
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

func givenDataIsNotChanged(t *trial) {
	given := map[string][]byte{"as created": nil, "as updated": nil}
	r := t.record()
	for text := range given {
		given[text] = []byte(text)
	}
	r.Data = given["as created"]
	t.create(r)
	r.Data = given["as updated"]
	r = t.update(r)
	t.use(r)
	for text, data := range given {
		if string(data) != text {
			t.Fatalf("a slice that was given to the store has changed from %q to %s", text, excerpt(data))
		}
	}
}

func returnedDataIsNotChanged(t *trial) {
	r := apart(t.create(t.record()))
	neighbour := t.record()
	neighbour.Subject = r.Subject
	neighbour.Data = []byte("next to it")
	neighbour = apart(t.create(neighbour))
	loaded, err := t.store.Load(t.Context(), r.ID)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	listed := t.list(r.Subject)

	changed := r
	changed.Data = []byte("changed!")
	t.use(t.update(changed))
	t.same("what Load returned, after others have changed the record", loaded, r)
	for _, got := range listed {
		if got.ID == r.ID {
			t.same("what List returned, after others have changed the record", got, r)
		} else {
			t.same("what List returned", got, neighbour)
		}
	}
}

// apart returns a record with data that the store does not have.
func apart(r session.Record) session.Record {
	r.Data = bytes.Clone(r.Data)
	return r
}

// use makes other calls about a record, and ends it.
func (t *trial) use(r session.Record) {
	t.holds("after Update", r)
	t.list(r.Subject)
	r.ExpiresAt = r.ExpiresAt.Add(time.Minute)
	if err := t.store.Touch(t.Context(), r.ID, r.ExpiresAt); err != nil {
		t.Fatalf("Touch: %v", err)
	}
	r.Data = []byte("and again")
	t.holds("after another Update", t.update(r))
	t.delete(r.ID)
	r.ID, r.Data = session.NewID(), []byte("another!!")
	t.holds("after Create", t.create(r))
}

package memory

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"
)

// Restore adds the live sessions of a snapshot that [Store.Save] has written.
// They go on as if nothing had happened, with their versions. It reads r to its
// end: r must hold the snapshot and nothing more.
//
// All or nothing: if the snapshot is damaged or cut short, if r holds something
// else, or if r fails, Restore returns an error and adds no session. The
// checksum finds damage, but no forgery: guard the file as you guard the
// program.
//
// Each session is added as by Create, and counts as used at that moment. A live
// session that the store already has under the same ID stays as it is. If there
// are more than MaxSessions, those without a subject go first, and Evicted is
// called with each that goes.
//
// Call it before the server starts, then remove the file. If the file stayed,
// it would be read again after a crash, and bring back sessions that have ended
// since: a logout would be undone.
func (s *Store) Restore(r io.Reader) error {
	entries, err := s.readSnapshot(r)
	if err != nil {
		return failed("restore", err)
	}
	for _, visitors := range []bool{true, false} { // so that users push out visitors
		for _, e := range entries {
			if visitors == (e.owner() == "") {
				_ = s.add(e) // on ErrExists the stored one stays
			}
		}
	}
	return nil
}

var errDamaged = errors.New("the snapshot is damaged")

// readSnapshot returns the live sessions of a whole snapshot.
func (s *Store) readSnapshot(r io.Reader) (entries []*entry, err error) {
	in := &summedReader{in: bufio.NewReaderSize(r, 64<<10)}
	if err := in.magic(); err != nil {
		return nil, err
	}
	now := time.Now().UnixMilli()
	for {
		k, err := in.session()
		switch {
		case err != nil:
			return nil, err
		case k.id.IsZero():
			if err := in.end(); err != nil {
				return nil, err
			}
			return entries, nil
		case k.expires > now:
			entries = append(entries, s.newEntry(k))
		}
	}
}

// A summedReader computes the checksum of what it reads.
type summedReader struct {
	in  *bufio.Reader
	sum uint32
	buf bytes.Buffer // used by text
}

// Read returns no io.EOF: a snapshot says where it ends.
func (r *summedReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.sum = crc32.Update(r.sum, castagnoli, p[:n])
	if err == io.EOF {
		err = fmt.Errorf("the snapshot is cut short: %w", io.ErrUnexpectedEOF)
	}
	return n, err
}

func (r *summedReader) magic() error {
	var b [len(magic) + 1]byte
	n, err := io.ReadFull(r, b[:])
	switch {
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case !strings.HasPrefix(string(b[:n]), magic):
		return errors.New("this is no snapshot")
	case err != nil:
		return err
	case b[len(magic)] != formatVersion:
		return fmt.Errorf("the snapshot has format %d, and this program reads format %d", b[len(magic)], formatVersion)
	}
	return nil
}

// session returns the next session, or one with the zero ID at the end.
func (r *summedReader) session() (k kept, err error) {
	var b [headSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return kept{}, err
	}
	h := parseHead(b)
	k.id, k.version, k.expires = h.id, h.version, h.expires
	if k.subject, err = r.text(h.subject); err != nil {
		return kept{}, err
	}
	if k.data, err = r.text(h.data); err != nil {
		return kept{}, err
	}
	return k, nil
}

// text reads a text of this length. The length may be damaged, so text takes
// memory only for the bytes that are there.
func (r *summedReader) text(length uint64) (string, error) {
	r.buf.Reset()
	if _, err := r.buf.ReadFrom(io.LimitReader(r, int64(length))); err != nil {
		return "", err
	}
	if uint64(r.buf.Len()) != length {
		return "", errDamaged // the length is no int64
	}
	return r.buf.String(), nil
}

// end compares the checksum, and refuses anything after it.
func (r *summedReader) end() error {
	want := r.sum
	var b [4]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return err
	}
	if binary.BigEndian.Uint32(b[:]) != want {
		return errDamaged
	}
	switch _, err := r.in.ReadByte(); err {
	case io.EOF:
		return nil
	case nil:
		return errors.New("something follows the snapshot")
	default:
		return err
	}
}

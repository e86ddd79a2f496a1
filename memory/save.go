package memory

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"time"
)

// Save writes all live sessions to w, for [Store.Restore]. Call it after the
// server has shut down. During the call, each session is saved as it is at some
// moment, not all at the same one.
//
// Save returns the error of w, which then holds no valid snapshot. It takes
// little memory, however many sessions there are, and holds no lock while it
// writes.
//
// The snapshot holds the data of all sessions in the clear. It holds no secret
// that opens one. The example writes it to a file that survives a crash: it
// writes a temporary file in the same folder, syncs it, and renames it.
func (s *Store) Save(w io.Writer) error {
	out := &summedWriter{out: bufio.NewWriterSize(w, 64<<10)}
	b := append([]byte(magic), formatVersion)
	for id := range s.ids() {
		if k, ok := s.get(id, time.Now().UnixMilli(), false); ok {
			b = k.appendTo(b)
		}
		if err := out.write(b); err != nil {
			return failed("save", err)
		}
		b = b[:0]
	}
	if err := out.end(head{}.appendTo(b)); err != nil {
		return failed("save", err)
	}
	return nil
}

func (k *kept) appendTo(b []byte) []byte {
	b = head{k.id, k.version, k.expires, uint64(len(k.subject)), uint64(len(k.data))}.appendTo(b)
	b = append(b, k.subject...)
	return append(b, k.data...)
}

// A summedWriter computes the checksum of what it writes.
type summedWriter struct {
	out *bufio.Writer
	sum uint32
}

func (w *summedWriter) write(b []byte) error {
	w.sum = crc32.Update(w.sum, castagnoli, b)
	_, err := w.out.Write(b)
	return err
}

// end writes the last bytes and the checksum.
func (w *summedWriter) end(b []byte) error {
	_ = w.write(b) // Flush has the error too
	_, _ = w.out.Write(binary.BigEndian.AppendUint32(nil, w.sum))
	return w.out.Flush()
}

package memory

import (
	"encoding/binary"
	"hash/crc32"

	session "github.com/gostateful/session/core"
)

// A snapshot has, with all numbers in big-endian order:
//
//	15 bytes  magic
//	 1 byte   the version of the format
//	for each session:
//	    16 bytes  ID
//	     8 bytes  version
//	     8 bytes  expiry, in milliseconds since 1970
//	     8 bytes  length of the subject
//	     8 bytes  length of the data
//	              subject
//	              data
//	48 bytes  zeros: the zero ID names no session
//	 4 bytes  the CRC-32C of all that is before
const (
	magic         = "session/memory\x00"
	formatVersion = 1
	headSize      = 48 // of a session
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A head is what comes before the subject and the data of a session.
type head struct {
	id            session.ID
	version       uint64
	expires       int64
	subject, data uint64 // their lengths
}

func (h head) appendTo(b []byte) []byte {
	b = append(b, h.id[:]...)
	b = binary.BigEndian.AppendUint64(b, h.version)
	b = binary.BigEndian.AppendUint64(b, uint64(h.expires))
	b = binary.BigEndian.AppendUint64(b, h.subject)
	return binary.BigEndian.AppendUint64(b, h.data)
}

func parseHead(b [headSize]byte) head {
	return head{
		id:      session.ID(b[:16]),
		version: binary.BigEndian.Uint64(b[16:]),
		expires: int64(binary.BigEndian.Uint64(b[24:])),
		subject: binary.BigEndian.Uint64(b[32:]),
		data:    binary.BigEndian.Uint64(b[40:]),
	}
}

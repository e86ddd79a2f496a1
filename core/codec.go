package session

import "encoding/json"

// A Codec turns the data of a session into bytes and back. Name is stored with
// the data, so that data of another codec is recognised. All three functions
// must be safe for concurrent use, and neither keep nor hand out memory of the
// value or the bytes that they are given. Marshal of an equal value should
// give equal bytes: where it does not, what is unchanged is written all the same.
type Codec struct {
	Name      string
	Marshal   func(v any) ([]byte, error)
	Unmarshal func(data []byte, v any) error // v is a pointer to the zero value

	// Merge may be nil. It keeps what the program's type does not know when
	// data of a newer program is written back: given the stored bytes, what
	// this program understood of them (before), and its new value (after),
	// it returns after with the unknown parts of stored. When before equals
	// after, it returns stored. Without it, data of a higher Options.Schema
	// is read but not written.
	Merge func(stored, before, after []byte) ([]byte, error)
}

// jsonCodec is the default: encoding/json, keeping unknown fields. An unknown
// field of an object is kept wherever the object can be told to be the same
// one: at the top, under the same name, or in an array among elements that did
// not change or in whose place one stands in an array that kept its length.
var jsonCodec = Codec{Name: "json", Marshal: json.Marshal, Unmarshal: json.Unmarshal, Merge: mergeJSON}

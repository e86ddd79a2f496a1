package bench

import (
	"fmt"
	"testing"

	"github.com/fxamacker/cbor/v2"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// cborCodec encodes equal values alike, as a codec should: by default the package
// writes maps in any order.
func cborCodec() (session.Codec, error) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return session.Codec{}, err
	}
	return session.Codec{Name: "cbor", Marshal: mode.Marshal, Unmarshal: cbor.Unmarshal}, nil
}

// The data of sessions as CBOR (RFC 8949), by fxamacker/cbor. It has no Merge, so
// during a deploy an older program reads what a newer one has written, and drops
// the fields that it does not know when it changes them; with Options.Schema it
// refuses to.
func Example_cbor() {
	codec, err := cborCodec()
	if err != nil {
		fmt.Println(err)
		return
	}
	carts, err := session.New[cart](memory.New(nil), &session.Options{Codec: codec})
	fmt.Println(carts != nil, err)
	// Output: true <nil>
}

func cborOn(tb testing.TB, store session.Store) site {
	codec := must[session.Codec](tb)(cborCodec())
	return served(oursWith(tb, store, &session.Options{Codec: codec}, nil).handler())
}

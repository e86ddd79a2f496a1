package session

import (
	"bytes"
	"strings"
	"testing"
	"testing/cryptotest"
)

func TestToken(t *testing.T) {
	one, two := newToken(NewID()), newToken(NewID())
	if one.secret == two.secret || one.digest() == two.digest() || one.secret == [32]byte{} {
		t.Error("secrets repeat")
	}
	text := one.encode()
	if len(text) != tokenLen || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("%q is not 64 characters of base64url", text)
	}
	if back, ok := decodeToken(text); !ok || back != one {
		t.Error("a token does not survive its encoding")
	}
}

// TestSecretIsRandom: all bits of a secret are those of crypto/rand.
func TestSecretIsRandom(t *testing.T) {
	var ones, zeros [32]byte
	for range 200 {
		for i, b := range newToken(NewID()).secret {
			ones[i] |= b
			zeros[i] |= ^b
		}
	}
	if all := bytes.Repeat([]byte{0xff}, 32); !bytes.Equal(ones[:], all) || !bytes.Equal(zeros[:], all) {
		t.Errorf("bits that were one: %x, and zero: %x; want all", ones, zeros)
	}
	seeded := func(seed uint64) [32]byte {
		cryptotest.SetGlobalRandom(t, seed)
		return newToken(ID{1}).secret
	}
	if one, again, two := seeded(1), seeded(1), seeded(2); one != again || one == two {
		t.Errorf("got %x and %x with the same crypto/rand, and %x with another: want it to decide", one, again, two)
	}
}

// Each text that is taken for a token is the one spelling of that token, so
// that nothing else reaches a store.
func FuzzToken(f *testing.F) {
	t := newToken(NewID())
	f.Add(t.encode())
	f.Add(strings.Repeat("A", 64))
	f.Add(strings.Repeat("_", 64))
	f.Add(strings.Repeat("=", 64))
	f.Add(strings.Repeat("QUJD\r\n", 11)[:64])
	f.Fuzz(func(t *testing.T, text string) {
		token, ok := decodeToken(text)
		if !ok {
			return
		}
		if token.encode() != text {
			t.Errorf("%q is taken for %q", text, token.encode())
		}
		if token.id.IsZero() {
			t.Error("the zero ID")
		}
	})
}

func FuzzCookieHeader(f *testing.F) {
	one, two := newToken(NewID()), newToken(NewID())
	a, b := one.encode(), two.encode()
	f.Add("__Host-session="+a, "")
	f.Add("x=y; __Host-session="+a+";__Host-session="+b, "__Host-session="+a)
	f.Add("__Host-session="+a[:63]+";"+strings.Repeat("__Host-session="+b+";", 9), "z")
	f.Add("__host-session="+a, "__Host-session =\""+a+"\"")
	f.Fuzz(func(t *testing.T, first, second string) {
		c := Cookie{Name: "__Host-session"}
		var found [maxTokens]presented
		for i := range c.tokens([]string{first, second}, &found) {
			text := found[i].encode()
			if !strings.Contains(first, "__Host-session="+text) && !strings.Contains(second, "__Host-session="+text) {
				t.Errorf("the token %q stands under our name nowhere", text)
			}
			for j := range i {
				if found[i] == found[j] {
					t.Error("a token was found twice")
				}
			}
		}
	})
}

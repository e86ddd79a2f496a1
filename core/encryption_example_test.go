package session_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"

	session "github.com/gostateful/session/core"
)

// encrypted returns the default codec with AES-GCM around it. The first key encrypts,
// and all of them decrypt. Each has 16, 24 or 32 random bytes.
func encrypted(keys ...[]byte) (session.Codec, error) {
	var ciphers []cipher.AEAD
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return session.Codec{}, err
		}
		c, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return session.Codec{}, err
		}
		ciphers = append(ciphers, c)
	}
	plain := session.JSON()
	seal := func(data []byte, err error) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		return ciphers[0].Seal(nil, nil, data, nil), nil
	}
	open := func(sealed []byte) ([]byte, error) {
		for _, c := range ciphers {
			if data, err := c.Open(nil, nil, sealed, nil); err == nil {
				return data, nil
			}
		}
		return nil, errors.New("no key decrypts this session")
	}
	return session.Codec{
		Name:    "json, encrypted",
		Marshal: func(v any) ([]byte, error) { return seal(plain.Marshal(v)) },
		Unmarshal: func(sealed []byte, v any) error {
			data, err := open(sealed)
			if err != nil {
				return err
			}
			return plain.Unmarshal(data, v)
		},
		Merge: func(stored, before, after []byte) ([]byte, error) {
			var opened [3][]byte
			for i, sealed := range [][]byte{stored, before, after} {
				data, err := open(sealed)
				if err != nil {
					return nil, err
				}
				opened[i] = data
			}
			merged, err := plain.Merge(opened[0], opened[1], opened[2])
			if err == nil && bytes.Equal(merged, opened[0]) {
				return stored, nil // as a Merge does for what has not changed; each encryption differs
			}
			return seal(merged, err)
		},
	}, nil
}

// The data of sessions, encrypted in the store. The old key is still read; drop it when
// Options.Lifetime is over.
func Example_encryption() {
	old, key := []byte("0123456789abcdef0123456789abcdef"), []byte("an example, so not random at all")
	codec, err := encrypted(key, old)
	if err != nil {
		fmt.Println(err)
		return
	}
	store := newTestStore()
	secret, err := session.New[Account](store, &session.Options{Codec: codec})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, _ := secret.Get(secret.NewContext(context.Background(), session.Info[Account]{Subject: "eve", Data: Account{Coupon: "SPRING"}}))

	records, _ := store.List(context.Background(), "eve")
	fmt.Println(len(records), "in the store, with the text:", bytes.Contains(records[0].Data, []byte("SPRING")))
	fmt.Println(s.Data().Coupon)
	// Output:
	// 1 in the store, with the text: false
	// SPRING
}

package storetest_test

import "github.com/gostateful/session/core/internal/plainstore"

// reference is a correct store. The broken stores are made of it.
type reference = plainstore.Store

func newReference() *reference { return plainstore.New() }

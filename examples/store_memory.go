package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gostateful/session/memory"
)

// openMemory opens a store that a file keeps while the site is closed.
func openMemory(file string) (*backend, error) {
	kept := keptStore{memory.New(nil), file}
	if err := kept.restore(); err != nil {
		return nil, fmt.Errorf("cannot use -store memory:%s: %w", file, err)
	}
	return &backend{kept, kept.store, nil}, nil
}

type keptStore struct {
	store *memory.Store
	file  string
}

// restore reads the file and removes it. After a crash there is none, and
// nobody who has logged out is logged in again.
func (k keptStore) restore() error {
	f, err := os.Open(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		_, err := os.Stat(filepath.Dir(k.file)) // or it could not be saved
		return err
	}
	if err != nil {
		return err
	}
	if err := errors.Join(k.store.Restore(f), f.Close()); err != nil {
		return err
	}
	return os.Remove(k.file)
}

// Close writes the file, which is whole or not there.
func (k keptStore) Close() error {
	f, err := os.CreateTemp(filepath.Dir(k.file), filepath.Base(k.file)+".*")
	if err != nil {
		return err
	}
	err = errors.Join(k.store.Save(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), k.file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

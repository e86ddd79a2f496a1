package memory_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// saveFile writes the sessions to a file, after the server has shut down. If
// the program crashes, the file is whole or not there.
func saveFile(store *memory.Store, name string) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	err = errors.Join(store.Save(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// restoreFile reads the file before the server starts, and removes it. Without
// a file it restores nothing.
func restoreFile(store *memory.Store, name string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := errors.Join(store.Restore(f), f.Close()); err != nil {
		return err
	}
	return os.Remove(name)
}

// A restart that loses nobody. One process stops its server, saves and ends. The
// next one restores and starts its server.
func ExampleStore_Save() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "sessions")

	before := memory.New(nil)
	_ = before.Create(context.Background(), session.Record{ // a manager does this
		ID: session.NewID(), Subject: "alice", ExpiresAt: time.Now().Add(time.Hour),
	})
	// ... and when http.Server.Shutdown has returned:
	if err := saveFile(before, name); err != nil {
		fmt.Println(err)
	}

	after := memory.New(nil)
	if err := restoreFile(after, name); err != nil {
		fmt.Println(err)
	}
	// ... http.Server.ListenAndServe
	list, err := after.List(context.Background(), "alice")
	fmt.Println(len(list), err)
	// Output:
	// 1 <nil>
}

package examples

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSnapshot: with a file, the memory store survives an end in order, with the
// cart and the login. After a kill nothing comes back, and no logout is undone.
func TestSnapshot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.snap")
	shop := open(t, build(t), "-store", "memory:"+file)
	assert.Contains(t, shop.Log(), "(memory, nethttp;")
	ann, bob := newVisitor(t, shop), newVisitor(t, shop)
	ann.post("/cart/add", "goods", "Tea", "amount", "1")
	ann.login()
	bob.post("/cart/add", "goods", "Milk", "amount", "1")
	assert.NoFileExists(t, file)

	require.NoError(t, shop.Stop())
	assert.Equal(t, 0, shop.ExitCode())
	assert.FileExists(t, file)
	require.NoError(t, shop.Start())
	assert.NoFileExists(t, file, "it is removed before anybody can log out")
	page := ann.get()
	assert.Contains(t, page, "signed in as <strong>ann<")
	assert.Contains(t, page, "1 × Tea")
	assert.Contains(t, ann.post("/cart/add", "goods", "Tea", "amount", "1"), "2 × Tea", "the session goes on")
	assert.Contains(t, bob.get(), "1 × Milk")

	shop.Kill()
	require.NoError(t, shop.Start())
	page = ann.get()
	assert.NotContains(t, page, "signed in as")
	assert.Contains(t, page, "It is empty")
	assert.Contains(t, bob.get(), "It is empty")
	left, err := filepath.Glob(file + "*")
	require.NoError(t, err)
	assert.Empty(t, left)
}

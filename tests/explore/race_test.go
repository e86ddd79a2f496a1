//go:build race

package explore_test

// raced tells that the race detector is at work.
const raced = true

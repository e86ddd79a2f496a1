//go:build all

package main

// tested are the adapters that the tests serve with.
const tested = adapters

// Package chromium finds the browser of the tests.
package chromium

import (
	"errors"
	"os"
	"os/exec"
)

// Find returns the path of what $CHROMIUM names, or of one on PATH.
func Find() (path string, err error) { return find("chromium", "chromium-browser", "google-chrome") }

// FindHeadless is Find for tests that can do without much of a browser, such as its
// cache for the back button. What Debian has without it takes two thirds of the time.
func FindHeadless() (path string, err error) {
	if path, err := find("chromium-headless-shell"); err == nil {
		return path, nil
	}
	return Find()
}

func find(names ...string) (path string, err error) {
	if name := os.Getenv("CHROMIUM"); name != "" {
		return exec.LookPath(name)
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no chromium, chromium-browser or google-chrome on PATH, and $CHROMIUM names none")
}

// Package chromium finds the browser of the tests.
package chromium

import (
	"errors"
	"os"
	"os/exec"
)

// Find returns the path of what $CHROMIUM names, or of one on PATH.
func Find() (path string, err error) {
	if name := os.Getenv("CHROMIUM"); name != "" {
		return exec.LookPath(name)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no chromium, chromium-browser or google-chrome on PATH, and $CHROMIUM names none")
}

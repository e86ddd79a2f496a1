// Package browser tests with Playwright what a browser makes of the cookies and of
// the example's pages. The tests are in the *.spec.ts files, and TestBrowser runs
// them.
package browser

import (
	"errors"
	"os"
	"os/exec"
)

// Chromium finds the browser: what $CHROMIUM names, or one on PATH.
func Chromium() (path string, err error) {
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

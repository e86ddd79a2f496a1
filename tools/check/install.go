package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/gostateful/session/tests/support/chromium"
	"github.com/gostateful/session/tests/support/servers"
)

// A need is something that the steps use and Go does not bring.
type need struct {
	what     string   // as one would look for it where there is no apt-get
	why      string   // which step fails without it
	packages []string // of Debian and Ubuntu
	missing  func() error
}

var needs = []need{
	{"a C compiler and the C library's headers", "go test -race links with cgo", []string{"gcc", "libc6-dev"}, compileC},
	{"git", "releases are rehearsed with it", []string{"git"}, lookFor("git")},
	{"curl", "the transcript in the README is run again", []string{"curl"}, lookFor("curl")},
	{"redis-server and redis-cli, 7.0 or later", "the Redis store is tested against Redis", []string{"redis-server"}, lookFor("redis-server", "redis-cli")},
	{"PostgreSQL, 13 or later, with initdb and psql", "the SQL store is tested against PostgreSQL", []string{"postgresql"}, servers.LookForPostgres},
	// Not mariadb-server, which would also start one with the machine.
	{"MariaDB, 10.5 or later, with mariadb-install-db and mariadb", "the SQL store is tested against MariaDB", []string{"mariadb-server-core", "mariadb-client-core"}, servers.LookForMariaDB},
	{"Prometheus, 2.42 or later, with promtool", "the dashboard and the alerts of otel are tested with it", []string{"prometheus"}, lookFor("prometheus", "promtool")},
	{"nginx, 1.19.5 or later", "pages are tested behind it, as a shared cache", []string{"nginx"}, servers.LookForNginx},
	{"Varnish, 6 or later", "pages are tested behind it, as a shared cache", []string{"varnish"}, servers.LookForVarnish},
	{"Node.js, 18 or later, and npm", "Playwright tests the pages", []string{"nodejs", "npm"}, lookFor("node", "npm")},
	// Ubuntu has these only as a snap, which sees no temporary folder. GitHub's images of
	// Ubuntu have a Chromium of their own, /usr/bin/chromium.
	{"Chromium (Debian, with its security updates), or Google Chrome (Ubuntu, by hand), 156 or later", "the pages are tested in it", []string{"chromium", "chromium-headless-shell"}, lookForChromium},
}

// install brings what is missing, or says what it is. It never goes on without.
func (r *repository) install() error {
	if err := installPrograms(); err != nil {
		return err
	}
	return installPlaywright()
}

func installPrograms() error {
	missing := lacking()
	if len(missing) == 0 {
		fmt.Println("no program is missing")
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this machine lacks, and has no apt-get to install it with:\n%s\nInstall them, then run this again", list(missing))
	}
	if os.Getuid() != 0 {
		command := strings.Join(aptGetInstall(missing), " ")
		return fmt.Errorf("this machine lacks:\n%s\nInstall them, then run this again:\n  sudo apt-get update && sudo %s", list(missing), command)
	}
	// An image often comes without package lists, or with old ones.
	if err := quietly("apt-get", "update"); err != nil {
		return err
	}
	var packaged, others []need
	for _, n := range missing {
		if n.packaged() {
			packaged = append(packaged, n)
		} else {
			others = append(others, n)
		}
	}
	if len(packaged) > 0 {
		if err := quietly(aptGetInstall(packaged)...); err != nil {
			return err
		}
	}
	if len(others) > 0 {
		return fmt.Errorf("the rest is installed, but apt-get has no packages for:\n%s\nInstall them by hand, then run this again", list(others))
	}
	if missing = lacking(); len(missing) > 0 {
		return fmt.Errorf("installed, and still: %w", missing[0].missing())
	}
	return nil
}

func list(needs []need) string {
	var lines []string
	for _, n := range needs {
		lines = append(lines, fmt.Sprintf("  %s (%s)", n.what, n.why))
	}
	return strings.Join(lines, "\n")
}

func aptGetInstall(needs []need) []string {
	command := []string{"apt-get", "install", "--no-install-recommends", "-y"}
	for _, n := range needs {
		command = append(command, n.packages...)
	}
	return command
}

// packaged reports whether apt-get would install the packages.
func (n *need) packaged() bool {
	return exec.Command("apt-get", append([]string{"install", "--simulate"}, n.packages...)...).Run() == nil
}

// quietly runs a command that changes the machine. What apt-get says names mirrors and
// hundreds of files; it matters only when it fails.
func quietly(words ...string) error {
	line := strings.Join(words, " ")
	fmt.Println("$", line)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", line, err, out)
	}
	return nil
}

func lacking() []need {
	var missing []need
	for _, n := range needs {
		if err := n.missing(); err != nil {
			fmt.Printf("missing: %s: %v\n", n.what, err)
			missing = append(missing, n)
		}
	}
	return missing
}

// installPlaywright installs what package-lock.json names, unless that is there. No
// browser comes with it.
func installPlaywright() error {
	const dir = "tests/browser"
	wanted, err := os.Stat(dir + "/package-lock.json")
	if err != nil {
		return err
	}
	if installed, err := os.Stat(dir + "/node_modules/.package-lock.json"); err == nil && installed.ModTime().After(wanted.ModTime()) {
		return nil
	}
	fmt.Println("$ npm ci, in", dir)
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1")
	return show(cmd)
}

// lookForChromium asks for the version, because 150 registers no device the way that
// the tests want: it sends no Origin.
func lookForChromium() error {
	path, err := chromium.Find()
	if err != nil {
		return err
	}
	text, err := output(path, "--version")
	if err != nil {
		return err
	}
	major, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(text))
	if err != nil || major < 156 {
		return fmt.Errorf("%s says %q, and has to be 156 or later", path, text)
	}
	return nil
}

func lookFor(programs ...string) func() error {
	return func() error {
		for _, program := range programs {
			if _, err := exec.LookPath(program); err != nil {
				return err
			}
		}
		return nil
	}
}

// compileC tries what the race detector needs, since a compiler alone is not
// enough: gcc comes without the headers.
func compileC() error {
	cc, err := output("go", "env", "CC")
	if err != nil {
		return err
	}
	words := strings.Fields(cc) // CC may hold flags
	if len(words) == 0 {
		return errors.New("go env CC is empty")
	}
	cmd := exec.Command(words[0], append(words[1:], "-x", "c", "-o", os.DevNull, "-")...)
	cmd.Stdin = strings.NewReader("#include <stdlib.h>\n#include <pthread.h>\nint main(void) { return 0; }\n")
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	return cmd.Run()
}

// Command release makes the releases of this repository's modules.
//
//	go run ./tools/release prepare redis=v0.3.0 ... # write these versions into the tree
//	go run ./tools/release check                    # whether what versions.json declares can be released
//	go run ./tools/release publish                  # tag and release it: for the release workflow
//	go run ./tools/release publish -dry-run         # only look whether that could be done
//
// versions.json declares the version of each released module, v0.0.0 until its
// first release. A release is a pull request made by prepare; merging it makes
// the release workflow publish each module whose declared version has no tag.
// docs/releasing.md says more.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
)

const usage = "usage: go run ./tools/release prepare module=version ... | check | publish [-dry-run]"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	dry := slices.Equal(args, []string{"publish", "-dry-run"})
	if len(args) == 0 || len(args) > 1 && args[0] != "prepare" && !dry {
		return errors.New(usage)
	}
	r, err := open(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	switch args[0] {
	case "prepare":
		return r.prepare(args[1:])
	case "check":
		return r.check()
	case "publish":
		return r.publish(dry)
	}
	return errors.New(usage)
}

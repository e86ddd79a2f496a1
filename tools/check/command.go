package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// run runs a command in the present folder and shows what it says.
func run(name string, args ...string) error {
	fmt.Println("$", name, strings.Join(args, " "))
	return show(exec.Command(name, args...))
}

// goTool runs a go command on the workspace.
func (r *repository) goTool(args ...string) error { return run("go", args...) }

// show runs a command whose output goes to the terminal as it comes.
func show(cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w; what it found is above", cmd.Args[0], cmd.Args[1], err)
	}
	return nil
}

// output runs a command and returns what it prints, trimmed; its error holds
// what it complained of.
func output(name string, args ...string) (string, error) {
	return capture(exec.Command(name, args...))
}

func capture(cmd *exec.Cmd) (string, error) {
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", cmd.Args[0], cmd.Args[1], err, complaint.String())
	}
	return strings.TrimSpace(string(out)), nil
}

//go:build !all

package main

import (
	"io"
	"strings"
	"testing"
)

// tested are the adapters that the tests serve with.
const tested = "nethttp"

// TestLeftOut: without a tag, the error is the command that has it, without the password.
func TestLeftOut(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-store", "redis://localhost:6379"}, "redis ./examples -store redis://localhost:6379"},
		{[]string{"-store", "rediss://:secret@localhost"}, "redis ./examples -store rediss://:xxxxx@localhost"},
		{[]string{"-store", "postgresql://localhost/shop"}, "postgres ./examples -store postgresql://localhost/shop"},
		{[]string{"-store", "mysql://localhost/shop"}, "mysql ./examples -store mysql://localhost/shop"},
		{[]string{"-store", "sqlite:shop.db", "-debug"}, "sqlite ./examples -debug -store sqlite:shop.db"},
		{[]string{"-adapter", "chi"}, "chi ./examples -adapter chi"},
		{[]string{"-adapter", "gin"}, "gin ./examples -adapter gin"},
		{[]string{"-adapter", "echo"}, "echo ./examples -adapter echo"},
		{[]string{"-metrics", "localhost:9464", "-idle", "20s"}, "otel ./examples -idle 20s -metrics localhost:9464"},
		{[]string{"-adapter", "fiber", "-store", "sqlite:shop.db"}, "sqlite,fiber ./examples -adapter fiber -store sqlite:shop.db"},
	} {
		err := run(t.Context(), test.args, io.Discard)
		if want := "\tgo run -tags " + test.want; err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: got %v, want it to end with %q", test.args, err, want)
		}
	}
}

package attacks

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

// secretTypes of core are secrets, or hold one. A type that contains one is one too.
var secretTypes = []string{"digest", "token", "binding"}

// comparisons are those in core that tell the time which they take to somebody who
// sends secrets: all are of constant time.
var comparisons = []string{
	"binding.go issued: subtle.ConstantTimeCompare(t.secret[16:], code[:])",
	"binding.go answers: subtle.ConstantTimeCompare(b[8:], code[:])",
	"proof.go prove: subtle.ConstantTimeCompare(e.secret[:], d[:])",
	"proof.go prove: subtle.ConstantTimeCompare(e.previous[:], d[:])",
}

// harmless are comparisons of what may be a secret, each with the reason why it may
// take its time.
var harmless = map[string]string{
	"cookie.go collect: found[i].token != t":                     "both are from one request",
	"info.go lastUsedFirst: bytes.Compare(b[:], a[:])":           "IDs are public",
	"loss.go lostInList: bytes.Equal(set.Bytes(), kept.Bytes())": "data of the application",
	"plan.go retire: v.base.digest == was.previous":              "the secret has opened the session, or its device has signed",
	"proof.go still: env.secret != h.env.secret":                 "both are from the store",
	"write.go flush: v.base.env.mark == p.env.mark":              "marks name writes, and no request has any",
	"write.go look: env.mark == p.env.mark":                      "marks name writes, and no request has any",
}

// TestSecretsAreComparedInConstantTime looks through the code of core. No == or switch,
// no map and none of the functions that compare takes a secret, a list of bytes that
// is not plainly public, or a text that is named for a secret.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	c := checked(t, "core")
	var constant, others []string
	for _, file := range c.files {
		for _, declaration := range file.Decls {
			where := filepath.Base(c.set.File(file.Pos()).Name()) + " "
			if f, ok := declaration.(*ast.FuncDecl); ok {
				where += f.Name.Name
			}
			ast.Inspect(declaration, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					switch name := c.text(n.Fun); {
					case strings.HasPrefix(name, "subtle."), strings.HasPrefix(name, "hmac."):
						constant = append(constant, where+": "+c.text(n))
					case comparing(name) && !slices.ContainsFunc(n.Args, c.constant) && slices.ContainsFunc(n.Args, c.secret):
						others = append(others, where+": "+c.text(n))
					}
				case *ast.BinaryExpr:
					if (n.Op == token.EQL || n.Op == token.NEQ) && !c.constant(n.X) && !c.constant(n.Y) && (c.secret(n.X) || c.secret(n.Y)) {
						others = append(others, where+": "+c.text(n))
					}
				case *ast.SwitchStmt:
					if n.Tag != nil && c.secret(n.Tag) {
						others = append(others, where+": switch "+c.text(n.Tag))
					}
				case *ast.MapType:
					if c.secret(n.Key) {
						others = append(others, where+": "+c.text(n))
					}
				}
				return true
			})
		}
	}
	assert.ElementsMatch(t, comparisons, constant, "comparisons in constant time")
	for _, other := range others {
		assert.Contains(t, harmless, other, "this comparison takes the longer the more of a secret is right: use subtle.ConstantTimeCompare, or say why it is harmless")
	}
	for known := range harmless {
		assert.Contains(t, others, known, "it is no longer there")
	}
	t.Logf("%d comparisons in constant time, %d others of secrets", len(constant), len(others))
}

// comparing reports whether a function compares what it is given.
func comparing(name string) bool {
	pkg, function, _ := strings.Cut(name, ".")
	if pkg == "reflect" {
		return function == "DeepEqual"
	}
	return slices.Contains([]string{"bytes", "strings", "slices", "cmp", "maps"}, pkg) && !slices.Contains([]string{"Clip", "Clone", "Concat", "Grow", "NewReader", "NewReplacer", "Repeat", "Join", "ToLower"}, function)
}

// constant reports whether an expression is written out, such as the zero value of a
// secret: whether there is one is no secret.
func (c *code) constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return c.constant(e.X)
	case *ast.CompositeLit:
		return !slices.ContainsFunc(e.Elts, func(e ast.Expr) bool { return !c.constant(e) })
	case *ast.CallExpr: // a conversion
		return c.info.Types[e.Fun].IsType() && c.constant(e.Args[0])
	}
	typed := c.info.Types[e]
	return typed.Value != nil || typed.IsNil()
}

// A code is a package with its types.
type code struct {
	set   *token.FileSet
	files []*ast.File
	info  types.Info
}

func (c *code) text(e ast.Expr) string { return types.ExprString(e) }

// checked reads a package of the repository.
func checked(t *testing.T, folder string) *code {
	t.Helper()
	root := gotool.Root(t)
	exports := map[string]string{}
	list := gotool.Run(t, root, filepath.Join(root, "go.work"), "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "./"+folder)
	for line := range strings.Lines(list) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[path] = file
	}
	c := &code{set: token.NewFileSet(), info: types.Info{Types: map[ast.Expr]types.TypeAndValue{}}}
	names, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(c.set, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		c.files = append(c.files, file)
	}
	lookup := func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(exports[path])
	}
	config := types.Config{Importer: importer.ForCompiler(c.set, "gc", lookup)}
	_, err = config.Check("github.com/gostateful/session/"+folder, c.set, c.files, &c.info)
	require.NoError(t, err)
	return c
}

// secret reports whether an expression is a secret, or bytes or a text that may be one.
func (c *code) secret(e ast.Expr) bool {
	switch of := types.Unalias(c.info.Types[e].Type).(type) {
	case nil:
		return false
	case *types.Named:
		return holdsSecret(of, nil)
	case *types.Array:
		return true // [16]byte and the like: salts, codes, secrets
	case *types.Slice:
		return isByte(of.Elem()) && !isData(c.text(e))
	case *types.Struct:
		return holdsSecret(of, nil)
	case *types.Basic:
		text := strings.ToLower(c.text(e))
		text = text[strings.LastIndex(text, ".")+1:] // the field
		return of.Kind() == types.String && slices.ContainsFunc([]string{"secret", "token", "salt", "challenge", "encode()"}, func(name string) bool { return strings.Contains(text, name) })
	}
	return false
}

// isData reports whether bytes are data, of which no visitor sends a guess.
func isData(text string) bool {
	return strings.HasSuffix(text, "ata") || slices.Contains([]string{"before", "old", "after", "stored", "encoded"}, text)
}

func isByte(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Kind() == types.Byte
}

// holdsSecret reports whether values of a type that can be compared hold a secret.
func holdsSecret(t types.Type, inside []types.Type) bool {
	if slices.Contains(inside, t) {
		return false
	}
	inside = append(inside, t)
	if named, ok := types.Unalias(t).(*types.Named); ok && slices.Contains(secretTypes, named.Obj().Name()) {
		return true
	}
	switch t := t.Underlying().(type) {
	case *types.Struct:
		for field := range t.Fields() {
			if holdsSecret(field.Type(), inside) {
				return true
			}
		}
	case *types.Array:
		return holdsSecret(t.Elem(), inside)
	}
	return false
}

package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestEveryKeyIsReadSomewhere looks for fields of Config that no code outside this package reads. It goes by names: a field is
// read where something called c, cfg, config or Config, or what it loads, has it selected.
func TestEveryKeyIsReadSomewhere(t *testing.T) {
	read := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "config" || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && isConfig(s.X) {
				read[s.Sel.Name] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	config := reflect.TypeFor[Config]()
	for i := range config.NumField() {
		if f := config.Field(i); f.IsExported() && !read[f.Name] {
			t.Errorf("nobody reads %s: its key belongs to idle.go, with the reason", f.Name)
		}
	}
}

func isConfig(x ast.Expr) bool {
	name := ""
	switch x := x.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	case *ast.CallExpr:
		load, ok := x.Fun.(*ast.SelectorExpr)
		return ok && load.Sel.Name == "Load" && isConfig(load.X)
	}
	switch strings.ToLower(name) {
	case "c", "cfg", "config":
		return true
	}
	return false
}

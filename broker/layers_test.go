package broker

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/gantry-mq/gantry/"

// rules say which packages of this module a package may import: itself and what is below it, and those named. The longest prefix counts.
var rules = map[string][]string{
	"commitlog/seeded": {},
	"commitlog/vfs":    {"commitlog/seeded"},
	"commitlog/record": {},
	"commitlog/mapped": {"commitlog/vfs", "commitlog/record", "commitlog/seeded"},
	"commitlog":        {"commitlog"},
	"consumequeue":     {"commitlog/vfs", "commitlog/mapped", "commitlog/record", "commitlog/seeded"},
	"index":            {"commitlog/vfs", "commitlog/mapped", "commitlog/record", "commitlog/seeded"},

	"broker/store":           {"commitlog", "consumequeue", "index"},
	"broker/config":          {},
	"broker/telemetry":       {},
	"broker/internal/module": {},
	"broker/internal/golden": {"broker/internal/module"},
	"broker/internal/peer":   {"broker/internal/module", "benchmarks/jvm", "benchmarks/maven"},
	"broker/remoting":        {},
	"broker/stats":           {},
	"broker/meta":            {"broker/remoting/fastjson", "commitlog/vfs", "commitlog/record", "commitlog/seeded"},
	"broker/namesrv":         {"broker/remoting", "broker/meta"},

	"broker/admin": {"broker/meta", "broker/remoting", "commitlog/record"},

	"broker/topics":  {"broker/meta", "broker/store"},
	"broker/produce": {"broker/config", "broker/meta", "broker/store", "broker/topics", "commitlog"},
	"broker/delay":   {"broker/meta", "broker/store", "broker/topics", "commitlog", "consumequeue"},
	"broker/consume": {"broker/store", "commitlog", "consumequeue"},
	"broker/handler": {"broker/config", "broker/consume", "broker/meta", "broker/produce", "broker/remoting", "broker/stats", "broker/store", "broker/topics", "commitlog", "consumequeue"},

	"broker":            {"broker", "commitlog", "consumequeue", "index"},
	"broker/cmd/gantry": {"broker", "commitlog", "consumequeue", "index", "benchmarks/generator"},
	"benchmarks":        {}, // an independent check: it shares nothing with what it measures
}

// core packages may use nothing of the outside but these.
var coreOutside = []string{"golang.org/x/sys/", "github.com/klauspost/compress/", "github.com/google/btree"}

// networks are what the core must not know.
var networks = []string{"net", "net/http", "os/exec"}

func TestPackagesImportOnlyWhatLiesBelowThem(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "../...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		checkImports(t, strings.TrimPrefix(p.ImportPath, module), p.Imports)
	}
}

func checkImports(t *testing.T, pkg string, imports []string) {
	rule := ""
	for prefix := range rules {
		if under(pkg, prefix) && len(prefix) > len(rule) {
			rule = prefix
		}
	}
	if rule == "" {
		t.Errorf("%s: there is no rule for it", pkg)
		return
	}
	for _, imp := range imports {
		name, ours := strings.CutPrefix(imp, module)
		switch {
		case ours && !allowed(name, append(rules[rule], rule)):
			t.Errorf("%s imports %s, which the rule for %s doesn't allow", pkg, name, rule)
		case !ours && isCore(pkg) && !coreMayUse(imp):
			t.Errorf("%s imports %s: the core knows no network and few modules", pkg, imp)
		}
	}
}

func under(pkg, prefix string) bool { return pkg == prefix || strings.HasPrefix(pkg, prefix+"/") }

func allowed(pkg string, prefixes []string) bool {
	for _, p := range prefixes {
		if under(pkg, p) {
			return true
		}
	}
	return false
}

func isCore(pkg string) bool {
	return under(pkg, "commitlog") || under(pkg, "consumequeue") || under(pkg, "index")
}

func coreMayUse(imp string) bool {
	for _, n := range networks {
		if imp == n {
			return false
		}
	}
	if !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
		return true // the standard library
	}
	for _, p := range coreOutside {
		if strings.HasPrefix(imp+"/", p) || strings.HasPrefix(imp, p) {
			return true
		}
	}
	return false
}

package driver

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/benchmarks/generator"
)

func TestTheLongestVerbIsMeant(t *testing.T) {
	var done string
	note := func(name string) func(context.Context, []string) error {
		return func(_ context.Context, args []string) error {
			done = name + " of " + strings.Join(args, ",")
			return nil
		}
	}
	verbs := Verbs{"serve": note("serve"), "bench send": note("bench send")}
	for line, want := range map[string]string{"serve": "serve of ", "serve x": "serve of x", "bench send -a b": "bench send of -a,b"} {
		if err := verbs.run(context.Background(), strings.Fields(line)); err != nil || done != want {
			t.Errorf("%q: %q, %v, expected %q", line, done, err, want)
		}
	}
	for _, line := range []string{"", "bench", "bench pull", "x"} {
		if err := verbs.run(context.Background(), strings.Fields(line)); err == nil || !strings.Contains(err.Error(), "bench send, serve") {
			t.Errorf("%q: %v, expected the verbs that there are", line, err)
		}
	}
}

func TestALoadGetsItsOptionsAndItsReportIsWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	own := 0
	verb := Bench("mine", func(_ context.Context, o *generator.Options) (*generator.Report, error) {
		return &generator.Report{Mode: o.Mode, Queues: o.Queues, Connections: own}, nil
	}, func(fs *flag.FlagSet) { fs.IntVar(&own, "own", 1, "") })
	if err := verb(context.Background(), []string{"-queues", "3", "-own", "7", "-json", file}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"mode": "mine"`, `"queues": 3`, `"connections": 7`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if err := verb(context.Background(), []string{"-queues", "3", "rest"}); err == nil {
		t.Error("an argument too many isn't an error")
	}
}

func TestWhatTheServerDidWrongIsAnError(t *testing.T) {
	broken := errors.New("broken")
	for name, load := range map[string]Load{
		"problem": func(context.Context, *generator.Options) (*generator.Report, error) {
			return &generator.Report{Problems: []string{"x"}}, nil
		},
		"error": func(context.Context, *generator.Options) (*generator.Report, error) {
			return &generator.Report{}, broken
		},
		"no report": func(context.Context, *generator.Options) (*generator.Report, error) { return nil, broken },
	} {
		if err := Bench("mine", load, nil)(context.Background(), nil); err == nil {
			t.Errorf("%s: expected an error", name)
		}
	}
}

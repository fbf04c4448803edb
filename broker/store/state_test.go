package store

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/commitlog"
)

// documented is the state of the package comment.
var documented = state{
	Format: stateFormat, Clean: true, Flushed: 507448, Queues: 507448, CRCFrom: 0,
	Peer:       checkpointBytes(commitlog.Checkpoint{LogTimestamp: 1795454323735, QueueTimestamp: 1795454323735, QueueLogOffset: 507098}),
	PeerBefore: checkpointBytes(commitlog.Checkpoint{LogTimestamp: 1795454261616}),
	Index:      savedIndex{File: "20261123171741361", Count: 378, LogOffset: 507448},
}

func TestTheStateOfThePackageCommentIsWhatIsWritten(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder // the comment breaks the line
	for line := range strings.Lines(string(doc)) {
		if text, ok := strings.CutPrefix(line, "//\t"); ok {
			shown.WriteString(strings.TrimSpace(text))
		}
	}
	line, sum, _ := strings.Cut(string(documented.encode()), "\n")
	if want := line + strings.TrimSpace(sum); !strings.Contains(shown.String(), want) {
		t.Errorf("the package comment doesn't show\n%s\n%s", line, sum)
	}
}

func TestAStateSurvivesEncodingAndNothingElsePassesForOne(t *testing.T) {
	b := documented.encode()
	got, err := decodeState(b)
	if err != nil || string(got.encode()) != string(b) {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range b {
		damaged := append([]byte(nil), b...)
		damaged[i] ^= 0x10
		if _, err := decodeState(damaged); !errors.Is(err, errState) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if _, err := decodeState(b[:i]); !errors.Is(err, errState) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	other := documented
	other.Format++
	if _, err := decodeState(other.encode()); !errors.Is(err, errState) {
		t.Errorf("another format: %v", err)
	}
}

func FuzzDecodeState(f *testing.F) {
	f.Add(documented.encode())
	f.Add([]byte("{}\n00000000\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := decodeState(b); err == nil && s.Format != stateFormat {
			t.Errorf("accepted format %d", s.Format)
		}
	})
}

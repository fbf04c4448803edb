package commitlog

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// documentedCheckpoint are the bytes of the example in the package's comment.
func documentedCheckpoint(t testing.TB) []byte {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for _, line := range regexp.MustCompile(`(?m)^//\t00[0-9a-f]0  ([0-9a-f ]+)$`).FindAllSubmatch(doc, -1) {
		row, err := hex.DecodeString(strings.ReplaceAll(string(line[1]), " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, row...)
	}
	return b
}

// exampleCheckpoint is what the package's comment says they mean.
var exampleCheckpoint = Checkpoint{
	LogTimestamp: 1795454323735, QueueTimestamp: 1795454323735, IndexTimestamp: 1795454261360,
	Confirmed: 503510, QueueLogOffset: 507098,
}

func TestTheCheckpointOfRocketMQIsRead(t *testing.T) {
	b := documentedCheckpoint(t)
	if len(b) != checkpointUsed {
		t.Fatalf("%d bytes in the example", len(b))
	}
	if got := DecodeCheckpoint(b); got != exampleCheckpoint {
		t.Errorf("%+v, want %+v", got, exampleCheckpoint)
	}
	enc := exampleCheckpoint.Encode()
	if len(enc) != 4096 || !bytes.Equal(enc[:48], b) || len(bytes.TrimRight(enc, "\x00")) > 48 {
		t.Errorf("encoded: %d bytes, % x", len(enc), enc[:64])
	}
}

func TestAShortCheckpointHasZerosForWhatItLacks(t *testing.T) {
	b := exampleCheckpoint.Encode()
	for n := range 60 {
		want := exampleCheckpoint
		for i, f := range want.fields() {
			if n < 8*(i+1) {
				*f = 0
			}
		}
		if got := DecodeCheckpoint(b[:n]); got != want {
			t.Errorf("%d bytes: %+v", n, got)
		}
	}
}

func TestACheckpointIsReadBack(t *testing.T) {
	mem := vfs.NewMem()
	if c, err := ReadCheckpoint(mem, "checkpoint"); err != nil || c != (Checkpoint{}) {
		t.Errorf("no file: %+v, %v", c, err)
	}
	second := Checkpoint{LogTimestamp: 1, QueueLogOffset: -1}
	for _, want := range []Checkpoint{exampleCheckpoint, second, {}} {
		if err := WriteCheckpoint(mem, "checkpoint", want); err != nil {
			t.Fatal(err)
		}
		mem = mem.Crash(newRand(1))
		if got, err := ReadCheckpoint(mem, "checkpoint"); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
		if info, err := mem.Stat("checkpoint"); err != nil || info.Size != 4096 {
			t.Errorf("file: %+v, %v", info, err)
		}
	}
}

// TestAPowerLossLeavesOneCheckpointOrTheOther checks that no mixture of two is ever found, since both lie in one sector.
func TestAPowerLossLeavesOneCheckpointOrTheOther(t *testing.T) {
	next := Checkpoint{LogTimestamp: 9, QueueTimestamp: 8, IndexTimestamp: 7, MasterFlushed: 6, Confirmed: 5, QueueLogOffset: 4}
	for seed := range uint64(50) {
		mem := vfs.NewMem()
		if err := WriteCheckpoint(mem, "checkpoint", exampleCheckpoint); err != nil {
			t.Fatal(err)
		}
		fsys := vfs.Fault(mem, nth(vfs.OpSync, 0, errInjected))
		if err := WriteCheckpoint(fsys, "checkpoint", next); !errors.Is(err, errInjected) {
			t.Fatalf("not synced and no error: %v", err)
		}
		got, err := ReadCheckpoint(mem.Crash(newRand(seed)), "checkpoint")
		if err != nil || got != exampleCheckpoint && got != next {
			t.Fatalf("%+v, %v", got, err)
		}
	}
}

func TestCheckpointErrorsNameTheFile(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpOpen, vfs.OpWrite, vfs.OpSync, vfs.OpRead, vfs.OpClose} {
		mem := vfs.NewMem()
		if err := WriteCheckpoint(mem, "store/../checkpoint", Checkpoint{}); err != nil {
			t.Fatal(err)
		}
		fsys := vfs.Fault(mem, nth(kind, 0, vfs.ErrIO))
		var err error
		if kind == vfs.OpRead {
			_, err = ReadCheckpoint(fsys, "checkpoint")
		} else {
			err = WriteCheckpoint(fsys, "checkpoint", exampleCheckpoint)
		}
		if !errors.Is(err, vfs.ErrIO) || !strings.Contains(err.Error(), "checkpoint") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

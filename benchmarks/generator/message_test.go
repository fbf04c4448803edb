package generator

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

func TestMessagesOfEveryLayoutAreCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		magic := rapid.SampledFrom([]uint32{messageMagicV1, messageMagicV2}).Draw(t, "magic")
		sysFlag := rapid.Uint32Range(0, 1<<12).Draw(t, "system flag")
		queueID := rapid.IntRange(0, 1<<20).Draw(t, "queue")
		offset := rapid.Int64Range(0, 1<<60).Draw(t, "offset")
		body := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "body")
		m, rest, err := cutMessage(append(storedMessageOf(magic, sysFlag, queueID, offset, body), "rest"...))
		if err != nil || string(rest) != "rest" {
			t.Fatalf("rest %q, error %v", rest, err)
		}
		if int(m.queueID) != queueID || m.queueOffset != offset || !bytes.Equal(m.body, body) {
			t.Fatalf("message %+v", m)
		}
	})
}

func TestBytesThatAreNoMessageAreAnError(t *testing.T) {
	good := storedMessage(3, 42, []byte("body"))
	put := func(at int, v uint32) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[at:], v)
		return b
	}
	for name, b := range map[string][]byte{
		"one byte":                 good[:1],
		"ends within":              good[:len(good)-1],
		"size below the head":      put(0, 40),
		"negative size":            put(0, 1<<31),
		"another magic":            put(4, 0xCBD43194),
		"IPv6 but no room for it":  put(36, bornHostIsV6|storeHostIsV6),
		"body beyond the message":  put(84, 100),
		"body of a negative size":  put(84, 1<<31),
		"size beyond what is read": put(0, uint32(len(good)+1)),
	} {
		if _, _, err := cutMessage(b); !errors.Is(err, errProtocol) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestCuttingAMessageAllocatesNothing(t *testing.T) {
	b := storedMessage(3, 42, measure.NewBody(100))
	n := testing.AllocsPerRun(100, func() {
		if _, _, err := cutMessage(b); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzCutMessage: no bytes make it panic, and it goes forward by what the message says.
func FuzzCutMessage(f *testing.F) {
	f.Add(storedMessage(3, 42, []byte("body")))
	f.Add(storedMessageOf(messageMagicV2, bornHostIsV6|storeHostIsV6, 1, 2, []byte("body")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		m, rest, err := cutMessage(b)
		if err != nil {
			return
		}
		size := binary.BigEndian.Uint32(b)
		if len(rest) != len(b)-int(size) || len(m.body) >= int(size) {
			t.Fatalf("message of %d bytes: %d of %d left, body of %d", size, len(rest), len(b), len(m.body))
		}
	})
}

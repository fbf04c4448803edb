package generator

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// request is a frame as encoding/json sees it: the tests' broker reads with it, too.
type request struct {
	Code      int32             `json:"code"`
	Language  string            `json:"language"`
	Version   int32             `json:"version"`
	Opaque    int32             `json:"opaque"`
	Flag      int32             `json:"flag"`
	ExtFields map[string]string `json:"extFields"`
	Body      []byte            `json:"-"`
}

// readRequest reads a frame without its length.
func readRequest(frame []byte) (request, error) {
	mark := binary.BigEndian.Uint32(frame)
	var r request
	err := json.Unmarshal(frame[4:4+mark], &r) // a type other than 0 makes the mark too large and panics
	r.Body = frame[4+mark:]
	return r, err
}

func TestSendFrameHasTheBytesOfTheProtocol(t *testing.T) {
	body := []byte("hello")
	f := newSendFrame("T", 3, 8, "00112233445566778899", body)
	got := f.appendTo([]byte("before"), 1_234_567_890, 1_700_000_000_123, 0xABCDEF)

	header := `{"code":310,"language":"GO","version":317,"opaque":1234567890,"flag":0,"remark":"","extFields":{` +
		`"a":"bench-producer","b":"T","c":"TBW102","d":"8","e":"3","f":"0","g":"1700000000123","h":"0",` +
		`"i":"UNIQ_KEY\u000100112233445566778899000000ABCDEF\u0002WAIT\u0001true\u0002",` +
		`"j":"0","k":"false","l":"0","m":"false","n":""}}`
	want := []byte("before")
	want = binary.BigEndian.AppendUint32(want, uint32(4+len(header)+len(body)))
	want = binary.BigEndian.AppendUint32(want, uint32(len(header)))
	want = append(append(want, header...), body...)
	if !bytes.Equal(got, want) {
		t.Errorf("frame\n%q, expected\n%q", got, want)
	}
}

func TestEverySendIsAWholeFrameWithItsOwnNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topic := rapid.StringMatching(`[%A-Za-z0-9_"\\-]{1,40}`).Draw(t, "topic")
		queueID := rapid.IntRange(0, 9999).Draw(t, "queue")
		body := rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "body")
		opaque := rapid.Int32Range(firstOpaque, firstOpaque+opaqueSpan-1).Draw(t, "opaque")
		seq := rapid.Uint64Range(0, 1<<48-1).Draw(t, "seq")
		f := newSendFrame(topic, queueID, 10_000, strings.Repeat("A", 20), body)

		frame, rest, err := cutFrame(f.appendTo(nil, opaque, 1_700_000_000_123, seq))
		if err != nil || frame == nil || len(rest) > 0 {
			t.Fatalf("not one frame: %d bytes left, %v", len(rest), err)
		}
		r, err := readRequest(frame)
		if err != nil {
			t.Fatal(err)
		}
		if r.Opaque != opaque || r.ExtFields["b"] != topic || atoi(r.ExtFields["e"]) != queueID || !bytes.Equal(r.Body, body) {
			t.Fatalf("read back %+v", r)
		}
		var digits [12]byte
		putHex(digits[:], seq)
		if want := "UNIQ_KEY\x01" + strings.Repeat("A", 20) + string(digits[:]) + "\x02WAIT\x01true\x02"; r.ExtFields["i"] != want {
			t.Fatalf("properties %q, expected %q", r.ExtFields["i"], want)
		}
	})
}

func TestASendAllocatesNothing(t *testing.T) {
	f := newSendFrame("T", 3, 8, strings.Repeat("A", 20), measure.NewBody(1024))
	out := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { out = f.appendTo(out[:0], firstOpaque, 1, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSendFrame(b *testing.B) {
	f := newSendFrame("bench", 3, 8, strings.Repeat("A", 20), measure.NewBody(1024))
	var out []byte
	b.SetBytes(int64(len(f.bytes)))
	for i := 0; b.Loop(); i++ {
		out = f.appendTo(out[:0], firstOpaque+int32(i&63), 1_700_000_000_123, uint64(i))
	}
}

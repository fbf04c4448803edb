package admin

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// stored is a record of a message to topic orders.
func stored(t testing.TB, offset int64, body []byte, sysFlag int32, props ...string) []byte {
	t.Helper()
	host := func(port int32) record.Host { return record.Host{IP: netip.MustParseAddr("127.0.0.1"), Port: port} }
	d := record.Draft{
		Topic: "orders", QueueID: 1, Flag: 5, SysFlag: sysFlag, BornTimestamp: 1000, BornHost: host(1), StoreHost: host(10911),
		ReconsumeTimes: 2, Body: body, LogOffset: 1000 + offset, QueueOffset: offset, StoreTimestamp: 2000 + offset,
	}
	for i := 0; i < len(props); i += 2 {
		d.Properties = record.AppendProperty(d.Properties, props[i], props[i+1])
	}
	b, err := d.AppendTo(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	d.Finish(b)
	return b
}

func TestMessagesAreReadFromRecords(t *testing.T) {
	b := stored(t, 7, []byte("hello"), 0, record.PropUniqKey, "ID7", record.PropTags, "a", record.PropKeys, "k1 k2")
	b = append(b, stored(t, 8, []byte{0xff, 0}, 0)...)
	all, err := decodeMessages(b)
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	equal(t, "first", all[0], Message{
		ID: "ID7", OffsetID: "7F00000100002A9F00000000000003EF", Topic: "orders", QueueID: 1, QueueOffset: 7, LogOffset: 1007, Flag: 5,
		BornTimestamp: 1000, BornHost: "127.0.0.1:1", StoreTimestamp: 2007, StoreHost: "127.0.0.1:10911", ReconsumeTimes: 2,
		Properties: map[string]string{"UNIQ_KEY": "ID7", "TAGS": "a", "KEYS": "k1 k2"}, BodySize: 5, Body: "hello",
	})
	if !all[0].HasKey("k2") || all[0].HasKey("k") || all[0].Tags() != "a" {
		t.Error("keys or tags")
	}
	if m := all[1]; m.ID != m.OffsetID || m.Body != "" || !bytes.Equal(m.BodyBase64, []byte{0xff, 0}) || m.HasKey("") && m.Keys() != "" {
		t.Errorf("%+v", m)
	}
	for cut := 1; cut < len(b); cut += 17 {
		if all, err := decodeMessages(b[:len(b)-cut]); err == nil || len(all) > 1 {
			t.Fatalf("cut by %d: %d messages, %v", cut, len(all), err)
		}
	}
}

// compressed bodies as clients write them.
func compressed(t testing.TB, body []byte) map[int32][]byte {
	t.Helper()
	var z, l bytes.Buffer
	zw, lw := zlib.NewWriter(&z), lz4.NewWriter(&l)
	for _, w := range []io.WriteCloser{zw, lw} {
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return map[int32][]byte{0: z.Bytes(), record.SysCompressionZlib: z.Bytes(), record.SysCompressionLZ4: l.Bytes(), record.SysCompressionZstd: e.EncodeAll(body, nil)}
}

func TestCompressedBodiesAreShownPlain(t *testing.T) {
	body := strings.Repeat("hello ", 1000)
	for codec, b := range compressed(t, []byte(body)) {
		all, err := decodeMessages(stored(t, 0, b, codec|record.SysCompressed))
		if err != nil || all[0].Body != body || all[0].BodySize != len(body) || all[0].BodyError != "" {
			t.Errorf("codec %#x: %.100v, %v", codec, all, err)
		}
		all, err = decodeMessages(stored(t, 0, b[:len(b)/2], codec|record.SysCompressed))
		if err != nil || all[0].BodyError == "" || all[0].BodySize != len(b)/2 {
			t.Errorf("codec %#x, torn: %.100v, %v; expected the bytes as they are and a reason", codec, all, err)
		}
	}
	if all, _ := decodeMessages(stored(t, 0, []byte("x"), 0x400|record.SysCompressed)); !strings.Contains(all[0].BodyError, "unknown codec") {
		t.Errorf("%+v", all)
	}
}

func TestABodyThatGrowsBeyondBoundsIsLeftCompressed(t *testing.T) {
	const limit = 1 << 20
	for codec, b := range compressed(t, make([]byte, limit)) {
		if plain, err := uncompress(b, codec, limit); err != nil || len(plain) != limit {
			t.Errorf("codec %#x: %d bytes, %v", codec, len(plain), err)
		}
		if _, err := uncompress(b, codec, limit-1); err == nil {
			t.Errorf("codec %#x: %d bytes became more than %d", codec, len(b), limit-1)
		}
	}
}

func FuzzDecodeMessages(f *testing.F) {
	f.Add(stored(f, 7, []byte("hello"), 0, "KEYS", "k"))
	for codec, b := range compressed(f, []byte("hello hello hello")) {
		f.Add(stored(f, 1, b, codec|record.SysCompressed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := decodeMessages(b)
		if err == nil && len(all) == 0 && len(b) > 0 {
			t.Fatal("neither a message nor an error")
		}
		for i := range all {
			if m := &all[i]; m.Body != "" && m.BodyBase64 != nil || len(m.body()) != m.BodySize {
				t.Fatalf("body %q %s of %d bytes", m.Body, base64.StdEncoding.EncodeToString(m.BodyBase64), m.BodySize)
			}
		}
	})
}

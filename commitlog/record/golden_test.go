package record

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden reads a record that RocketMQ 5.5.0 wrote.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".hex")
	if err != nil {
		t.Fatal(err)
	}
	return unhex(t, string(text))
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustDecode(t testing.TB, b []byte) Record {
	t.Helper()
	var r Record
	if err := Decode(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// draftOf makes the draft that a record came from.
func draftOf(r Record) Draft {
	return Draft{
		Topic: string(r.Topic), QueueID: r.QueueID, Flag: r.Flag, SysFlag: r.SysFlag,
		BornTimestamp: r.BornTimestamp, BornHost: r.BornHost, StoreHost: r.StoreHost,
		ReconsumeTimes: r.ReconsumeTimes, PreparedTransactionOffset: r.PreparedTransactionOffset,
		Body: r.Body, Properties: r.Properties,
		QueueOffset: r.QueueOffset, LogOffset: r.LogOffset, StoreTimestamp: r.StoreTimestamp,
	}
}

// encode is what the log makes of a draft that has its place and time.
func encode(t testing.TB, d *Draft, crcProperty bool) []byte {
	t.Helper()
	rec, err := d.AppendTo(nil, crcProperty)
	if err != nil {
		t.Fatal(err)
	}
	d.Finish(rec)
	return rec
}

var hostCmp = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestDecodeReadsWhatThePeerWrote(t *testing.T) {
	v4 := func(port int32) Host { return Host{netip.MustParseAddr("127.0.0.1"), port} }
	v6 := func(port int32) Host { return Host{netip.MustParseAddr("::1"), port} }
	longTopic := "%RETRY%feat-pop-group-whose-name-is-also-long-enough-that-the-retry-topic-needs-record-version-2_FeatPop-with-a-topic-name-that-is-rather-long-but-legal-0123456789"

	r := mustDecode(t, golden(t, "v1"))
	props := r.Properties
	r.Properties = nil
	if diff := cmp.Diff(Record{
		Size: 315, Magic: MagicV1, BodyCRC: 0x6c09ff9d, QueueID: 2,
		BornTimestamp: 1795451262791, BornHost: v4(47204), StoreTimestamp: 1795451262876, StoreHost: v4(20911),
		Body: []byte("r"), Topic: []byte("GoldenNormal"),
	}, r, hostCmp); diff != "" {
		t.Errorf("version 1 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{
		"price": "0.0", "MSG_REGION": "DefaultRegion", "UNIQ_KEY": "FD00000000000000000000000000000229DF30946E0974D42F460000",
		"CLUSTER": "DefaultCluster", "unicode": "日本語-é-0", "region": "eu", "TAGS": "tag0", "KEYS": "order-0 user-0",
		"WAIT": "true", "TRACE_ON": "true",
	}, ParseMap(props)); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}

	r = mustDecode(t, golden(t, "v2"))
	if r.Magic != MagicV2 || string(r.Topic) != longTopic || r.LogOffset != 495557 {
		t.Errorf("version 2: %08x, topic %q, log offset %d", r.Magic, r.Topic, r.LogOffset)
	}

	r = mustDecode(t, golden(t, "ipv6"))
	if r.SysFlag != SysBornHostV6|SysStoreHostV6 || r.BornHost != v6(45962) || r.StoreHost != v6(30911) ||
		r.BornTimestamp != 0x1a2096acaed || r.StoreTimestamp != 0x1a2096acb36 || len(r.Body) != 40 || r.QueueOffset != 0x77 {
		t.Errorf("IPv6: %+v", r)
	}
	if got := StoreTimestamp(golden(t, "ipv6")); got != r.StoreTimestamp {
		t.Errorf("StoreTimestamp = %d of a record with IPv6 hosts, want %d", got, r.StoreTimestamp)
	}

	r = mustDecode(t, golden(t, "innerbatch"))
	n, err := CountBatch(r.Body)
	if stated, _ := Property(r.Properties, PropInnerNum); err != nil || n != 8 || string(stated) != "8" || r.SysFlag != SysInnerBatch|SysNeedUnwrap {
		t.Errorf("inner batch: %d items of %s, %v, sysFlag %x", n, stated, err, r.SysFlag)
	}
}

func TestDraftsBecomeTheBytesOfThePeer(t *testing.T) {
	for _, name := range []string{"v1", "crc", "v2", "ipv6", "innerbatch"} {
		want := golden(t, name)
		r := mustDecode(t, want)
		d := draftOf(r)
		_, crc := Property(r.Properties, PropCRC32)
		if got := encode(t, &d, crc); !bytes.Equal(got, want) {
			t.Errorf("%s: (-want +got)\n%s", name, cmp.Diff(hex.Dump(want), hex.Dump(got)))
		}
		size, kind, err := Verify(want, r.LogOffset, Check{BodyCRC: true, RecordCRC: true})
		if size != len(want) || kind != Message || err != nil {
			t.Errorf("%s: Verify = %d, %d, %v", name, size, kind, err)
		}
	}
	if got := golden(t, "crc"); !bytes.HasSuffix(got, []byte("__CRC32#\x014669036681\x02")) {
		t.Errorf("the golden record ends with %q", got[len(got)-CRCPropertySize:])
	}
}

func TestBlankIsThePeers(t *testing.T) {
	blank := unhex(t, "00 00 01 55 cb d4 31 94")
	if got := AppendBlank(nil, 341); !bytes.Equal(got, blank) {
		t.Errorf("AppendBlank = %x, want %x", got, blank)
	}
	size, kind, err := Verify(append(blank, make([]byte, 333)...), 261803, Check{})
	if size != 341 || kind != Blank || err != nil {
		t.Errorf("Verify = %d, %d, %v", size, kind, err)
	}
}

func exampleDraft() Draft {
	lo := netip.MustParseAddr("127.0.0.1")
	return Draft{
		Topic: "T", QueueID: 3, Body: []byte("hi"), Properties: AppendProperty(nil, PropTags, "a"),
		BornTimestamp: 1700000000000, BornHost: Host{lo, 50000}, StoreHost: Host{lo, 10911},
		QueueOffset: 7, LogOffset: 4096, StoreTimestamp: 1700000000001,
	}
}

func TestTheExampleInTheDocumentationIsTrue(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	_, example, _ := strings.Cut(string(doc), "# Example")
	for line := range strings.Lines(example) {
		if dump, ok := strings.CutPrefix(line, "//\t00"); ok {
			text.WriteString(dump[2:])
		}
	}
	documented := unhex(t, text.String())
	d := exampleDraft()
	if want := encode(t, &d, true); !bytes.Equal(documented, want) {
		t.Errorf("documented (-) and encoded (+):\n%s", cmp.Diff(hex.Dump(documented), hex.Dump(want)))
	}
	r := mustDecode(t, documented)
	tag, _ := Property(r.Properties, PropTags)
	if r.Size != 121 || string(r.Body) != "hi" || string(r.Topic) != "T" || r.QueueID != 3 || r.LogOffset != 4096 || string(tag) != "a" {
		t.Errorf("documented record: %+v", r)
	}
}

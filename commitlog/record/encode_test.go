package record

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func hostGen() *rapid.Generator[Host] {
	return rapid.Custom(func(t *rapid.T) Host {
		h := Host{Port: rapid.Int32().Draw(t, "port")}
		if rapid.Bool().Draw(t, "v6") {
			ip := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ip"))
			ip[0] |= 1 // no IPv4 address in disguise
			h.IP = netip.AddrFrom16(ip)
		} else {
			h.IP = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "ip")))
		}
		return h
	})
}

func propertiesGen() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		var props []byte
		for range rapid.IntRange(0, 4).Draw(t, "pairs") {
			name := rapid.SampledFrom([]string{"a", "TAGS", "__CRC32", "x__CRC32#"}).Draw(t, "name")
			props = AppendProperty(props, name, rapid.SampledFrom([]string{"", "1", "日本", "__CRC32#"}).Draw(t, "value"))
		}
		if len(props) > 0 && rapid.Bool().Draw(t, "open") {
			props = props[:len(props)-1]
		}
		return props
	})
}

func draftGen() *rapid.Generator[Draft] {
	return rapid.Custom(func(t *rapid.T) Draft {
		return Draft{
			Topic:                     strings.Repeat("t", rapid.SampledFrom([]int{0, 1, 20, 127, 128, 255, 300}).Draw(t, "topic")),
			QueueID:                   rapid.Int32().Draw(t, "queue"),
			Flag:                      rapid.Int32().Draw(t, "flag"),
			SysFlag:                   rapid.Int32().Draw(t, "sysFlag"),
			BornTimestamp:             rapid.Int64().Draw(t, "born"),
			BornHost:                  hostGen().Draw(t, "bornHost"),
			StoreHost:                 hostGen().Draw(t, "storeHost"),
			ReconsumeTimes:            rapid.Int32().Draw(t, "reconsume"),
			PreparedTransactionOffset: rapid.Int64().Draw(t, "prepared"),
			Body:                      bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill"), 7}, rapid.SampledFrom([]int{0, 1, 100, spliceMin/2 - 1, spliceMin / 2, 3000}).Draw(t, "body")),
			Properties:                propertiesGen().Draw(t, "properties"),
			MoreProperties:            propertiesGen().Draw(t, "more"),
			QueueOffset:               rapid.Int64().Draw(t, "queueOffset"),
			LogOffset:                 rapid.Int64().Draw(t, "logOffset"),
			StoreTimestamp:            rapid.Int64().Draw(t, "stored"),
		}
	})
}

func TestEveryDraftComesBackFromItsRecord(t *testing.T) {
	both := Check{BodyCRC: true, RecordCRC: true}
	rapid.Check(t, func(t *rapid.T) {
		d := draftGen().Draw(t, "draft")
		crc := rapid.Bool().Draw(t, "crc")
		before := []byte("before")
		buf, err := d.AppendTo(before, crc)
		if err != nil {
			t.Fatal(err)
		}
		rec := buf[len(before):]
		d.Finish(rec)
		if !bytes.HasPrefix(buf, before) || len(rec) != int(d.Size) {
			t.Fatalf("%d bytes behind %q, Size %d", len(rec), buf[:len(before)], d.Size)
		}
		size, kind, err := Verify(append(rec, "what follows"...), d.LogOffset, both)
		if err != nil || kind != Message || size != len(rec) {
			t.Fatalf("Verify = %d, %d, %v of %d bytes", size, kind, err, len(rec))
		}

		var r Record
		if err := Decode(rec, &r); err != nil {
			t.Fatal(err)
		}
		if got, ok := Property(r.Properties, PropCRC32); ok != crc {
			t.Fatalf("CRC property %q, %v", got, ok)
		}
		back := draftOf(r)
		back.Body, back.Properties = nil, nil
		want := d
		want.Body, want.Properties, want.MoreProperties, want.Size, want.late = nil, nil, nil, 0, lateCRC{}
		if !reflect.DeepEqual(back, want) {
			t.Fatalf("%+v\nwant %+v", back, want)
		}
		if !bytes.Equal(r.Body, d.Body) {
			t.Fatalf("body %q", r.Body)
		}
		if v2 := len(d.Topic) > 127; v2 != (r.Magic == MagicV2) {
			t.Fatalf("magic %08x of a topic of %d bytes", r.Magic, len(d.Topic))
		}
		props := ParseMap(d.Properties)
		for name, value := range ParseMap(d.MoreProperties) {
			props[name] = value
		}
		got := ParseMap(r.Properties)
		delete(got, PropCRC32)
		if diff := cmp.Diff(props, got); diff != "" {
			t.Fatalf("properties (-want +got):\n%s", diff)
		}
	})
}

func TestPropertiesAreSeparatedWhereTheyMustBe(t *testing.T) {
	const crc = "__CRC32#\x010000000000\x02"
	for _, c := range []struct {
		props, more string
		crcProperty bool
		want        string
	}{
		{"", "", false, ""},
		{"", "", true, crc},
		{"a\x01b", "", false, "a\x01b"}, // as it was sent
		{"a\x01b", "", true, "a\x01b\x02" + crc},
		{"a\x01b\x02", "", true, "a\x01b\x02" + crc},
		{"a\x01b", "c\x01d", false, "a\x01b\x02c\x01d"},
		{"a\x01b\x02", "c\x01d", true, "a\x01b\x02c\x01d\x02" + crc},
		{"", "c\x01d", false, "c\x01d"},
		// What came in as a CRC goes, wherever it is.
		{"__CRC32#\x011", "", false, ""},
		{"__CRC32#\x011\x02a\x01b\x02__CRC32#\x01\x02", "__CRC32#\x012\x02c\x01d", true, "a\x01b\x02c\x01d\x02" + crc},
		// These only look like one.
		{"x__CRC32#\x011\x02", "", false, "x__CRC32#\x011\x02"},
		{"a\x01__CRC32#\x02__CRC32#x\x011\x02__CRC32#", "", false, "a\x01__CRC32#\x02__CRC32#x\x011\x02__CRC32#"},
	} {
		d := exampleDraft()
		d.Properties, d.MoreProperties = []byte(c.props), []byte(c.more)
		rec, err := d.AppendTo(nil, c.crcProperty)
		if err != nil {
			t.Fatal(err)
		}
		if r := mustDecode(t, rec); string(r.Properties) != c.want {
			t.Errorf("%q, %q, %v:\n got %q\nwant %q", c.props, c.more, c.crcProperty, r.Properties, c.want)
		}
		if string(d.Properties) != c.props || string(d.MoreProperties) != c.more {
			t.Errorf("%q, %q: the draft's properties changed", c.props, c.more)
		}
	}
}

func TestADraftCanBeEncodedAgainWhenItsPropertiesGrew(t *testing.T) {
	d := exampleDraft()
	d.Body = bytes.Repeat([]byte("body"), 500)
	buf, err := d.AppendTo(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	first := d.Size
	d.MoreProperties = AppendProperty(nil, PropMultiQueueOffset, "17,4")
	buf, err = d.AppendTo(buf[:0], true)
	if err != nil {
		t.Fatal(err)
	}
	d.Finish(buf)
	if int(d.Size) != len(buf) || d.Size != first+int32(len(d.MoreProperties)) {
		t.Errorf("size %d, first %d, %d bytes", d.Size, first, len(buf))
	}
	if _, _, err := Verify(buf, d.LogOffset, Check{BodyCRC: true, RecordCRC: true}); err != nil {
		t.Error(err)
	}
}

func TestADraftCanBeFinishedAgainAtAnotherPlace(t *testing.T) {
	d := exampleDraft()
	rec := encode(t, &d, true)
	d.LogOffset, d.QueueOffset = 1<<40, 9
	d.Finish(rec)
	if _, _, err := Verify(rec, 1<<40, Check{BodyCRC: true, RecordCRC: true}); err != nil {
		t.Error(err)
	}
}

func TestTooLongPartsAreRefusedAndLeaveTheBufferAsItWas(t *testing.T) {
	fits := AppendProperty(nil, "n", strings.Repeat("v", MaxPropertiesLen-3))
	for _, c := range []struct {
		name        string
		topic       int
		props, more []byte
		crcProperty bool
		want        error
	}{
		{"properties of the greatest length", 1, fits, nil, false, nil},
		{"one more", 1, append([]byte("x"), fits...), nil, false, ErrPropertiesTooLong},
		{"no room for more", 1, fits, []byte("a\x01b"), false, ErrPropertiesTooLong},
		{"no room for the CRC", 1, fits, nil, true, ErrPropertiesTooLong},
		{"just room for the CRC", 1, fits[CRCPropertySize:], nil, true, nil},
		{"long only for a CRC that goes", 1, append([]byte("__CRC32#\x011\x02"), fits...), nil, false, nil},
		{"topic of the greatest length", MaxTopicLen, nil, nil, true, nil},
		{"topic of one more", MaxTopicLen + 1, nil, nil, true, ErrTopicTooLong},
	} {
		d := exampleDraft()
		d.Topic, d.Properties, d.MoreProperties = strings.Repeat("t", c.topic), c.props, c.more
		d.Size = -1
		before := []byte("before")
		buf, err := d.AppendTo(before, c.crcProperty)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && (string(buf) != "before" || d.Size != -1) {
			t.Errorf("%s: buffer %q, Size %d", c.name, buf, d.Size)
		}
		if err == nil {
			mustDecode(t, buf[len(before):])
		}
	}
}

func TestHostsTakeTheirBitsAlong(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("fe80::1%eth0")
	for _, c := range []struct {
		born, store netip.Addr
		want        int32
		wantBorn    string
	}{
		{v4, v4, SysCompressed, "10.1.2.3"},
		{v6, v4, SysCompressed | SysBornHostV6, "fe80::1"},
		{v4, v6, SysCompressed | SysStoreHostV6, "10.1.2.3"},
		{netip.AddrFrom16(v4.As16()), v4, SysCompressed, "10.1.2.3"},
		{netip.Addr{}, netip.Addr{}, SysCompressed, "0.0.0.0"},
	} {
		d := exampleDraft()
		d.SysFlag = SysCompressed | SysBornHostV6 // the bit of a draft that is used again
		d.BornHost.IP, d.StoreHost.IP = c.born, c.store
		r := mustDecode(t, encode(t, &d, true))
		if r.SysFlag != c.want || d.SysFlag != c.want || r.BornHost.IP.String() != c.wantBorn || r.BornHost.Port != 50000 {
			t.Errorf("%v, %v: sysFlag %x, want %x; born host %v", c.born, c.store, r.SysFlag, c.want, r.BornHost)
		}
	}
}

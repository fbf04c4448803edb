package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

var bothSums = Check{BodyCRC: true, RecordCRC: true}

// records are finished records of all shapes at log offset 4096.
func records(t testing.TB) map[string][]byte {
	small, long, v6 := exampleDraft(), exampleDraft(), exampleDraft()
	long.Topic, long.Body = strings.Repeat("t", 200), bytes.Repeat([]byte("b"), spliceMin)
	v6.BornHost.IP, v6.StoreHost.IP, v6.Body = ip("::2"), ip("::1"), nil
	return map[string][]byte{
		"small": encode(t, &small, true), "version 2": encode(t, &long, true), "IPv6, no body": encode(t, &v6, true),
	}
}

func TestEveryBitThatFlipsIsNoticed(t *testing.T) {
	for name, rec := range records(t) {
		digits := len(rec) - 1 - crcDigits
		for bit := range 8 * len(rec) {
			at := bit / 8
			rec[at] ^= 1 << (bit % 8)
			size, kind, err := Verify(rec, 4096, bothSums)
			var wrong *CRCPropertyError
			switch {
			case at >= len(rec)-CRCPropertySize && at < digits, at == len(rec)-1:
				// Nothing covers the name and the separators of the CRC property.
				if err != nil || kind != Message {
					t.Fatalf("%s: bit %d, in the CRC property's own name: %v", name, bit, err)
				}
			case err == nil:
				t.Fatalf("%s: bit %d flipped and nobody saw it", name, bit)
			case errors.As(err, &wrong) && (kind != Message || size != len(rec)):
				t.Fatalf("%s: bit %d: %d, %d, %v", name, bit, size, kind, err)
			}
			rec[at] ^= 1 << (bit % 8)
		}
	}
}

func TestAWrongCRCPropertyIsReportedAndTheRecordStays(t *testing.T) {
	d := exampleDraft()
	d.Body = bytes.Repeat([]byte("body"), spliceMin)
	for _, at := range []int{20, 84 + 3 + 1 + len(d.Body) + 1, -2} { // queue offset, topic, digits
		rec := encode(t, &d, true)
		if at < 0 {
			at += len(rec)
		}
		rec[at]++
		var wrong *CRCPropertyError
		size, kind, err := Verify(rec, 4096, bothSums)
		if size != len(rec) || kind != Message || !errors.As(err, &wrong) || wrong.At != 4096 || wrong.Size != len(rec) {
			t.Errorf("byte %d: %d, %d, %v", at, size, kind, err)
		}
		if _, _, again := Verify(rec, 4096, Check{RecordCRC: true}); again == nil || again.Error() != err.Error() {
			t.Errorf("byte %d: without the body's sum %v, with it %v", at, again, err)
		}
		if size, kind, err := Verify(rec, 4096, Check{BodyCRC: true}); size != len(rec) || kind != Message || err != nil {
			t.Errorf("byte %d, property not asked for: %d, %d, %v", at, size, kind, err)
		}
	}
}

func TestACRCPropertyIsOnlyWhatEndsTheProperties(t *testing.T) {
	for _, props := range []string{
		"__CRC32#\x010000000000\x02a\x01b\x02",       // not the last
		"__CRC32#\x01000000000\x02",                  // nine digits
		"a\x01b\x02x_CRC32#\x010000000000\x02",       // another name
		"a\x01b\x02__CRC32#\x010000000000\x01",       // no end
		"a\x01b\x02__CRC32#\x02000000000000\x01\x02", // no value
	} {
		d := exampleDraft()
		d.Properties = bytes.Repeat([]byte{'-'}, len(props)) // the encoder would take it out
		rec := encode(t, &d, false)
		copy(rec[len(rec)-len(props):], props)
		if _, _, err := Verify(rec, 4096, bothSums); err != nil {
			t.Errorf("%q: %v", props, err)
		}
	}
}

func TestARecordThatIsCutAnywhereIsTruncated(t *testing.T) {
	for name, rec := range records(t) {
		for n := 5; n < len(rec); n++ {
			size, kind, err := Verify(rec[:n:n], 4096, bothSums)
			if !errors.Is(err, ErrTruncated) {
				t.Fatalf("%s cut to %d bytes: %v", name, n, err)
			}
			if n >= 8 && (size != len(rec) || kind != Message) {
				t.Fatalf("%s cut to %d bytes: size %d, kind %d", name, n, size, kind)
			}
			if err := Decode(rec[:n:n], new(Record)); !errors.Is(err, ErrTruncated) {
				t.Fatalf("%s cut to %d bytes: Decode: %v", name, n, err)
			}
		}
	}
}

func TestLengthsThatDoNotAddUpAreDamage(t *testing.T) {
	d := exampleDraft() // body at 88, topic length at 90, topic at 91, properties length at 92
	v1 := encode(t, &d, false)
	d.Topic = strings.Repeat("t", 128)
	v2 := encode(t, &d, false)
	for _, c := range []struct {
		rec  []byte
		at   int
		with []byte
		says string
	}{
		{v1, 0, []byte{0xFF, 0xFF, 0xFF, 0xFF}, "size -1<91"},
		{v1, 0, []byte{0x80, 0, 0, 0}, "size -2147483648<91"},
		{v1, 0, []byte{0, 0, 0, 0}, "size 0<91"},
		{v1, 0, []byte{0, 0, 0, 90}, "size 90<91"},
		{v1, 0, []byte{0, 0, 0, 100}, "properties length 7 with 6 bytes left"},
		{v1, 36, []byte{0, 0, 0, 0x30}, "size 101, too small for a header of 112 bytes"},
		{v1, 4, []byte{0}, "magic number 00a320a7, neither daa320a7 nor daa320ab"},
		{v1, 84, []byte{0xFF, 0xFF, 0xFF, 0xFF}, "body length -1 with 10 bytes left"},
		{v1, 84, []byte{0x7F, 0xFF, 0xFF, 0xFF}, "body length 2147483647 with 10 bytes left"},
		{v1, 84, []byte{0, 0, 0, 11}, "body length 11 with 10 bytes left"},
		{v1, 90, []byte{0x80}, "topic length -128 with 8 bytes left"},
		{v1, 90, []byte{9}, "topic length 9 with 8 bytes left"},
		{v1, 92, []byte{0xFF, 0xFF}, "properties length -1 with 7 bytes left"},
		{v1, 92, []byte{0, 8}, "properties length 8 with 7 bytes left"},
		{v1, 92, []byte{0, 6}, "properties length 6 with 7 bytes left"},
		{v2, 90, []byte{0x80, 0}, "topic length -32768 with 135 bytes left"},
		{v1, 28, []byte{0, 0, 0, 0, 0, 0, 0x10, 1}, "log offset 4097≠4096"},
		{v1, 88, []byte{'H'}, "body CRC 58932aac≠"},
	} {
		rec := bytes.Clone(c.rec)
		copy(rec[c.at:], c.with)
		size, kind, err := Verify(rec, 4096, bothSums)
		if !errors.Is(err, ErrDamaged) || size != 0 || kind != End || !strings.HasPrefix(err.Error(), "record at 4096: "+c.says) {
			t.Errorf("%s: got %d, %d, %v", c.says, size, kind, err)
		}
	}
}

func TestNothingWrittenIsTheEnd(t *testing.T) {
	for _, b := range [][]byte{nil, {1}, {1, 2, 3, 4}, make([]byte, 5), make([]byte, 8), make([]byte, 1000)} {
		if size, kind, err := Verify(b, 0, bothSums); size != 0 || kind != End || err != nil {
			t.Errorf("%x: %d, %d, %v", b, size, kind, err)
		}
	}
	// A word that is not zero is no end: something was written and is not whole.
	for _, b := range [][]byte{{0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}, {1, 2, 3, 4, 0, 0, 0}} {
		if _, _, err := Verify(b, 0, bothSums); err == nil {
			t.Errorf("%x: taken for the end", b)
		}
	}
}

func TestABlankMustFit(t *testing.T) {
	for _, c := range []struct {
		states int32
		have   int
		size   int
		kind   Kind
		want   error
	}{
		{8, 8, 8, Blank, nil},
		{100, 100, 100, Blank, nil},
		{100, 99, 100, Blank, ErrTruncated},
		{7, 100, 0, End, ErrDamaged},
		{-1, 100, 0, End, ErrDamaged},
	} {
		b := append(AppendBlank(nil, c.states), make([]byte, c.have-8)...)
		size, kind, err := Verify(b, 88, bothSums)
		if size != c.size || kind != c.kind || !errors.Is(err, c.want) {
			t.Errorf("blank of %d in %d bytes: %d, %d, %v", c.states, c.have, size, kind, err)
		}
	}
}

func TestSetLogOffsetKeepsARecordWhole(t *testing.T) {
	for name, rec := range records(t) {
		if err := SetLogOffset(rec, 1<<33); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Verify(rec, 1<<33, bothSums); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := exampleDraft()
	rec := encode(t, &d, false)
	want := bytes.Clone(rec)
	binary.BigEndian.PutUint64(want[28:], 99)
	if err := SetLogOffset(rec, 99); err != nil || !bytes.Equal(rec, want) {
		t.Errorf("without a CRC property: %v", err)
	}
	for name, bad := range map[string][]byte{"cut": rec[:50], "longer": append(rec, 0), "empty": nil} {
		before := bytes.Clone(bad)
		if err := SetLogOffset(bad, 1); err == nil || !bytes.Equal(bad, before) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

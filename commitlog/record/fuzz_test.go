package record

import (
	"bytes"
	"errors"
	"testing"
)

func seedRecords(f *testing.F, add func(rec []byte)) {
	for _, name := range []string{"v1", "crc", "v2", "ipv6", "innerbatch"} {
		add(golden(f, name))
	}
	add(AppendBlank(nil, 8))
	add(nil)
}

// What decodes is encoded to the same record, but for sums, properties of a CRC, and IPv4 addresses in IPv6 clothes.
func FuzzDecode(f *testing.F) {
	seedRecords(f, func(rec []byte) { f.Add(rec) })
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if err := Decode(b, &r); err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrTruncated) {
				t.Fatalf("unnamed error %v", err)
			}
			return
		}
		b = b[:r.Size]
		d := draftOf(r)
		again := encode(t, &d, false)
		start, _ := findItem(r.Properties, PropCRC32)
		switch {
		case start >= 0, r.BornHost.IP.Is4In6(), r.StoreHost.IP.Is4In6():
			return
		case r.Magic == MagicV2 && len(r.Topic) <= MaxTopicLenV1:
			return // the peer would not write this
		}
		copy(again[atBodyCRC:], b[atBodyCRC:atBodyCRC+4])
		if !bytes.Equal(again, b) {
			t.Fatalf("%x\nbecame\n%x", b, again)
		}
	})
}

// Whatever passes is inside of b, and passes on its own.
func FuzzVerify(f *testing.F) {
	seedRecords(f, func(rec []byte) { f.Add(rec, int64(0)) })
	f.Add(make([]byte, 20), int64(88))
	f.Fuzz(func(t *testing.T, b []byte, at int64) {
		size, kind, err := Verify(b, at, bothSums)
		var wrong *CRCPropertyError
		switch {
		case errors.Is(err, ErrTruncated):
			if size != 0 && size <= len(b) {
				t.Fatalf("truncated, and %d bytes are in %d", size, len(b))
			}
		case errors.Is(err, ErrDamaged):
			if size != 0 || kind != End {
				t.Fatalf("damage of size %d and kind %d", size, kind)
			}
		case err != nil && !errors.As(err, &wrong):
			t.Fatalf("unnamed error %v", err)
		case kind == Message:
			var r Record
			if err := Decode(b[:size:size], &r); err != nil || r.LogOffset != at {
				t.Fatalf("passed, but: %v, log offset %d", err, r.LogOffset)
			}
		case size < 0 || size > len(b) || (kind == End) != (size == 0):
			t.Fatalf("size %d of %d bytes, kind %d", size, len(b), kind)
		}
	})
}

// The three readers of properties agree, and removing removes one name.
func FuzzProperties(f *testing.F) {
	f.Add([]byte("a\x01b\x02c\x01\x02\x02a\x01d"), "a")
	f.Add(golden(f, "crc")[100:], PropCRC32)
	f.Fuzz(func(t *testing.T, props []byte, name string) {
		m := ParseMap(props)
		for k, want := range m {
			if got, ok := Property(props, k); !ok || string(got) != want {
				t.Fatalf("%q = %q, %v, want %q", k, got, ok, want)
			}
		}
		if name == "" || bytes.ContainsAny([]byte(name), "\x01\x02") {
			return
		}
		if _, ok := Property(props, name); ok != (m[name] != "") {
			t.Fatalf("%q: %v", name, ok)
		}
		before := bytes.Clone(props)
		rest := RemoveProperty(props, name)
		delete(m, name)
		got := ParseMap(rest)
		if len(got) != len(m) || !bytes.Equal(props, before) {
			t.Fatalf("%q without %q: %q", before, name, rest)
		}
		for k, want := range m {
			if got[k] != want {
				t.Fatalf("%q = %q, want %q", k, got[k], want)
			}
		}
		JavaHash(props)
		d := Draft{Properties: props, MoreProperties: rest}
		if rec, err := d.AppendTo(nil, true); err == nil {
			d.Finish(rec)
			if _, _, err := Verify(rec, 0, bothSums); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The items of a batch are the batch: encoded again they give the same bytes, but for the two words that nobody reads.
func FuzzBatch(f *testing.F) {
	f.Add(mustDecode(f, golden(f, "innerbatch")).Body)
	f.Add(appendBatchItem(nil, BatchItem{Flag: 1}))
	f.Fuzz(func(t *testing.T, batch []byte) {
		var again []byte
		n := 0
		for item, err := range BatchItems(batch) {
			if err != nil {
				if !errors.Is(err, ErrBatch) {
					t.Fatalf("unnamed error %v", err)
				}
				return
			}
			at := len(again)
			again = appendBatchItem(again, item)
			copy(again[at+4:at+12], batch[at+4:])
			n++
		}
		if count, err := CountBatch(batch); count != n || err != nil || !bytes.Equal(again, batch) {
			t.Fatalf("%d items, counted %d, %v:\n%x\n%x", n, count, err, batch, again)
		}
	})
}

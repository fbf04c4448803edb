package record

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func appendBatchItem(dst []byte, item BatchItem) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(batchItemSize+len(item.Body)+len(item.Properties)))
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(item.Flag))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(item.Body)))
	dst = append(dst, item.Body...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(item.Properties)))
	return append(dst, item.Properties...)
}

func TestBatchItemsComeOutAsTheyWentIn(t *testing.T) {
	want := []BatchItem{
		{Flag: 7, Body: []byte("one"), Properties: []byte("a\x01b\x02")},
		{Flag: -1, Body: []byte{}, Properties: []byte{}},
		{Body: []byte("three"), Properties: []byte{}},
	}
	var batch []byte
	for _, item := range want {
		batch = appendBatchItem(batch, item)
	}
	var got []BatchItem
	for item, err := range BatchItems(batch) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, item)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n, err := CountBatch(batch); n != 3 || err != nil {
		t.Errorf("CountBatch = %d, %v", n, err)
	}
	if n, err := CountBatch(nil); n != 0 || err != nil {
		t.Errorf("CountBatch of nothing = %d, %v", n, err)
	}
}

func TestThePeersBatchIsRead(t *testing.T) {
	r := mustDecode(t, golden(t, "innerbatch"))
	for item, err := range BatchItems(r.Body) {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := Property(item.Properties, PropUniqKey); !ok || len(item.Body) == 0 {
			t.Errorf("item with body %q and properties %q", item.Body, item.Properties)
		}
	}
}

func TestBatchesThatAreCutOrLieAreRefused(t *testing.T) {
	first := appendBatchItem(nil, BatchItem{Body: []byte("one"), Properties: []byte("a\x01b")})
	batch := appendBatchItem(first[:len(first):len(first)], BatchItem{Body: []byte("two")})
	for n := 1; n < len(batch); n++ {
		if _, err := CountBatch(batch[:n:n]); (err == nil) != (n == len(first)) || err != nil && !errors.Is(err, ErrBatch) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	second := len(first)
	for _, c := range []struct {
		at   int
		with uint32
		says string
	}{
		{0, 0xFFFFFFFF, "size -1, 25 bytes left"},
		{0, 0, "size 0, 25 bytes left"},
		{0, 21, "size 21, 25 bytes left"},
		{0, 24, "body length 3, 2 bytes left"},
		{16, 0xFFFFFFFF, "body length -1, 3 bytes left"},
		{16, 4, "body length 4, 3 bytes left"},
		{16, 2, "properties length 28416, 1 bytes left"},
		{21, 0x776F8000, "properties length -32768, 0 bytes left"},
	} {
		bad := append([]byte(nil), batch...)
		binary.BigEndian.PutUint32(bad[second+c.at:], c.with)
		n := 0
		var err error
		for _, err = range BatchItems(bad) {
			n++
		}
		if n != 2 || !errors.Is(err, ErrBatch) || !strings.Contains(err.Error(), "item at 28: "+c.says) {
			t.Errorf("%s: %d, %v", c.says, n, err)
		}
	}
}

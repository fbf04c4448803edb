package record

import (
	"bytes"
	"testing"
)

func TestNothingOnTheHotPathsAllocates(t *testing.T) {
	d := exampleDraft()
	d.Topic, d.Body = "GoldenNormal", bytes.Repeat([]byte("body"), 1000)
	d.Properties = golden(t, "crc")[100:]
	d.MoreProperties = AppendProperty(nil, PropCluster, "DefaultCluster")
	buf := make([]byte, 0, 8192)
	rec := bytes.Clone(encode(t, &d, true))
	tag, batch := []byte("標籤, that is a tag which is long"), mustDecode(t, golden(t, "innerbatch")).Body
	name := PropUniqKey
	var r Record
	for what, f := range map[string]func() error{
		"AppendTo and Finish": func() error {
			b, err := d.AppendTo(buf, true)
			d.Finish(b)
			return err
		},
		"Decode": func() error { return Decode(rec, &r) },
		"Verify": func() error {
			_, _, err := Verify(rec, d.LogOffset, bothSums)
			return err
		},
		"SetLogOffset": func() error { return SetLogOffset(rec, d.LogOffset) },
		"properties": func() error {
			Property(r.Properties, name)
			for name, value := range Pairs(r.Properties) {
				if len(name)+len(value) == 0 {
					return ErrDamaged
				}
			}
			RemoveProperty(r.Properties, PropCRC32)
			buf = AppendProperty(buf[:0], name, tag)[:0]
			return nil
		},
		"TagCode":         func() error { TagCode(tag); return nil },
		"AppendMessageID": func() error { AppendMessageID(buf, d.StoreHost, 88); return nil },
		"CountBatch": func() error {
			_, err := CountBatch(batch)
			return err
		},
	} {
		var err error
		if n := testing.AllocsPerRun(100, func() { err = f() }); n != 0 || err != nil {
			t.Errorf("%s: %v allocations, %v", what, n, err)
		}
	}
}

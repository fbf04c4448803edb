package record

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"testing"
)

func benchDraft(bodySize int) Draft {
	d := exampleDraft()
	d.Topic, d.Body = "GoldenNormal", bytes.Repeat([]byte("b"), bodySize)
	d.Properties = []byte("UNIQ_KEY\x01FD00000000000000000000000000000229DF30946E0974D42F460000\x02KEYS\x01order-0 user-0\x02TAGS\x01tag0\x02WAIT\x01true\x02")
	d.MoreProperties = []byte("CLUSTER\x01DefaultCluster\x02MSG_REGION\x01DefaultRegion\x02TRACE_ON\x01true\x02")
	return d
}

var bodySizes = []int{128, 1 << 10, 4 << 10}

// The least that an encoder with a body CRC can do: copy the record's bytes, and sum those of the body.
func BenchmarkCopyAndSumBody(b *testing.B) {
	for _, n := range bodySizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := benchDraft(n)
			rec := encode(b, &d, true)
			buf := make([]byte, 0, 8192)
			b.SetBytes(int64(len(rec)))
			for b.Loop() {
				buf = append(buf[:0], rec...)
				crc32.ChecksumIEEE(d.Body)
			}
		})
	}
}

// The same with a whole-record CRC that doesn't use the body's.
func BenchmarkCopyAndSumTwice(b *testing.B) {
	for _, n := range bodySizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := benchDraft(n)
			rec := encode(b, &d, true)
			buf := make([]byte, 0, 8192)
			b.SetBytes(int64(len(rec)))
			for b.Loop() {
				buf = append(buf[:0], rec...)
				crc32.ChecksumIEEE(d.Body)
				crc32.ChecksumIEEE(buf)
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, crc := range []bool{false, true} {
		for _, n := range bodySizes {
			b.Run(fmt.Sprintf("crcProperty=%v/%d", crc, n), func(b *testing.B) {
				d := benchDraft(n)
				buf := encode(b, &d, crc)
				b.SetBytes(int64(len(buf)))
				for b.Loop() {
					buf, _ = d.AppendTo(buf[:0], crc)
					d.Finish(buf)
				}
			})
		}
	}
}

func BenchmarkFinish(b *testing.B) {
	for _, crc := range []bool{false, true} {
		b.Run(fmt.Sprintf("crcProperty=%v", crc), func(b *testing.B) {
			d := benchDraft(1024)
			rec := encode(b, &d, crc)
			for b.Loop() {
				d.LogOffset++
				d.Finish(rec)
			}
		})
	}
}

func BenchmarkMultiply(b *testing.B) {
	x := uint32(12345)
	for b.Loop() {
		x = multiply(x, 0xDEADBEEF)
	}
}

// Where spanCRC changes its way.
func BenchmarkSpanCRC(b *testing.B) {
	for _, n := range []int{256, 512, 1024} {
		data := make([]byte, 8+n+200)
		body := crc32.ChecksumIEEE(data[8 : 8+n])
		b.Run(fmt.Sprintf("sum/%d", n), func(b *testing.B) {
			for b.Loop() {
				crc32.ChecksumIEEE(data)
			}
		})
		b.Run(fmt.Sprintf("splice/%d", n), func(b *testing.B) {
			for b.Loop() {
				crc := crc32.ChecksumIEEE(data[:8])
				crc = multiply(crc, shiftBy(n)) ^ body
				crc32.Update(crc, crc32.IEEETable, data[8+n:])
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, n := range bodySizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := benchDraft(n)
			rec := encode(b, &d, true)
			b.SetBytes(int64(len(rec)))
			for b.Loop() {
				Verify(rec, d.LogOffset, bothSums)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	d := benchDraft(1024)
	rec := encode(b, &d, true)
	var r Record
	for b.Loop() {
		Decode(rec, &r)
	}
}

func BenchmarkProperty(b *testing.B) {
	props := benchDraft(0).Properties
	for _, name := range []string{PropUniqKey, PropTags, PropMultiDispatch} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Property(props, name)
			}
		})
	}
}

func BenchmarkJavaHash(b *testing.B) {
	key := "GoldenNormal#FD00000000000000000000000000000229DF30946E0974D42F460000"
	b.SetBytes(int64(len(key)))
	for b.Loop() {
		JavaHash(key)
	}
}

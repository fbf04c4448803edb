package produce

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// ids makes unique ids for messages whose senders gave none, in the form of RocketMQ's clients: tools read from it when a message was
// sent. It is written in upper-case hexadecimal digits.
//
//	┌──────────────┬─────────┬─────────┬────────────────────────┬─────────┐
//	│ host         │ process │ random  │ ms since the month     │ counter │
//	│ 4 or 16 bytes│ 2 bytes │ 4 bytes │ began, in local time, 4│ 2 bytes │
//	└──────────────┴─────────┴─────────┴────────────────────────┴─────────┘
type ids struct {
	fixed   []byte // host, process, random
	counter *atomic.Uint32
}

func newIDs(host record.Host) ids {
	b := host.IP.AsSlice()
	b = binary.BigEndian.AppendUint16(b, uint16(os.Getpid()))
	b = binary.BigEndian.AppendUint32(b, rand.Uint32())
	return ids{b, new(atomic.Uint32)}
}

func (g ids) append(dst []byte, now time.Time) []byte {
	now = now.Local()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	b := slices.Clone(g.fixed)
	b = binary.BigEndian.AppendUint32(b, uint32(now.Sub(month).Milliseconds()))
	b = binary.BigEndian.AppendUint16(b, uint16(g.counter.Add(1)))
	at := len(dst)
	dst = hex.AppendEncode(dst, b)
	for i, c := range dst[at:] {
		if c >= 'a' {
			dst[at+i] = c - 'a' + 'A'
		}
	}
	return dst
}

// identify gives a message an id of the broker's making.
func (s *Service) identify(r *Request) {
	r.UniqueID = s.ids.append(nil, s.Now())
	r.Properties = record.AppendProperty(slices.Clip(r.Properties), record.PropUniqKey, r.UniqueID)
}

package store

import (
	"bytes"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// An entry takes its properties apart by itself, for speed. It must understand them as everybody else does.
func FuzzAnEntryReadsPropertiesAsTheRecordPackageDoes(f *testing.F) {
	f.Add([]byte("KEYS\x01a b\x02TAGS\x01red\x02UNIQ_KEY\x01u\x02DELAY\x013\x02INNER_NUM\x014\x02INNER_MULTI_DISPATCH\x01q\x02INNER_MULTI_QUEUE_OFFSET\x017\x02"))
	f.Add([]byte("TAGS\x01red\x02TAGS\x01\x02TAGS\x01blue\x02TAGS2\x01x\x02KEYS\x02\x02\x02\x01TAGS\x01KEYS\x01a\x01b"))
	f.Add([]byte("TAGS\x01red"))
	f.Fuzz(func(t *testing.T, props []byte) {
		var e Entry
		e.set(&record.Record{Properties: props})
		for name, got := range map[string][]byte{
			record.PropTags: e.Tags, record.PropKeys: e.Keys, record.PropUniqKey: e.UniqueKey, record.PropDelayLevel: e.delay,
			record.PropInnerNum: e.innerNum, record.PropMultiDispatch: e.multiQueues, record.PropMultiQueueOffset: e.multiOffsets,
		} {
			if want, ok := record.Property(props, name); !bytes.Equal(got, want) || ok != (got != nil) {
				t.Errorf("%s is %q, expected %q", name, got, want)
			}
		}
		for range e.light() { // must only end
		}
	})
}

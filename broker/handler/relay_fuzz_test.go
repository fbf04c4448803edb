package handler

import "testing"

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte(`{"messageQueueTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:5}}`))
	f.Add([]byte(`{"messageQueueTable":null,}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, b []byte) {
		offsets, err := parseStatus(b)
		if err != nil {
			return
		}
		text, err := encode(map[string]byQueue[int64]{"messageQueueTable": offsets})
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseStatus(text)
		if err != nil || len(again) != len(offsets) {
			t.Fatalf("%s: %d queues, then %d: %v", text, len(offsets), len(again), err)
		}
	})
}

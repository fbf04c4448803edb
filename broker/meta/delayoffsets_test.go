package meta

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func openDelayOffsets(t *testing.T, fs vfs.FS) *DelayOffsets {
	t.Helper()
	d, err := OpenDelayOffsets(Options{FS: fs, Dir: "config"}, func() time.Time { return time.UnixMilli(4711) })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDelayOffsetsOfAnotherBrokerSayNothingOfTheLog(t *testing.T) {
	for name, test := range map[string]struct {
		file    string
		offsets map[int32]int64
		log     int64
		counter int64
	}{
		"no file":   {"", nil, -1, 0},
		"RocketMQ":  {"{\"dataVersion\":{\"counter\":4,\"stateVersion\":0,\"timestamp\":17},\n\"offsetTable\":{1:5,3:6}}", map[int32]int64{1: 5, 3: 6}, -1, 4},
		"ours":      {`{"dataVersion":{"counter":2},"offsetTable":{"1":5},"logOffset":0}`, map[int32]int64{1: 5}, 0, 2},
		"unfilled":  {`{}`, nil, -1, 0},
		"no offset": {`{"offsetTable":null,"logOffset":9}`, nil, 9, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := vfs.NewMem()
			if test.file != "" {
				if err := errors.Join(m.MkdirAll("config"), vfs.WriteFileAtomic(m, "config/delayOffset.json", []byte(test.file))); err != nil {
					t.Fatal(err)
				}
			}
			s, v := openDelayOffsets(t, m).Last()
			if !maps.Equal(s.Offsets, test.offsets) || s.LogOffset != test.log || v.Counter != test.counter {
				t.Errorf("%+v version %+v", s, v)
			}
		})
	}
}

func TestDelayOffsetsAreWrittenWhenTheyChangeAndCountTheirChanges(t *testing.T) {
	m := vfs.NewMem()
	wrote := false
	d := openDelayOffsets(t, vfs.Fault(m, func(op vfs.Op) error {
		wrote = wrote || op.Kind == vfs.OpWrite
		return nil
	}))
	for i, step := range []struct {
		state DelayState
		wrote bool
	}{
		{DelayState{map[int32]int64{1: 5}, 100}, true}, {DelayState{map[int32]int64{1: 5}, 100}, false},
		{DelayState{map[int32]int64{1: 5}, 200}, true}, {DelayState{map[int32]int64{1: 6, 2: 1}, 300}, true},
	} {
		wrote = false
		if err := d.Save(step.state); err != nil || wrote != step.wrote {
			t.Fatalf("save %d: wrote %v, expected %v, %v", i, wrote, step.wrote, err)
		}
	}
	s, v := openDelayOffsets(t, m).Last()
	if !maps.Equal(s.Offsets, map[int32]int64{1: 6, 2: 1}) || s.LogOffset != 300 || v.Counter != 2 || v.Timestamp != 4711 {
		t.Errorf("%+v version %+v", s, v)
	}
}

func TestDelayOffsetsThatWereNotWrittenAreWrittenNextTime(t *testing.T) {
	m := vfs.NewMem()
	broken := true
	d := openDelayOffsets(t, vfs.Fault(m, func(op vfs.Op) error {
		if broken && op.Kind.Changes() {
			return vfs.ErrFull
		}
		return nil
	}))
	want := DelayState{map[int32]int64{1: 5}, 100}
	if err := d.Save(want); !errors.Is(err, vfs.ErrFull) {
		t.Fatalf("saved to a full disk: %v", err)
	}
	broken = false
	if err := d.Save(want); err != nil {
		t.Fatal(err)
	}
	if s, v := openDelayOffsets(t, m).Last(); s.LogOffset != 100 || v.Counter != 1 {
		t.Errorf("%+v version %+v", s, v)
	}
}

package meta

import (
	"maps"
	"strings"
	"testing"
)

func TestAttributesAreAlteredAsAdminToolsAsk(t *testing.T) {
	type attrs = map[string]string
	current := attrs{AttrMessageType: "NORMAL", AttrQueueType: "BatchCQ"}
	for _, c := range []struct {
		changes  attrs
		creating bool
		want     attrs
		err      string
	}{
		{attrs{"+message.type": "FIFO"}, true, attrs{AttrMessageType: "FIFO"}, ""},
		{attrs{"+message.type": "FIFO"}, false, attrs{AttrMessageType: "FIFO", AttrQueueType: "BatchCQ"}, ""},
		{attrs{"-message.type": ""}, false, attrs{AttrQueueType: "BatchCQ"}, ""},
		{attrs{"+reserve.time": "-1"}, false, attrs{AttrMessageType: "NORMAL", AttrQueueType: "BatchCQ", AttrReserveTime: "-1"}, ""},
		{nil, false, current, ""},
		{nil, true, attrs{}, ""},
		{attrs{"+queue.type": "SimpleCQ"}, false, nil, "can't be changed"},
		{attrs{"-queue.type": "BatchCQ"}, false, nil, "can't be changed"},
		{attrs{"-reserve.time": ""}, false, nil, "isn't set"},
		{attrs{"-message.type": ""}, true, nil, "isn't set"},
		{attrs{"+message.type": "SLOW"}, true, nil, "one of UNSPECIFIED, NORMAL"},
		{attrs{"+reserve.time": "soon"}, true, nil, "a number of hours"},
		{attrs{"+colour": "red"}, true, nil, `"colour" is unknown`},
		{attrs{"message.type": "FIFO"}, true, nil, `must be written "+name"`},
		{attrs{"+-message.type": "FIFO"}, true, nil, `must be written "+name"`},
		{attrs{"+": "x"}, true, nil, "is unknown"},
		{attrs{"": "x"}, true, nil, `must be written "+name"`},
		{attrs{"+message.type": "FIFO", "-message.type": ""}, false, nil, "both set and removed"},
	} {
		got, err := AlterTopicAttributes(current, c.changes, c.creating)
		if c.err == "" && (err != nil || !maps.Equal(got, c.want)) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%v: %v, %v; %v %q expected", c.changes, got, err, c.want, c.err)
		}
	}
	if len(current) != 2 {
		t.Error("the attributes passed in were changed")
	}
}

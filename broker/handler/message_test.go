package handler_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func queryFields(topic, key string, pairs ...string) remoting.Fields {
	return append(fields("topic", topic, "key", key, "maxNum", "32", "beginTimestamp", "0", "endTimestamp", itoa(math.MaxInt64)), fields(pairs...)...)
}

func TestAMessageIsViewedByItsID(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	_, off, err := record.ParseMessageID(f.send(t, c, "orders", 0, "book", "", "").Fields.Str("msgId"))
	if err != nil {
		t.Fatal(err)
	}
	got := records(t, c.ok(t, remoting.CodeViewMessageByID, fields("offset", itoa(off)), nil).Body)
	if len(got) != 1 || string(got[0].Body) != "book" || got[0].LogOffset != off {
		t.Errorf("%+v", got)
	}
	for _, at := range []string{itoa(off + 1), "-1", itoa(math.MaxInt64), ""} {
		c.fails(t, remoting.RespSystemError, remoting.CodeViewMessageByID, fields("offset", at), nil)
	}
	c.fails(t, remoting.RespSystemError, remoting.CodeViewMessageByID, nil, nil)
}

// indexed waits until a key is found.
func (c *client) indexed(t *testing.T, topic, key string) {
	t.Helper()
	for range 10_000 {
		if c.call(t, remoting.CodeQueryMessage, queryFields(topic, key), nil).Code == remoting.RespSuccess {
			return
		}
	}
	t.Fatalf("key %s of %s isn't found", key, topic)
}

func TestMessagesAreFoundByKey(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	f.send(t, c, "orders", 0, "a", "red", "k1 k2")
	f.send(t, c, "orders", 1, "b", "red", "k2")
	f.send(t, c, "orders", 1, "last", "", "")
	c.indexed(t, "orders", "last-key")
	for name, test := range map[string]struct {
		f    remoting.Fields
		want string // bodies, newest first
	}{
		"one key":        {queryFields("orders", "k1"), "a"},
		"a shared key":   {queryFields("orders", "k2"), "b a"},
		"the newest":     {queryFields("orders", "k2", "maxNum", "1"), "b"},
		"no number":      {queryFields("orders", "k2", "maxNum", "-3"), "b"},
		"a unique key":   {queryFields("orders", "a-key"), "a"},
		"by unique key":  {queryFields("orders", "b-key", "_UNIQUE_KEY_QUERY", "True"), "b"},
		"by kind of key": {queryFields("orders", "a-key", "indexType", "U"), "a"},
		"by tag":         {queryFields("orders", "red", "indexType", "T"), "b a"},
		"user's keys":    {queryFields("orders", "k1", "indexType", "K"), "a"},
	} {
		var got []string
		for _, rec := range records(t, c.ok(t, remoting.CodeQueryMessage, test.f, nil).Body) {
			got = append(got, string(rec.Body))
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%s: found %q, expected %q", name, s, test.want)
		}
	}
	for name, q := range map[string]remoting.Fields{
		"another key":       queryFields("orders", "k9"),
		"another topic":     queryFields("batches", "k1"),
		"another time":      queryFields("orders", "k1", "endTimestamp", "1000"),
		"another kind":      queryFields("orders", "a-key", "indexType", "K"),
		"no key":            queryFields("orders", ""),
		"nothing asked for": nil,
	} {
		if r := c.call(t, remoting.CodeQueryMessage, q, nil); r.Code != remoting.RespQueryNotFound {
			t.Errorf("%s: answer %d %s", name, r.Code, r.Remark)
		}
	}
}

func TestAQueryIsAnsweredWithWhatFitsIntoAFrame(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	large := strings.Repeat("x", 3<<20)
	for range 4 {
		sf := sendFields("orders", 0)
		sf.Add("i", string(record.AppendProperty(nil, record.PropKeys, "k")))
		c.ok(t, remoting.CodeSendMessageV2, sf, []byte(large))
	}
	f.send(t, c, "orders", 0, "last", "", "")
	c.indexed(t, "orders", "last-key")
	if got := records(t, c.ok(t, remoting.CodeQueryMessage, queryFields("orders", "k"), nil).Body); len(got) != 2 || got[0].QueueOffset != 3 {
		t.Errorf("%d messages", len(got))
	}
}

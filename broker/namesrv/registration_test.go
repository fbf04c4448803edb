package namesrv

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// deflate is the compressed form, written by hand: strings are blocks, numbers are numbers.
func deflate(parts ...any) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			_, _ = z.Write(binary.BigEndian.AppendUint32(nil, uint32(p)))
		case string:
			_, _ = z.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(p))), p...))
		}
	}
	_ = z.Close() // into memory
	return out.Bytes()
}

const (
	tableText = `{"dataVersion":{"counter":3,"stateVersion":1,"timestamp":2},"mappingDataVersion":{"counter":0,"stateVersion":0,"timestamp":5},` +
		`"topicConfigTable":{"t":{"attributes":{"message.type":"FIFO"},"order":true,"perm":6,"readQueueNums":4,"topicFilterType":"SINGLE_TAG","topicName":"t","topicSysFlag":1,"writeQueueNums":5}},` +
		`"topicQueueMappingDetailMap":{},"topicQueueMappingInfoMap":{"s":{"bname":"a","currIdMap":{0:1},"topic":"s"}}}`
	bodyText = `{"filterServerList":[],"topicConfigSerializeWrapper":` + tableText + `}`
)

func TestEveryFormOfARegistrationSaysTheSame(t *testing.T) {
	attributes := map[string]string{"message.type": "FIFO"}
	full := &Registration{
		Topics:  []*meta.TopicConfig{{Name: "t", ReadQueues: 4, WriteQueues: 5, Perm: 6, FilterType: "SINGLE_TAG", SysFlag: 1, Order: true, Attributes: attributes}},
		Version: meta.DataVersion{StateVersion: 1, Timestamp: 2, Counter: 3}, Mappings: map[string]json.RawMessage{"s": json.RawMessage(`{"bname":"a","currIdMap":{"0":1},"topic":"s"}`)},
	}
	// The compressed form has neither flags nor order.
	short := &Registration{Version: full.Version, Mappings: full.Mappings, Topics: []*meta.TopicConfig{{Name: "t", ReadQueues: 4, WriteQueues: 5, Perm: 6, FilterType: "SINGLE_TAG", Attributes: attributes}}}
	old := &Registration{Version: full.Version, Topics: short.Topics}
	version, topic, mapping := `{"counter":3,"stateVersion":1,"timestamp":2}`, `t 4 5 6 SINGLE_TAG {"message.type":"FIFO"}`, `{"bname":"a","currIdMap":{0:1},"topic":"s"}`
	for _, c := range []struct {
		what    string
		body    []byte
		version int32
		want    *Registration
	}{
		{"JSON", []byte(bodyText), remoting.Version55, full},
		{"JSON before 3.0.11", []byte(tableText), 36, full},
		{"compressed", deflate(version, 1, topic, `[]`, 1, mapping), remoting.Version55, short},
		{"compressed before 5.0", deflate(version, 1, topic, `["f:1"]`), remoting.Version49, old},
		{"nothing", nil, remoting.Version55, &Registration{}},
	} {
		got, err := decodeRegistration(c.body, c.version)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
	}
}

func TestARegistrationReadsBackAsItWasWritten(t *testing.T) {
	name := rapid.StringMatching(`[a-zA-Z0-9_%|-]{1,10}`)
	rapid.Check(t, func(t *rapid.T) {
		want := &Registration{Version: meta.DataVersion{StateVersion: rapid.Int64().Draw(t, "state"), Counter: rapid.Int64().Draw(t, "counter")}}
		for _, topic := range rapid.SliceOfNDistinct(name, 0, 5, rapid.ID).Draw(t, "topics") {
			c := meta.NewTopic(topic, rapid.Int32().Draw(t, "queues"))
			c.Attributes = rapid.MapOf(name, rapid.String()).Draw(t, "attributes")
			want.Topics = append(want.Topics, &c)
		}
		for _, compress := range []bool{false, true} {
			body, err := want.encode(compress)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeRegistration(body, remoting.Version55)
			if err != nil {
				t.Fatalf("compress=%v: %v in %q", compress, err, body)
			}
			a, b := want.table(), got.table()
			if diff := cmp.Diff(a.Topics, b.Topics); diff != "" || a.Version != b.Version {
				t.Fatalf("compress=%v: %s", compress, diff)
			}
		}
	})
}

func TestDamagedRegistrationsAreErrorsThatSayWhere(t *testing.T) {
	whole := deflate(`{}`, 1, `t 4 4 6 SINGLE_TAG`, `[]`, 0)
	for want, body := range map[string][]byte{
		"bad JSON":                        []byte(`{"topicConfigSerializeWrapper":`),
		"cannot unmarshal":                []byte(`{"topicConfigSerializeWrapper":[1]}`),
		"bad JSON: ":                      []byte("garbage"),
		"zlib: invalid":                   []byte("x garbage"),
		"unexpected EOF":                  whole[:len(whole)-6],
		"the version is missing":          deflate(),
		"the version: fastjson":           deflate("{"),
		"the version: 2147483647, but":    deflate(1<<31 - 1),
		"the number of topics is missing": deflate(`{}`),
		"the number of topics: 9, but only 0 bytes follow": deflate(`{}`, 9),
		`topic "t 4": 2 parts`:                             deflate(`{}`, 1, `t 4`, `[]`, 0),
		`topic "t a 4 6 SINGLE_TAG"`:                       deflate(`{}`, 1, `t a 4 6 SINGLE_TAG`, `[]`, 0),
		`topic "t 4 4 6 SINGLE_TAG {"`:                     deflate(`{}`, 1, `t 4 4 6 SINGLE_TAG {`, `[]`, 0),
		"the filter servers is missing":                    deflate(`{}`, 0),
		"the number of mappings is missing":                deflate(`{}`, 0, `[]`),
		"a mapping: fastjson":                              deflate(`{}`, 0, `[]`, 1, `{`),
	} {
		_, err := decodeRegistration(body, remoting.Version55)
		if !errors.Is(err, ErrRegistration) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestARegistrationThatInflatesWithoutEndIsRefused(t *testing.T) {
	body := deflate(`{}`, strings.Repeat(" ", 1000))
	if err := inflate(body, remoting.Version55, 1000, new(tableJSON)); err == nil || !strings.Contains(err.Error(), "inflates to more than 1000 bytes") {
		t.Error(err)
	}
}

func TestADamagedRegistrationIsAnsweredAndChangesNothing(t *testing.T) {
	n := newNamesrv(t, Options{})
	p := dial(t, listen(t, n))
	body := []byte(bodyText)
	for _, c := range []struct {
		remark string
		body   []byte
		field  string
	}{
		{"crc32 not match", body, "bodyCrc32=1"},
		{"crc32 not match", body[1:], crcField(body)},
		{"bad registration", []byte("{"), "bodyCrc32=0"},
		{"bad registration", []byte{0x78, 0x9c, 1, 2, 3}, "compressed=false"},
		{`heartbeatTimeoutMillis is "soon"`, body, "heartbeatTimeoutMillis=soon"},
		{`enableActingMaster is "perhaps"`, body, "enableActingMaster=perhaps"},
	} {
		p.want(remoting.RespSystemError, c.remark, remoting.CodeRegisterBroker, c.body, append(brokerA.strings(), c.field)...)
	}
	p.want(remoting.RespSuccess, `{"topicList":[]}`, remoting.CodeGetAllTopicListFromNameServer, nil)
	// RocketMQ 5.5 compresses and says that it didn't.
	small := deflate(`{}`, 2, `t 4 4 6 SINGLE_TAG {}`, `u 4 4 6 SINGLE_TAG {}`, `[]`, 0)
	p.want(remoting.RespSuccess, "", remoting.CodeRegisterBroker, small, append(brokerA.strings(), crcField(small), "compressed=false", "enableActingMaster=false")...)
	p.want(remoting.RespSuccess, `{"topicList":["t","u"]}`, remoting.CodeGetAllTopicListFromNameServer, nil)
}

func FuzzRegistration(f *testing.F) {
	for _, body := range [][]byte{[]byte(bodyText), []byte(tableText), deflate(`{}`, 1, `t 4 4 6 SINGLE_TAG {}`, `[]`, 1, `{"topic":"s"}`), {0x78}, nil} {
		for _, version := range []int32{0, remoting.Version49, remoting.Version55} {
			f.Add(body, version)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, version int32) {
		r, err := decodeRegistration(body, version)
		if err != nil {
			return
		}
		n := newNamesrv(t, Options{})
		if _, err := n.Register(brokerA, r); err != nil {
			return
		}
		for _, c := range r.Topics {
			for _, bare := range []bool{false, true} {
				route, err := n.Route([]byte(c.Name), fastjson.Integers(bare))
				if err != nil || route == nil || !bare && !json.Valid(route) {
					t.Fatalf("route of %q: %s, %v", c.Name, route, err)
				}
			}
		}
		for _, compress := range []bool{false, true} {
			again, err := r.encode(compress)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := decodeRegistration(again, remoting.Version55); err != nil && !compress {
				t.Fatal(fmt.Errorf("compress=%v: %w", compress, err))
			}
		}
	})
}

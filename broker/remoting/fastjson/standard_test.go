package fastjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestStandardRewritesWhatThePeerWrites(t *testing.T) {
	for in, want := range map[string]string{
		`{0:"127.0.0.1:10911",1:"h:2"}`: `{"0":"127.0.0.1:10911","1":"h:2"}`,
		`{-1:2}`:                        `{"-1":2}`,
		`{{"brokerName":"b","queueId":1,"topic":"t"}:{"maxOffset":5}}`: `{"{\"brokerName\":\"b\",\"queueId\":1,\"topic\":\"t\"}":{"maxOffset":5}}`,
		`{{"a":{1:2}}:{3:4}}`:              `{"{\"a\":{\"1\":2}}":{"3":4}}`,
		`{[1,2]:3}`:                        `{"[1,2]":3}`,
		`{'a':'it\'s "so"',}`:              `{"a":"it's \"so\""}`,
		`[1,2,,3,]`:                        `[1,2,3]`,
		`[]`:                               `[]`,
		` { } `:                            `{}`,
		`{a:1,$b_c:true,topic-x:null}`:     `{"a":1,"$b_c":true,"topic-x":null}`,
		"{ // one\n \"a\" : /* two */ 1 }": `{"a":1}`,
		`[NaN,-Infinity,1L,+2,.5,3.,-.25e+3D,007]`: `[null,null,1,2,0.5,3,-0.25e+3,7]`,
		"\"a\tb\x01\"":          `"a\u0009b\u0001"`,
		`"\x41\v\u00e9\/"`:      `"A\u000b\u00e9\/"`,
		"\"\xff\"":              `"�"`,
		"\xef\xbb\xbf{\"a\":1}": `{"a":1}`,
	} {
		got, err := Standard([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("Standard(%s)\n got %s, %v\nwant %s", in, got, err, want)
			continue
		}
		if !json.Valid(got) {
			t.Errorf("Standard(%s) = %s, which isn't JSON", in, got)
		}
	}
}

func TestStandardSaysWhereATextIsBroken(t *testing.T) {
	for in, where := range map[string]string{
		``:                         "no value at byte 0 of 0",
		`{`:                        "no key at byte 1",
		`{"a"`:                     "no colon behind a key at byte 4",
		`{"a":}`:                   "no value at byte 5",
		`{"a":1 "b":2}`:            "no comma between two elements at byte 7",
		`{"a":1]`:                  "no key",
		`[1,2`:                     "no comma between two elements at byte 4",
		`[1}`:                      "no value at byte 2",
		`{} {}`:                    "text behind the value at byte 3",
		`"abc`:                     "a string without an end",
		`"abc\`:                    "a string without an end",
		`"\u12"`:                   "an escape",
		`"\q"`:                     "an unknown escape at byte 1",
		`-`:                        "a number without digits",
		`1e`:                       "an exponent without digits",
		`1x`:                       "a letter behind a number",
		`/* no end`:                "no value at byte 0",
		strings.Repeat("[", 1e5):   "nested deeper than 200",
		strings.Repeat("{", 1e5):   "keys nested deeper than 3",
		strings.Repeat(`{a:`, 1e5): "nested deeper than 200",
	} {
		_, err := Standard([]byte(in))
		if !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), where) {
			t.Errorf("Standard(%.20s): %v, expected %q", in, err, where)
		}
	}
}

type queue struct {
	BrokerName string `json:"brokerName"`
	QueueID    int32  `json:"queueId"`
	Topic      string `json:"topic"`
}

func TestUnmarshalReadsMapsKeyedByIntegersAndObjects(t *testing.T) {
	var v struct {
		Addrs   map[int64]string         `json:"brokerAddrs"`
		Offsets map[Key[queue]]int64     `json:"offsetTable"`
		Other   map[IntKey]map[int32]int `json:"other"`
	}
	src := `{"brokerAddrs":{0:"a:1",2:"b:2"},"offsetTable":{{"brokerName":"b","queueId":3,"topic":"t"}:9},"other":{5:{6:7}}}`
	if err := Unmarshal([]byte(src), &v); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(v.Addrs, map[int64]string{0: "a:1", 2: "b:2"}) {
		t.Error(v.Addrs)
	}
	if v.Offsets[Key[queue]{queue{"b", 3, "t"}}] != 9 || len(v.Offsets) != 1 {
		t.Error(v.Offsets)
	}
	if v.Other[5][6] != 7 {
		t.Error(v.Other)
	}
}

func TestMarshalWritesObjectsAsKeys(t *testing.T) {
	v := map[string]any{
		"offsetTable": map[Key[queue]]any{{queue{"b\"<>", 3, "t"}}: map[IntKey]string{4: "\x00x"}},
		"\x00plain":   "\x00text", // not one of ours
		"7":           8,
	}
	for style, want := range map[Integers]string{
		BareIntegers:   `{4:"\u0000x"}`,
		QuotedIntegers: `{"4":"\u0000x"}`,
	} {
		got, err := Marshal(v, style)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != `{"\u0000plain":"\u0000text","7":8,"offsetTable":{{"brokerName":"b\"<>","queueId":3,"topic":"t"}:`+want+`}}` {
			t.Errorf("%s", got)
		}
	}
}

func TestMarshalledMapsComeBack(t *testing.T) {
	type body struct {
		Offsets map[Key[queue]]map[IntKey]int64
	}
	in := body{map[Key[queue]]map[IntKey]int64{
		{queue{"b", 0, "t"}}:       {0: 1, -5: 2},
		{queue{`{"x":1}`, 1, "ü"}}: {9: 3},
	}}
	for _, style := range []Integers{BareIntegers, QuotedIntegers} {
		b, err := Marshal(in, style)
		if err != nil {
			t.Fatal(err)
		}
		var out body
		if err := Unmarshal(b, &out); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if !reflect.DeepEqual(in, out) {
			t.Errorf("%s: got %v, expected %v", b, out, in)
		}
	}
}

// FuzzFastjson: no input panics, what comes out is standard JSON, a second pass changes nothing, and standard JSON keeps its meaning.
func FuzzFastjson(f *testing.F) {
	for _, s := range []string{`{0:{{"a":1}:[1,2,]}}`, `{'a':"\u0001\x41"}`, `[NaN,1L,.5]`, `{"a":{"b":[true,null,-1.5e10]}}`, "/*x*/{a:1}//", "+Infinity", "-I"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		before := bytes.Clone(src)
		out, err := Standard(src)
		if !bytes.Equal(before, src) {
			t.Fatal("the source was written to")
		}
		var want any
		valid := json.Unmarshal(src, &want) == nil
		if err != nil {
			if valid && !strings.Contains(err.Error(), "nested deeper") {
				t.Fatalf("%s is JSON: %v", src, err)
			}
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%q became %q, which isn't JSON", src, out)
		}
		again, err := Standard(out)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%q became %q in a second pass, %v", out, again, err)
		}
		if valid {
			var got any
			if err := json.Unmarshal(out, &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%q became %q", src, out)
			}
		}
	})
}

func BenchmarkStandardHeartbeat(b *testing.B) {
	src := []byte(`{"clientID":"10.0.0.1@4711#1234567890","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"group","messageModel":"CLUSTERING","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[],"expressionType":"TAG","subString":"*","subVersion":1700000000000,"tagsSet":[],"topic":"TopicTest"}],"unitMode":false}],"heartbeatFingerprint":0,"producerDataSet":[{"groupName":"CLIENT_INNER_PRODUCER"}],"withoutSub":false}`)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Standard(src); err != nil {
			b.Fatal(err)
		}
	}
}

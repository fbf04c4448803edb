package generator

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
)

// javaAnswer is the header of a Java broker's answer to a send.
const javaAnswer = `{"code":0,"extFields":{"queueId":"3","TRACE_ON":"true","MSG_REGION":"DefaultRegion",` +
	`"msgId":"7F00000100002A9F0000000000001F40","queueOffset":"42"},"flag":1,"language":"JAVA","opaque":1000000007,` +
	`"serializeTypeCurrentRPC":"JSON","version":513}`

func frameOf(header string, body ...byte) []byte {
	return closeFrame(append(make([]byte, 8), header...), body)
}

func TestAnswersAreReadInAnyForm(t *testing.T) {
	stored := answer{code: 0, opaque: 1000000007, flag: 1, queueID: 3, queueOffset: 42, stored: true}
	for name, test := range map[string]struct {
		header string
		want   answer
	}{
		"Java":             {javaAnswer, stored},
		"numbers bare":     {`{"opaque":1000000007,"flag":1,"code":0,"extFields":{"queueOffset":42,"queueId":3}}`, stored},
		"white space":      {" {\n\t\"opaque\" : 1000000007 , \"flag\":1,\"code\":0,\"extFields\" : { \"queueOffset\":\"42\" ,\"queueId\":\"3\"} }", stored},
		"nested":           {`{"x":{"code":9,"y":[1,{"opaque":2}]},"opaque":1000000007,"flag":1,"code":0,"extFields":{"z":{"queueId":7},"queueOffset":"42","queueId":"3"}}`, stored},
		"text in a remark": {`{"remark":"\",\"code\":5,{[\\","opaque":1000000007,"flag":1,"code":0,"extFields":{"queueOffset":"42","queueId":"3"}}`, stored},
		"no fields":        {`{"code":-1006,"opaque":-5,"flag":3}`, answer{code: -1006, opaque: -5, flag: 3}},
		"null":             {`{"code":1,"opaque":2,"flag":1,"extFields":null,"remark":null}`, answer{code: 1, opaque: 2, flag: 1}},
		"empty":            {`{"code":1,"opaque":2,"flag":1,"extFields":{}}`, answer{code: 1, opaque: 2, flag: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			frame, _, err := cutFrame(frameOf(test.header, 'b'))
			if err != nil {
				t.Fatal(err)
			}
			got, err := parseAnswer(frame)
			if err != nil {
				t.Fatal(err)
			}
			if string(got.header) != test.header {
				t.Errorf("header %q", got.header)
			}
			got.header = nil
			if !equalAnswers(got, test.want) {
				t.Errorf("got %+v, expected %+v", got, test.want)
			}
		})
	}
}

func equalAnswers(a, b answer) bool {
	return a.code == b.code && a.opaque == b.opaque && a.flag == b.flag &&
		a.queueID == b.queueID && a.queueOffset == b.queueOffset && a.stored == b.stored
}

func TestBytesOfAnotherProtocolAreAnError(t *testing.T) {
	for name, stream := range map[string][]byte{
		"HTTP":                  []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"length below 4":        {0, 0, 0, 3, 0, 0, 0},
		"negative length":       {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0},
		"header beyond frame":   {0, 0, 0, 4, 0, 0, 0, 1},
		"binary header":         {0, 0, 0, 4, 1, 0, 0, 0},
		"no header":             frameOf(``),
		"not an object":         frameOf(`[1]`),
		"ends in a string":      frameOf(`{"code`),
		"ends after an escape":  frameOf(`{"code\`),
		"ends in a value":       frameOf(`{"code":{`),
		"no value":              frameOf(`{"code":,"opaque":1,"flag":1}`),
		"no colon":              frameOf(`{"code" 1,"opaque":1,"flag":1}`),
		"bare key":              frameOf(`{code:1,"opaque":1,"flag":1}`),
		"no code":               frameOf(`{"opaque":1,"flag":1}`),
		"no opaque":             frameOf(`{"code":1,"flag":1}`),
		"code is a word":        frameOf(`{"code":"x","opaque":1,"flag":1}`),
		"opaque beyond 32 bits": frameOf(`{"code":0,"opaque":4294967296,"flag":1}`),
		"offset is a word":      frameOf(`{"code":0,"opaque":1,"flag":1,"extFields":{"queueOffset":"x"}}`),
		"fields unclosed":       frameOf(`{"code":0,"opaque":1,"flag":1,"extFields":{"a":"b"`),
		"lone quote":            frameOf(`{"code":",`),
	} {
		t.Run(name, func(t *testing.T) {
			frame, _, err := cutFrame(stream)
			if err == nil {
				_, err = parseAnswer(frame)
			}
			if !errors.Is(err, errProtocol) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestFramesAreFoundWhereverReadsCutThem(t *testing.T) {
	var stream []byte
	want := []string{javaAnswer, `{"code":1,"opaque":2,"flag":1}`, javaAnswer}
	for _, header := range want {
		stream = append(stream, frameOf(header, []byte("body")...)...)
	}
	for step := 1; step <= len(stream); step++ {
		var held []byte
		var got []string
		for from := 0; from < len(stream); from += step {
			held = append(held, stream[from:min(from+step, len(stream))]...)
			for {
				frame, rest, err := cutFrame(held)
				if err != nil {
					t.Fatal(err)
				}
				held = rest
				if frame == nil {
					break
				}
				a, err := parseAnswer(frame)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(a.header))
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") || len(held) > 0 {
			t.Fatalf("in steps of %d bytes: %d frames, %d bytes left", step, len(got), len(held))
		}
	}
}

func TestARemarkIsTheBrokersWords(t *testing.T) {
	a := answer{header: []byte(`{"remark":"line\n\"two\"","code":1}`)}
	if got := a.remark(); got != "line\n\"two\"" {
		t.Errorf("remark %q", got)
	}
}

func TestReadingAnAnswerAllocatesNothing(t *testing.T) {
	stream := frameOf(javaAnswer)
	n := testing.AllocsPerRun(100, func() {
		frame, _, _ := cutFrame(stream)
		if _, err := parseAnswer(frame); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParseAnswer: no bytes make it panic, and where a header is standard JSON it reads what encoding/json reads.
func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(javaAnswer))
	f.Add([]byte(`{"code":1,"opaque":-2,"flag":3,"extFields":{}}`))
	f.Add([]byte(`{"a":[{"b":"\\\""}],"code":1`))
	f.Fuzz(func(t *testing.T, header []byte) {
		frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(header))&0xFFFFFF), header...)
		got, err := parseAnswer(frame)
		if bytes.ContainsRune(header, '\\') || err != nil {
			return
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(header, &want) != nil {
			return
		}
		for key, v := range map[string]int32{"code": got.code, "opaque": got.opaque, "flag": got.flag} {
			if text := strings.Trim(string(want[key]), `"`); atoi(text) != int(v) {
				t.Fatalf("%s %d, encoding/json says %s", key, v, want[key])
			}
		}
	})
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func BenchmarkParseAnswer(b *testing.B) {
	frame, _, _ := cutFrame(frameOf(javaAnswer))
	for b.Loop() {
		if _, err := parseAnswer(frame); err != nil {
			b.Fatal(err)
		}
	}
}

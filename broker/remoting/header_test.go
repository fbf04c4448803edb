package remoting

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// What clients of 2.1 (Go) and 5.5 (Java) send for SEND_MESSAGE_V2: they differ in the order of the header's fields.
const (
	goSendHeader = `{"code":310,"language":"GO","version":317,"opaque":42,"flag":0,"remark":"","extFields":` +
		`{"a":"producer-group","b":"TopicTest","c":"TBW102","d":"4","e":"2","f":"0","g":"1785000000123","h":"0",` +
		`"i":"UNIQ_KEY\u00010A0000010001000000001a2b3c4d5e6f\u0002WAIT\u0001true\u0002TAGS\u0001TagA","j":"0","k":"false","l":"0","m":"false","n":"broker-a"}}`
	javaSendHeader = `{"code":310,"extFields":{"a":"producer-group","b":"TopicTest","c":"TBW102","d":"4","e":"2","f":"0","g":"1785000000123","h":"0",` +
		`"i":"UNIQ_KEY\u00010A0000010001000000001a2b3c4d5e6f\u0002WAIT\u0001true\u0002TAGS\u0001TagA","j":"0","k":"false","l":"0","m":"false","n":"broker-a"},` +
		`"flag":0,"language":"JAVA","opaque":42,"serializeTypeCurrentRPC":"JSON","version":513}`
)

var sendFields = map[string]string{
	"a": "producer-group", "b": "TopicTest", "c": "TBW102", "d": "4", "e": "2", "f": "0", "g": "1785000000123", "h": "0",
	"i": "UNIQ_KEY\x010A0000010001000000001a2b3c4d5e6f\x02WAIT\x01true\x02TAGS\x01TagA", "j": "0", "k": "false", "l": "0", "m": "false", "n": "broker-a",
}

func decodeJSON(t testing.TB, header string) Command {
	t.Helper()
	var c Command
	if _, err := decodeJSONHeader(&c, []byte(header), nil); err != nil {
		t.Fatalf("%s: %v", header, err)
	}
	return c
}

func asMap(f Fields) map[string]string {
	m := make(map[string]string, len(f))
	for _, f := range f {
		m[string(f.Key)] = string(f.Value)
	}
	return m
}

func TestHeadersOfGoAndJavaClientsAreRead(t *testing.T) {
	for _, tc := range []struct {
		header   string
		language Language
		version  int32
	}{{goSendHeader, LanguageGo, 317}, {javaSendHeader, LanguageJava, 513}} {
		c := decodeJSON(t, tc.header)
		if c.Code != CodeSendMessageV2 || c.Opaque != 42 || c.Flag != 0 || c.Version != tc.version || c.Language != tc.language || len(c.Remark) != 0 || c.Binary {
			t.Errorf("%+v", c)
		}
		if got := asMap(c.Fields); !maps.Equal(got, sendFields) {
			t.Errorf("got %q, expected %q", got, sendFields)
		}
	}
}

func TestJSONHeadersAreReadAsThePeerReadsThem(t *testing.T) {
	for header, want := range map[string]Command{
		`{}`:    {},
		` { } `: {},
		`{"code":"10","opaque":"-3","flag":null,"version":1.9e2,"language":9}`: {Code: 10, Opaque: -3, Version: 190, Language: LanguageGo},
		`{"language":"KLINGON"}`:            {Language: LanguageOther},
		`{"language":null}`:                 {Language: LanguageOther},
		`{"language":-5}`:                   {Language: LanguageOther},
		`{"language":"12"}`:                 {Language: LanguageRust},
		`{code:1,'opaque':2,"flag" : 3 , }`: {Code: 1, Opaque: 2, Flag: 3},
		`{"x":{"a":[1,{"b":"}\""}],"c":null},"code":7,"y":[],"z":-1.5e3,"q":true}`: {Code: 7},
		`{"remark":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83dx"}`:                  {Remark: []byte("a\"\\/\b\f\n\r\té😀\uFFFDx")},
		"{ \"extFields\" : { \"a\" : \"1\" ,\n\"b\":\"2\",,'c':\"3\",\"d\":\"\\u0001x\\u0002\",} }": {Fields: Fields{
			{[]byte("a"), []byte("1")}, {[]byte("b"), []byte("2")}, {[]byte("c"), []byte("3")}, {[]byte("d"), []byte("\x01x\x02")}}},
		`{"remark":null,"extFields":null,"code":2147483647}`: {Code: 2147483647},
		`{"extFields":{"n":12,"f":1.5,"t":true,"z":null,"o":{"a":[1]},"l":[1,2],7:"seven","e":""}}`: {Fields: Fields{
			{[]byte("n"), []byte("12")}, {[]byte("f"), []byte("1.5")}, {[]byte("t"), []byte("true")},
			{[]byte("o"), []byte(`{"a":[1]}`)}, {[]byte("l"), []byte("[1,2]")}, {[]byte("7"), []byte("seven")}, {[]byte("e"), []byte("")}}},
	} {
		got := decodeJSON(t, header)
		if got.Code != want.Code || got.Opaque != want.Opaque || got.Flag != want.Flag || got.Version != want.Version || got.Language != want.Language ||
			!bytes.Equal(got.Remark, want.Remark) || !maps.Equal(asMap(got.Fields), asMap(want.Fields)) {
			t.Errorf("%s\n got %+v\nwant %+v", header, got, want)
		}
	}
}

func TestBrokenJSONHeadersSayWhere(t *testing.T) {
	for header, want := range map[string]string{
		``:                                 "no { at byte 0 of 0",
		`[]`:                               "no { at byte 0",
		`{`:                                "no name at byte 1",
		`{"code"`:                          "no colon behind a name at byte 7",
		`{"code":}`:                        "no value at byte 8",
		`{"code":1`:                        "no comma between two elements at byte 9",
		`{"code":1 "flag":2}`:              "no comma between two elements at byte 10",
		`{"code":2147483648}`:              "no integer of 32 bits at byte 8",
		`{"code":"x"}`:                     "no integer of 32 bits at byte 8",
		`{"code":1e400}`:                   "no integer of 32 bits at byte 8",
		`{"remark":"abc}`:                  "a text without an end",
		`{"remark":"abc\`:                  "a text without an end",
		`{"remark":"\u12"}`:                "an escape without its digits",
		`{"remark":"\q"}`:                  "an unknown escape",
		`{"code":1} x`:                     "text behind the object at byte 11",
		`{"extFields":[1]}`:                "no { at byte 13",
		`{"extFields":{"a":1}`:             "no comma",
		"{\"code\":1}\x00":                 "text behind the object",
		`{"x":` + strings.Repeat("[", 1e6): "nested too deeply",
		`{"x":}}}}`:                        "brackets that don't match",
	} {
		var c Command
		_, err := decodeJSONHeader(&c, []byte(header), nil)
		if !errors.Is(err, ErrFrame) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, expected %q", header, err, want)
		}
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes that the Go client's codec writes, followed through its source, for request 34 (HEART_BEAT) with opaque 1 and the field "k"="v".
func TestFramesOfTheGoClientsCodecAreRead(t *testing.T) {
	jsonHeader := `{"code":34,"language":"GO","version":317,"opaque":1,"flag":0,"remark":"","extFields":{"k":"v"}}`
	for name, frame := range map[string][]byte{
		"JSON":   append(append(unhex(t, "00 00 00 65  00 00 00 5f"), jsonHeader...), "{}"...),
		"binary": unhex(t, "00 00 00 23  01 00 00 1d  00 22 09 01 3d 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 08 00 01 6b 00 00 00 01 76  7b 7d"),
	} {
		size, err := frameSize(frame, 1<<20)
		if err != nil || size != len(frame) {
			t.Fatalf("%s: size %d of %d, %v", name, size, len(frame), err)
		}
		var c Command
		if _, err := decodeFrame(&c, frame, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.Code != CodeHeartBeat || c.Language != LanguageGo || c.Version != 317 || c.Opaque != 1 || c.Flag != 0 || c.Binary != (name == "binary") {
			t.Errorf("%s: %+v", name, c)
		}
		if c.Fields.Str("k") != "v" || len(c.Fields) != 1 || string(c.Body) != "{}" {
			t.Errorf("%s: fields %q, body %q", name, c.Fields, c.Body)
		}
	}
}

func TestBrokenBinaryHeadersAreRefused(t *testing.T) {
	good := unhex(t, "00 22 09 01 3d 00 00 00 01 00 00 00 00 00 00 00 02 72 72 00 00 00 08 00 01 6b 00 00 00 01 76")
	var c Command
	if _, err := decodeBinaryHeader(&c, good, nil); err != nil || string(c.Remark) != "rr" || c.Fields.Str("k") != "v" {
		t.Fatalf("%+v, %v", c, err)
	}
	for n := range good {
		if _, err := decodeBinaryHeader(&c, good[:n], nil); !errors.Is(err, ErrFrame) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	for _, at := range []int{13, 19, 23, 26} { // the lengths
		bad := bytes.Clone(good)
		bad[at] = 0xff
		if _, err := decodeBinaryHeader(&c, bad, nil); !errors.Is(err, ErrFrame) {
			t.Errorf("negative length at %d: %v", at, err)
		}
	}
	empty := unhex(t, "00 22 09 01 3d 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 0d 00 01 6b 00 00 00 00 00 00 00 00 00 00")
	if _, err := decodeBinaryHeader(&c, empty, nil); err != nil || len(c.Fields) != 0 {
		t.Errorf("empty values read as nothing: %q, %v", c.Fields, err)
	}
}

func TestFieldsSayWhatIsWrongWithAValue(t *testing.T) {
	f := Fields{{[]byte("q"), []byte("12x")}, {[]byte("n"), []byte("-7")}, {[]byte("b"), []byte("TRUE")}, {[]byte("big"), []byte("3000000000")}, {[]byte("n"), []byte("8")}}
	if _, err := f.Int32("q", 0); !errors.Is(err, ErrField) || !strings.Contains(err.Error(), `q is "12x"`) {
		t.Error(err)
	}
	if _, err := f.Int32("big", 0); !errors.Is(err, ErrField) {
		t.Error(err)
	}
	if _, err := f.Bool("q", true); !errors.Is(err, ErrField) {
		t.Error(err)
	}
	if n, err := f.Int64("big", 0); n != 3e9 || err != nil {
		t.Error(n, err)
	}
	if n, err := f.Int64("missing", -4); n != -4 || err != nil {
		t.Error(n, err)
	}
	if n, err := f.Int32("n", 0); n != 8 || err != nil {
		t.Error("the last of two counts", n, err)
	}
	if b, err := f.Bool("b", false); !b || err != nil {
		t.Error(b, err)
	}
}

func TestIntegersAreReadToTheirBounds(t *testing.T) {
	for s, want := range map[string]int64{"9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63, "+5": 5, "00000000000000000000012": 12, "0": 0} {
		if n, ok := ParseInt([]byte(s)); !ok || n != want {
			t.Errorf("%s: %d, %v", s, n, ok)
		}
	}
	for _, s := range []string{"", "-", "+", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "1 ", " 1", "1.0", "0x1", "--1"} {
		if n, ok := ParseInt([]byte(s)); ok {
			t.Errorf("%q: %d", s, n)
		}
	}
}

// encode builds a frame as a Reply does.
func encode(c *Command, body []byte) []byte {
	w := &Reply{c: &Conn{limits: ServerOptions{}.withDefaults().limits()}, ticket: Ticket{binary: c.Binary}}
	w.start(c.Code, c.Opaque, c.Flag, c.Version, string(c.Remark))
	for _, f := range c.Fields {
		w.add(f)
	}
	w.Body(body)
	if !w.seal() {
		panic(w.err)
	}
	return append(w.head, body...)
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := Command{
			Code:    rapid.Int32Range(-2000, 32767).Draw(t, "code"),
			Opaque:  rapid.Int32().Draw(t, "opaque"),
			Flag:    rapid.Int32().Draw(t, "flag"),
			Version: rapid.Int32Range(0, 32767).Draw(t, "version"),
			Binary:  rapid.Bool().Draw(t, "binary"),
			Remark:  []byte(rapid.String().Draw(t, "remark")),
		}
		for k, v := range rapid.MapOf(rapid.StringN(1, 10, -1), rapid.StringN(1, 50, -1)).Draw(t, "fields") {
			in.Fields.Add(k, v)
		}
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		frame := encode(&in, body)
		if !in.Binary && !json.Valid(frame[prefixBytes:len(frame)-len(body)]) {
			t.Fatalf("header isn't JSON: %q", frame)
		}
		var out Command
		arena, err := decodeFrame(&out, frame, nil)
		if err != nil {
			t.Fatal(err)
		}
		if out.Code != in.Code || out.Opaque != in.Opaque || out.Flag != in.Flag || out.Version != in.Version || out.Binary != in.Binary ||
			out.Language != LanguageGo || !bytes.Equal(out.Remark, in.Remark) || !bytes.Equal(out.Body, body) ||
			!maps.Equal(asMap(out.Fields), asMap(in.Fields)) || len(arena) != len(in.Fields) {
			t.Fatalf("\n got %+v\nwant %+v", out, in)
		}
	})
}

func TestWrittenTextIsValidWhateverItHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		quoted := append(appendJSONText([]byte{'"'}, b), '"')
		var got string
		if err := json.Unmarshal(quoted, &got); err != nil {
			t.Fatalf("%q: %v", quoted, err)
		}
		if want := strings.ToValidUTF8(string(b), "\uFFFD"); utf8.Valid(b) && got != want {
			t.Fatalf("got %q, expected %q", got, want)
		}
	})
}

func TestTheExampleOfTheDocumentationIsAFrame(t *testing.T) {
	want := unhex(t, `00 00 00 23  01 00 00 1d  00 00  09  02 01  00 00 00 05  00 00 00 01  00 00 00 00  00 00 00 08
		00 01 61  00 00 00 01 62  68 69`)
	c := Command{Opaque: 5, Flag: FlagResponse, Version: Version55, Binary: true}
	c.Fields.Add("a", "b")
	if got := encode(&c, []byte("hi")); !bytes.Equal(got, want) {
		t.Errorf("\n got % x\nwant % x", got, want)
	}
}

func FuzzBinaryHeader(f *testing.F) {
	for name, frame := range javaFrames(f) {
		if header := frame[prefixBytes:]; strings.HasPrefix(name, "ROCKETMQ/") {
			f.Add(header[:binary.BigEndian.Uint32(frame[4:])&maxHeaderBytes])
		}
	}
	f.Add(unhex(f, "00 22 09 01 3d 00 00 00 01 00 00 00 00 00 00 00 02 72 72 00 00 00 08 00 01 6b 00 00 00 01 76"))
	f.Fuzz(func(t *testing.T, header []byte) {
		var c Command
		if _, err := decodeBinaryHeader(&c, header, nil); err != nil {
			return
		}
		for _, field := range c.Fields {
			if len(field.Key) == 0 || len(field.Value) == 0 {
				t.Fatalf("an empty field: %q", field)
			}
		}
		again := encode(&c, nil)
		var d Command
		if _, err := decodeFrame(&d, again, nil); err != nil || d.Code != c.Code || !bytes.Equal(d.Remark, c.Remark) || !maps.Equal(asMap(c.Fields), asMap(d.Fields)) {
			t.Fatalf("%+v came back as %+v, %v", c, d, err)
		}
	})
}

// FuzzJSONHeader: on standard JSON that is a header at all, the decoder agrees with encoding/json; on anything else it doesn't panic.
func FuzzJSONHeader(f *testing.F) {
	for name, frame := range javaFrames(f) {
		if header := frame[prefixBytes:]; strings.HasPrefix(name, "JSON/") {
			f.Add(header[:binary.BigEndian.Uint32(frame[4:])&maxHeaderBytes])
		}
	}
	for _, s := range []string{goSendHeader, javaSendHeader, `{"code":"7","language":9,"extFields":{"a":null,"b":{"c":[1]}}}`, `{'a':[],}`, `{"extFields":{"\ud83d\ude00":"\u0001\ud800"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		var want struct{ top, fields map[string]json.RawMessage }
		comparable := utf8.Valid(header) && json.Unmarshal(header, &want.top) == nil && want.top != nil
		if raw, ok := want.top["extFields"]; comparable && ok {
			comparable = json.Unmarshal(raw, &want.fields) == nil && bytes.Count(header, []byte("xtFields")) == 1 && !bytes.Contains(header, []byte(`\u00`+"65xtFields"))
		}
		source := bytes.Clone(header)
		var c Command
		_, err := decodeJSONHeader(&c, header, nil)
		if err != nil {
			if !comparable {
				return
			}
			// It may refuse numbers out of range, strings where numbers belong, and nesting, nothing else.
			if m := err.Error(); !strings.Contains(m, "no integer") && !strings.Contains(m, "nested") {
				t.Fatalf("%s: %v", source, err)
			}
			return
		}
		if !comparable {
			return
		}
		got := asMap(c.Fields)
		for k, raw := range want.fields {
			var s string
			switch {
			case string(raw) == "null":
				continue // absent, or an earlier value of that name
			case raw[0] == '"':
				if err := json.Unmarshal(raw, &s); err != nil {
					t.Fatal(err)
				}
			default:
				s = string(raw)
			}
			if got[k] != s {
				t.Fatalf("%s: field %q is %q, expected %q", source, k, got[k], s)
			}
		}
		if raw, ok := want.top["remark"]; ok && raw[0] == '"' {
			var s string
			if json.Unmarshal(raw, &s) == nil && s != string(c.Remark) {
				t.Fatalf("%s: remark %q, expected %q", source, c.Remark, s)
			}
		}
		if raw, ok := want.top["opaque"]; ok {
			var n int32
			if json.Unmarshal(raw, &n) == nil && n != c.Opaque {
				t.Fatalf("%s: opaque %d, expected %d", source, c.Opaque, n)
			}
		}
	})
}

func benchmarkDecode(b *testing.B, frame []byte) {
	scratch := make([]byte, len(frame))
	arena := make([]Field, 0, 32)
	var c Command
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		copy(scratch, frame) // the decoder writes to it
		var err error
		if arena, err = decodeFrame(&c, scratch, arena[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func sendFrame(header string, binaryHeader bool) []byte {
	body := make([]byte, 1024)
	if binaryHeader {
		c := Command{Code: CodeSendMessageV2, Opaque: 42, Version: 317, Binary: true}
		for k := 'a'; k <= 'n'; k++ {
			c.Fields.Add(string(k), sendFields[string(k)])
		}
		return encode(&c, body)
	}
	frame := make([]byte, prefixBytes, prefixBytes+len(header)+len(body))
	putPrefix(frame, false, len(header), len(body))
	return append(append(frame, header...), body...)
}

func BenchmarkDecodeSendV2JSONFromGo(b *testing.B) {
	benchmarkDecode(b, sendFrame(goSendHeader, false))
}
func BenchmarkDecodeSendV2JSONFromJava(b *testing.B) {
	benchmarkDecode(b, sendFrame(javaSendHeader, false))
}
func BenchmarkDecodeSendV2Binary(b *testing.B) { benchmarkDecode(b, sendFrame("", true)) }

func TestDecodingAllocatesNothing(t *testing.T) {
	for name, frame := range map[string][]byte{"Go": sendFrame(goSendHeader, false), "Java": sendFrame(javaSendHeader, false), "binary": sendFrame("", true)} {
		scratch := make([]byte, len(frame))
		arena := make([]Field, 0, 32)
		var c Command
		if n := testing.AllocsPerRun(100, func() {
			copy(scratch, frame)
			arena, _ = decodeFrame(&c, scratch, arena[:0])
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if binary.BigEndian.Uint32(scratch) == 0 || len(c.Fields) != 14 {
			t.Errorf("%s: %d fields", name, len(c.Fields))
		}
	}
}

func TestLanguagesHaveWordsAndNumbers(t *testing.T) {
	for l := LanguageJava; l <= LanguageNodeJS; l++ {
		if got := languageOf([]byte(l.String())); got != l {
			t.Errorf("%d is %s, which is %d", l, l, got)
		}
		if c := decodeJSON(t, `{"language":"`+l.String()+`"}`); c.Language != l {
			t.Errorf("%s read as %s", l, c.Language)
		}
	}
	if s := Language(99).String(); s != "99" {
		t.Error(s)
	}
}

func TestCodesHaveThePeersNames(t *testing.T) {
	if n := RequestName(CodeNotifyConsumerIDsChanged); n != "NOTIFY_CONSUMER_IDS_CHANGED" {
		t.Error(n)
	}
	if n := ResponseName(RespTransactionStateUnknown); n != "TRANSACTION_STATE_UNKNOW" {
		t.Error(n)
	}
	if RequestName(-9) != "-9" || ResponseName(12345) != "12345" {
		t.Error("unknown codes are numbers")
	}
}

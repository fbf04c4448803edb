package record

import (
	"bytes"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPropertiesAreReadAsThePeerReadsThem(t *testing.T) {
	for props, want := range map[string]map[string]string{
		"":                         {},
		"a\x01b\x02":               {"a": "b"},
		"a\x01b":                   {"a": "b"},
		"a\x01b\x02c\x01d":         {"a": "b", "c": "d"},
		"a\x01\x02c\x01d":          {"c": "d"}, // no value
		"a\x01":                    {},
		"a\x01b\x02a\x01c\x02":     {"a": "c"},
		"a\x01b\x02a\x01\x02":      {"a": "b"}, // an empty value takes nothing away
		"\x01b\x02":                {},         // no name
		"\x01bc\x02":               {},
		"a\x02b\x01c":              {"b": "c"},
		"a\x01b\x01c\x02":          {"a": "b\x01c"},
		"\x02\x02a\x01b\x02\x02":   {"a": "b"},
		"ab\x02\x01\x02c":          {},
		"name\x01日本\x02é\x01x\x02": {"name": "日本", "é": "x"},
	} {
		if diff := cmp.Diff(want, ParseMap([]byte(props))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", props, diff)
		}
		for name := range want {
			if got, ok := Property([]byte(props), name); !ok || string(got) != want[name] {
				t.Errorf("%q: %q = %q, %v", props, name, got, ok)
			}
		}
		for _, name := range []string{"a", "b", "nam", "name1", "é1"} {
			_, there := want[name]
			if got, ok := Property([]byte(props), name); ok != there {
				t.Errorf("%q: %q = %q, %v", props, name, got, ok)
			}
		}
	}
}

func TestPairsCanBeLeftEarly(t *testing.T) {
	n := 0
	for range Pairs([]byte("a\x01b\x02c\x01d")) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d pairs", n)
	}
}

func TestAppendPropertySeparates(t *testing.T) {
	if got := AppendProperty([]byte("a\x01b"), "c", []byte("d")); string(got) != "a\x01b\x02c\x01d\x02" {
		t.Errorf("%q", got)
	}
	if got := AppendProperty(nil, []byte("c"), "d"); string(got) != "c\x01d\x02" {
		t.Errorf("%q", got)
	}
}

func TestRemovePropertyTakesOutThatNameAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var props []byte
		want := map[string]string{}
		for range rapid.IntRange(0, 6).Draw(t, "pairs") {
			name, value := rapid.SampledFrom([]string{"a", "aa", "b"}).Draw(t, "name"), rapid.SampledFrom([]string{"a", "aa", ""}).Draw(t, "value")
			props = AppendProperty(props, name, value)
			if name != "a" && value != "" {
				want[name] = value
			}
		}
		if len(props) > 0 && rapid.Bool().Draw(t, "open") {
			props = props[:len(props)-1]
		}
		before := bytes.Clone(props)
		got := RemoveProperty(props, "a")
		if !bytes.Equal(props, before) {
			t.Fatalf("%q became %q", before, props)
		}
		if !maps.Equal(ParseMap(got), want) {
			t.Fatalf("%q without a: %q", props, got)
		}
	})
}

func TestJavaHashIsJavas(t *testing.T) {
	for s, want := range map[string]int32{
		"": 0, "tag1": 3552215, "TagA": 2598919, "tag3": 3552217,
		"GoldenNormal-with-wrap-around-0123456789": wantHash("GoldenNormal-with-wrap-around-0123456789"),
		"日本語": 25921943, // 日 0x65E5, 本 0x672C, 語 0x8A9E
		"😀":   1772899,  // D83D DE00
		"a😀b": 31*(31*(31*'a'+0xD83D)+0xDE00) + 'b',
	} {
		if got := JavaHash(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
		if got := JavaHash([]byte(s)); got != want {
			t.Errorf("%q as bytes: %d, want %d", s, got, want)
		}
		if got := TagCode([]byte(s)); got != int64(want) {
			t.Errorf("%q as a tag: %d, want %d", s, got, want)
		}
	}
	if JavaHash("\xff") != 0xFFFD || JavaHash("a\xe6\x97") != 31*(31*'a'+0xFFFD)+0xFFFD {
		t.Error("bytes that aren't UTF-8 don't count as U+FFFD")
	}
}

func wantHash(ascii string) int32 {
	var h int32
	for _, c := range ascii {
		h = 31*h + c
	}
	return h
}

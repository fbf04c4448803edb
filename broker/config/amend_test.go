package config

import (
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/magiconair/properties"
)

func TestAmendingChangesTheLinesOfItsKeysOnly(t *testing.T) {
	values := map[string]string{"a": "1", "b": "x;y"}
	for text, want := range map[string]string{
		"":                              "a=1\nb=x;y\n",
		"# a = 0\nc=2\n":                "# a = 0\nc=2\na=1\nb=x;y\n",
		"b : 7\n\n  a = 0 # no comment": "b=x;y\n\na=1\n",
		"a=0\r\nc=2\r\n":                "a=1\nc=2\r\nb=x;y\n",
		"a=0 \\\n  and on\nb=1\nc=2":    "a=1\nb=x;y\nc=2\n",
		"c=\\\\\na=0\nb=0\na=7\n":       "c=\\\\\na=1\nb=x;y\n",
		"# ends so \\\na=0\nab=3\n":     "# ends so \\\na=1\nab=3\nb=x;y\n",
	} {
		if got := string(Amend([]byte(text), values)); got != want {
			t.Errorf("%q became %q, expected %q", text, got, want)
		}
	}
}

func FuzzAmend(f *testing.F) {
	f.Add("brokerPermission = 6\n# c\nlistenPort:1\\\n2\n", "4")
	f.Add("!x\n\\", "a\\b\n")
	f.Add("\xca", "\xb9k") // together they would be a letter
	f.Fuzz(func(t *testing.T, text, value string) {
		load := func(b []byte) (map[string]string, error) {
			p, err := (&properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}).LoadBytes(b)
			if err != nil {
				return nil, err
			}
			return p.Map(), nil
		}
		before, err := load([]byte(text))
		if err != nil || !utf8.ValidString(text) || !utf8.ValidString(value) || value != strings.TrimLeft(value, " ") {
			return
		}
		after, err := load(Amend([]byte(text), map[string]string{"brokerPermission": value}))
		if err != nil {
			t.Fatal(err)
		}
		before["brokerPermission"] = value
		if !maps.Equal(before, after) {
			t.Errorf("%q reads %q, expected %q", text, after, before)
		}
	})
}

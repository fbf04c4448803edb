package config

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// Amend is the text of a configuration file with other values for some keys. Everything else stays as it is, comments and the order of
// lines included; a key that the text doesn't have is added at its end.
func Amend(text []byte, values map[string]string) []byte {
	var out bytes.Buffer
	written := map[string]bool{}
	var line []byte
	for len(text) > 0 {
		line, text = logicalLine(text)
		key := keyOf(line)
		value, ours := values[key]
		switch {
		case !ours:
			out.Write(line)
		case !written[key]:
			writeProperty(&out, key, value)
			written[key] = true
		}
		// A second line of a key is dropped: it would win.
	}
	if b := out.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		out.WriteByte('\n')
	}
	if !comment(line) && goesOn(line) {
		out.WriteByte('\n') // else the last line would go on in what is added
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !written[key] {
			writeProperty(&out, key, values[key])
		}
	}
	return out.Bytes()
}

// logicalLine cuts a line off, with those that it goes on in.
func logicalLine(text []byte) (line, rest []byte) {
	end := 0
	for {
		i := bytes.IndexByte(text[end:], '\n')
		if i < 0 {
			return text, nil
		}
		begin := end
		end += i + 1
		if comment(text) || !goesOn(text[begin:end]) {
			return text[:end], text[end:]
		}
	}
}

// goesOn tells whether a line that is no comment goes on in the next one: it ends in an odd number of backslashes.
func goesOn(line []byte) bool {
	content := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	return (len(content)-len(bytes.TrimRight(content, `\`)))%2 == 1
}

func comment(line []byte) bool {
	line = bytes.TrimLeft(line, " \t\f")
	return len(line) > 0 && (line[0] == '#' || line[0] == '!')
}

// keyOf is the key that a line gives a value to, "" if it gives none. Our keys have no characters that a file would escape.
func keyOf(line []byte) string {
	if comment(line) {
		return ""
	}
	line = bytes.TrimLeft(line, " \t\f")
	if i := bytes.IndexAny(line, "=: \t\f\r\n"); i >= 0 {
		line = line[:i]
	}
	return string(line)
}

var valueEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`)

// writeProperty writes a value that doesn't begin with a blank, which ours don't.
func writeProperty(out *bytes.Buffer, key, value string) {
	out.WriteString(key + "=" + valueEscapes.Replace(value) + "\n")
}

package config

import (
	"bufio"
	"fmt"
	"io"
)

// WriteHelp prints every key with its default, documentation and values, in sections.
func WriteHelp(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i, s := range sections() {
		if i > 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprintf(b, "# %s\n", s.title)
		for _, k := range s.keys {
			when := "restart"
			if k.Reloadable {
				when = "reload"
			}
			fmt.Fprintf(b, "\n%s=%s\n    %s\n    Takes %s; a change needs a %s.\n", k.Name, k.Default, k.Doc, k.Expected(), when)
		}
	}
	return b.Flush()
}

// WriteProperties prints every key with its value in c, one key=value a line. Passwords are left out.
func (c *Config) WriteProperties(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, k := range Keys() {
		value := k.Value(c)
		if k.secret() && value != "" {
			continue
		}
		fmt.Fprintf(b, "%s=%s\n", k.Name, value)
	}
	return b.Flush()
}

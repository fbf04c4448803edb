package config

import (
	"fmt"
	"maps"
)

// Reload returns c with the values of next that a running process can take, the names of the keys that change by it,
// and a warning for each key that next changes and only a restart can. It changes neither.
func (c *Config) Reload(next *Config) (merged *Config, changed []string, warnings []Warning) {
	m := *c
	m.given = maps.Clone(c.given)
	for _, k := range Keys() {
		before, after := k.Value(c), k.Value(next)
		switch {
		case before == after:
		case k.Reloadable:
			// The text of a value is one that its key takes.
			_ = k.field(&m).set(after)
			m.given[k.Name] = next.given[k.Name]
			changed = append(changed, k.Name)
		default:
			warnings = append(warnings, Warning{k.Name, fmt.Sprintf("config: %s stays %q: %q needs a restart", k.Name, before, after)})
		}
	}
	return &m, changed, warnings
}

package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/magiconair/properties"
)

// ErrFixed is a change of a key that nobody may change from outside.
var ErrFixed = errors.New("it can't be changed from outside")

// With returns c with values that come as properties from a place, and warnings as Load does. It doesn't change c. A key
// that is among the fixed ones is an error that wraps ErrFixed.
func (c *Config) With(place string, text []byte, fixed ...string) (*Config, []Warning, error) {
	p, err := (&properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}).LoadBytes(text)
	if err != nil {
		return nil, nil, fmt.Errorf("config: %s: %w: %w", place, ErrConfig, err)
	}
	for _, name := range p.Keys() {
		if slices.Contains(fixed, name) {
			return nil, nil, fmt.Errorf("config: %s: %s: %w", place, name, ErrFixed)
		}
	}
	next := *c
	next.given = maps.Clone(c.given)
	l := newLoader(&next)
	l.setAll(place, p)
	return &next, l.warnings, errors.Join(l.errs...)
}

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

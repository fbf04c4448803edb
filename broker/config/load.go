package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/magiconair/properties"
)

// ErrConfig is a configuration that can't be used.
var ErrConfig = errors.New("bad configuration")

// Warning is something that is to be said about a configuration that can be used.
type Warning struct {
	Key     string
	Message string // complete, with the key in it
}

// Load reads a configuration: defaults, then the file (properties, UTF-8; "" for none), then the settings, each
// key=value. Keys that have no effect are warnings, one each. A value that its key doesn't take is an error that wraps
// ErrConfig and names key, value, where it stands and what is expected; all of them are reported at once.
func Load(file string, sets []string) (*Config, []Warning, error) {
	c := Default()
	if addrs, ok := os.LookupEnv("NAMESRV_ADDR"); ok {
		_ = listValue{&c.NamesrvAddrs, ";"}.set(addrs) // takes anything
	}
	l := newLoader(c)
	if file != "" {
		p, err := (&properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}).LoadFile(file)
		if err != nil {
			return nil, nil, fmt.Errorf("config: %s: %w: %w", file, ErrConfig, err)
		}
		l.setAll(file, p)
	}
	for _, s := range sets {
		name, text, ok := strings.Cut(s, "=")
		if !ok {
			l.errs = append(l.errs, fmt.Errorf("config: --set %s: %w: key=value is expected", s, ErrConfig))
			continue
		}
		l.set("--set", strings.TrimSpace(name), text)
	}
	if len(l.errs) > 0 {
		return nil, nil, errors.Join(l.errs...)
	}
	if c.BrokerName == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, nil, fmt.Errorf("config: brokerName is not given and the host has no name: %w: %w", ErrConfig, err)
		}
		c.BrokerName = name
	}
	return c, l.warnings, nil
}

type loader struct {
	config   *Config
	keys     map[string]Key
	warnings []Warning
	errs     []error
}

func newLoader(c *Config) *loader {
	l := &loader{config: c, keys: map[string]Key{}}
	for _, k := range Keys() {
		l.keys[k.Name] = k
	}
	return l
}

func (l *loader) setAll(place string, p *properties.Properties) {
	for _, name := range p.Keys() {
		text, _ := p.Get(name)
		l.set(place, name, text)
	}
}

func (l *loader) set(place, name, text string) {
	k, ok := l.keys[name]
	if !ok {
		l.warnings = append(l.warnings, unknown(place, name))
		return
	}
	field := k.field(l.config)
	if text = strings.TrimSpace(text); field.set(text) != nil {
		l.errs = append(l.errs, fmt.Errorf("config: %s: %s=%s: %w: %s is expected", place, name, text, ErrConfig, field.expected()))
		return
	}
	l.config.given[name] = true
}

// unknown explains a key that has no row.
func unknown(place, name string) Warning {
	var candidates []string
	for _, idle := range idleKeys {
		for key := range strings.FieldsSeq(idle.keys) {
			if key == name {
				return Warning{name, fmt.Sprintf("config: %s: %s has no effect: %s", place, name, idle.reason)}
			}
			candidates = append(candidates, key)
		}
	}
	for _, k := range Keys() {
		candidates = append(candidates, k.Name)
	}
	message := fmt.Sprintf("config: %s: %s is no key and has no effect", place, name)
	if near := closest(name, candidates); near != "" {
		message += "; is " + near + " meant?"
	}
	return Warning{name, message}
}

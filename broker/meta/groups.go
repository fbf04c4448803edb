package meta

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Groups is the table of consumer groups. All methods are safe for concurrent use; Get takes no lock and allocates
// nothing.
type Groups struct {
	file file
	now  func() time.Time

	// persisting is held while the file is written, so that who waits for it finds its change written already.
	// It is taken before mu.
	persisting sync.Mutex
	// mu guards what follows; the table is only written under it.
	mu        sync.Mutex
	version   DataVersion
	dirty     bool
	forbidden map[string]map[string]int32 // group → topic → bits

	groups *table[*GroupConfig]
}

type groupsFile struct {
	Version   DataVersion                 `json:"dataVersion"`
	Groups    map[string]*GroupConfig     `json:"subscriptionGroupTable"`
	Forbidden map[string]map[string]int32 `json:"forbiddenTable"`
}

// OpenGroups reads the table; the groups that exist on every broker are always in it. now is nil for time.Now.
func OpenGroups(o Options, now func() time.Time) (*Groups, error) {
	if now == nil {
		now = time.Now
	}
	g := &Groups{file: o.file("subscriptionGroup.json"), now: now, forbidden: map[string]map[string]int32{}, groups: newTable[*GroupConfig]()}
	for _, name := range predefinedGroups {
		c := NewGroup(name)
		g.groups.put(name, c.clone())
	}
	g.version.Timestamp = now().UnixMilli()
	loaded, err := load[groupsFile](g.file)
	if err != nil {
		return nil, err
	}
	if loaded == nil {
		return g, nil
	}
	g.version = loaded.Version
	for name, c := range loaded.Groups {
		if c == nil {
			continue
		}
		c.Name = name
		g.groups.put(name, c.clone())
	}
	for group, topics := range loaded.Forbidden {
		if len(topics) > 0 {
			g.forbidden[group] = topics
		}
	}
	return g, nil
}

// Get returns a group, or nil. The result must not be changed.
func (g *Groups) Get(name string) *GroupConfig {
	c, _ := g.groups.get(name)
	return c
}

// GetBytes is Get for a name that still lies in a buffer.
func (g *Groups) GetBytes(name []byte) *GroupConfig {
	c, _ := g.groups.getBytes(name)
	return c
}

// Ensure returns a group, after creating it with the defaults if there is none and autoCreate allows it; the brokers'
// own groups (CID_RMQ_SYS_…) are always created. The result is nil, without an error, for a group that doesn't exist
// and may not be created; it fails with ErrName.
func (g *Groups) Ensure(name string, autoCreate bool) (group *GroupConfig, err error) {
	if group = g.Get(name); group != nil {
		return group, nil
	}
	if err := CheckGroup(name); err != nil {
		return nil, fmt.Errorf("meta: %w", err)
	}
	if !autoCreate && !strings.HasPrefix(name, systemGroupPrefix) {
		return nil, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if group = g.Get(name); group != nil {
		return group, nil
	}
	c := NewGroup(name)
	group = c.clone()
	g.groups.put(name, group)
	g.changed()
	return group, nil
}

// Put creates a group or replaces its configuration. It fails, naming the field, unless that passes Check.
func (g *Groups) Put(c GroupConfig) (created bool, err error) {
	if err := c.Check(); err != nil {
		return false, fmt.Errorf("meta: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	created = g.Get(c.Name) == nil
	g.groups.put(c.Name, c.clone())
	g.changed()
	return created, nil
}

// Alter creates groups or replaces their configurations, attributes apart: those are altered as the new ones say ("+name" to set,
// "-name" to remove). It does nothing, and names what is wrong, unless all of them can be had.
func (g *Groups) Alter(groups ...GroupConfig) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ready := make([]*GroupConfig, len(groups))
	for i := range groups {
		c := groups[i].clone()
		if err := c.Check(); err != nil {
			return fmt.Errorf("meta: %w", err)
		}
		var present map[string]string
		if old := g.Get(c.Name); old != nil {
			present = old.Attributes
		}
		var err error
		if c.Attributes, err = alterGroupAttributes(present, c.Attributes); err != nil {
			return fmt.Errorf("meta: group %s: %w", c.Name, err)
		}
		ready[i] = c
	}
	for _, c := range ready {
		g.groups.put(c.Name, c)
		g.changed()
	}
	return nil
}

// Delete removes a group with what it was forbidden, and tells whether there was one.
func (g *Groups) Delete(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.Get(name) == nil {
		return false
	}
	g.groups.delete(name)
	delete(g.forbidden, name)
	g.changed()
	return true
}

// All returns the groups sorted by name, with the version of just that state.
func (g *Groups) All() ([]*GroupConfig, DataVersion) {
	g.mu.Lock()
	all, version := g.groups.all(), g.version
	g.mu.Unlock()
	return slices.SortedFunc(maps.Values(all), func(a, b *GroupConfig) int { return strings.Compare(a.Name, b.Name) }), version
}

// Forbidden returns what a group may not do with a topic, in the bits of a topic's permission: PermRead is reading.
func (g *Groups) Forbidden(group, topic string) int32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.forbidden[group][topic]
}

// AllForbidden returns what Forbidden does for all groups and topics where it isn't 0.
func (g *Groups) AllForbidden() map[string]map[string]int32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.forbidden) // the inner maps are replaced, never changed
}

// SetForbidden replaces what a group may not do with a topic; 0 allows everything.
func (g *Groups) SetForbidden(group, topic string, bits int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// A file may be being written from the inner map: replace it.
	topics := make(map[string]int32, len(g.forbidden[group])+1)
	maps.Copy(topics, g.forbidden[group])
	if topics[topic] = bits; bits == 0 {
		delete(topics, topic)
	}
	if g.forbidden[group] = topics; len(topics) == 0 {
		delete(g.forbidden, group)
	}
	g.changed()
}

// changed needs mu.
func (g *Groups) changed() { g.version, g.dirty = g.version.next(g.now()), true }

// Persist returns after every change that was made before the call is durable. Callers that wait for one another
// share one write.
func (g *Groups) Persist() error {
	g.persisting.Lock()
	defer g.persisting.Unlock()

	g.mu.Lock()
	if !g.dirty {
		g.mu.Unlock()
		return nil
	}
	g.dirty = false
	out := groupsFile{Version: g.version, Groups: g.groups.all(), Forbidden: maps.Clone(g.forbidden)}
	g.mu.Unlock()

	err := g.file.save(&out)
	if err != nil {
		g.mu.Lock()
		g.dirty = true
		g.mu.Unlock()
	}
	return err
}

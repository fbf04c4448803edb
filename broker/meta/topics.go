package meta

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// Errors of creating a topic by sending to it.
var (
	ErrNoDefaultTopic = errors.New("the default topic does not exist")
	ErrNotInheritable = errors.New("topics can't be created after the default topic")
)

// Topics is the table of topics. All methods are safe for concurrent use; reading takes no lock and allocates nothing.
type Topics struct {
	file, birthFile file
	log             *slog.Logger
	now             func() time.Time

	// persisting is held while the files are written, so that who waits for it finds its change written already.
	// It is taken before mu.
	persisting sync.Mutex
	// mu guards what follows; the tables are only written under it.
	mu                 sync.Mutex
	version            DataVersion
	dirty, birthsDirty bool
	changes, written   int64 // how many changes there were since the start, and how many of them the files have at least

	topics *table[*TopicConfig]
	births *table[int64]
	system *table[struct{}] // names that this broker reserved
}

type topicsFile struct {
	Version DataVersion             `json:"dataVersion"`
	Topics  map[string]*TopicConfig `json:"topicConfigTable"`
}

// OpenTopics reads the table; without a file it is empty. now is nil for time.Now.
func OpenTopics(o Options, now func() time.Time) (*Topics, error) {
	if now == nil {
		now = time.Now
	}
	t := &Topics{
		file: o.file("topics.json"), birthFile: o.file("topicBirths.json"), now: now,
		topics: newTable[*TopicConfig](), births: newTable[int64](), system: newTable[struct{}](),
	}
	t.log = t.file.log
	loaded, err := load[topicsFile](t.file)
	if err != nil {
		return nil, err
	}
	t.version.Timestamp = now().UnixMilli()
	if loaded != nil {
		t.version = loaded.Version
		for name, c := range loaded.Topics {
			if c == nil {
				continue
			}
			c.Name = name
			t.topics.put(name, c.clone())
		}
	}
	return t, t.loadBirths()
}

// Get returns a topic, or nil. The result must not be changed.
func (t *Topics) Get(name string) *TopicConfig {
	c, _ := t.topics.get(name)
	return c
}

// GetBytes is Get for a name that still lies in a buffer.
func (t *Topics) GetBytes(name []byte) *TopicConfig {
	c, _ := t.topics.getBytes(name)
	return c
}

// All returns the topics sorted by name, with the version of just that state.
func (t *Topics) All() ([]*TopicConfig, DataVersion) {
	t.mu.Lock()
	all, version := t.topics.all(), t.version
	t.mu.Unlock()
	return slices.SortedFunc(maps.Values(all), func(a, b *TopicConfig) int { return strings.Compare(a.Name, b.Name) }), version
}

// Version returns the version of the current state.
func (t *Topics) Version() DataVersion {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.version
}

// Touch gives the table a new version, for a change of what others are told of it.
func (t *Topics) Touch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed()
}

// changed notes that the table has changed. It needs mu.
func (t *Topics) changed() {
	t.version, t.dirty = t.version.next(t.now()), true
	t.changes++
}

// birthsChanged is the same for the births.
func (t *Topics) birthsChanged() {
	t.birthsDirty = true
	t.changes++
}

// Reserve adds those of a broker's own topics that are missing and protects all of them: see IsSystem.
func (t *Topics) Reserve(topics []TopicConfig) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range topics {
		c := topics[i].clone()
		t.system.put(c.Name, struct{}{})
		if t.Get(c.Name) == nil {
			t.set(c)
		}
	}
}

// IsSystem tells whether a topic is one that users may neither create, change nor delete.
func (t *Topics) IsSystem(name string) bool {
	_, reserved := t.system.get(name)
	return reserved || IsSystemTopic(name)
}

// Put creates a topic or replaces its configuration. logEnd is the end of the log: the birth of a topic that is
// created. Put fails, naming the field, unless the configuration passes Check.
func (t *Topics) Put(c TopicConfig, logEnd int64) (created bool, err error) {
	if err := c.Check(); err != nil {
		return false, fmt.Errorf("meta: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.Get(c.Name)
	if old == nil {
		t.setBirth(c.Name, logEnd)
	} else if old.equal(&c) {
		return false, nil
	}
	t.set(c.clone())
	return old == nil, nil
}

// Ensure returns the topic of that name, after creating it as c says if there is none.
func (t *Topics) Ensure(c TopicConfig, logEnd int64) (topic *TopicConfig, created bool, err error) {
	if topic = t.Get(c.Name); topic != nil {
		return topic, false, nil
	}
	if err := c.Check(); err != nil {
		return nil, false, fmt.Errorf("meta: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if topic = t.Get(c.Name); topic != nil {
		return topic, false, nil
	}
	topic = c.clone()
	t.setBirth(c.Name, logEnd)
	t.set(topic)
	return topic, true, nil
}

// Adopt adds a topic that has messages already: unlike one that is created, it has no birth. A topic that is there stays as it is.
func (t *Topics) Adopt(c TopicConfig) error {
	if err := c.Check(); err != nil {
		return fmt.Errorf("meta: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Get(c.Name) == nil {
		t.set(c.clone())
	}
	return nil
}

// Inherit describes a topic that a send creates.
type Inherit struct {
	Topic, Default string // Default names the topic whose configuration is taken over
	Queues         int32  // what the client asks for; never more than the default topic has
	SysFlag        int32
	AutoCreate     bool // whether DefaultTopic may be inherited from
}

// EnsureInherited returns a topic, after creating it after the model of a default topic if there is none. It fails
// with ErrNoDefaultTopic, ErrNotInheritable or ErrName.
func (t *Topics) EnsureInherited(in Inherit, logEnd int64) (topic *TopicConfig, created bool, err error) {
	if topic = t.Get(in.Topic); topic != nil {
		return topic, false, nil
	}
	model := t.Get(in.Default)
	if model == nil {
		return nil, false, fmt.Errorf("meta: topic %s is not created: %w: %q", in.Topic, ErrNoDefaultTopic, in.Default)
	}
	if model.Perm&PermInherit == 0 || in.Default == DefaultTopic && !in.AutoCreate {
		return nil, false, fmt.Errorf("meta: topic %s is not created: %w: %s", in.Topic, ErrNotInheritable, in.Default)
	}
	c := NewTopic(in.Topic, max(0, min(in.Queues, model.WriteQueues)))
	c.Perm, c.FilterType, c.SysFlag = model.Perm&^PermInherit, model.FilterType, in.SysFlag
	return t.Ensure(c, logEnd)
}

// Delete removes a topic and tells whether there was one. Records in the log below logEnd, its end, never belong to a
// later topic of that name.
func (t *Topics) Delete(name string, logEnd int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Get(name) == nil {
		return false
	}
	t.setBirth(name, logEnd)
	t.topics.delete(name)
	t.changed()
	return true
}

// set needs mu.
func (t *Topics) set(c *TopicConfig) {
	t.topics.put(c.Name, c)
	t.changed()
}

// Persist returns after every change that was made before the call is durable. Callers that wait for one another
// share one write.
func (t *Topics) Persist() error {
	t.mu.Lock()
	want := t.changes
	t.mu.Unlock()
	t.persisting.Lock()
	defer t.persisting.Unlock()

	t.mu.Lock()
	if t.written >= want {
		t.mu.Unlock()
		return nil // whoever was waited for wrote it; what came since is for those who wait now
	}
	writing := t.changes
	dirty, birthsDirty := t.dirty, t.birthsDirty
	births := birthsFile{}
	out := topicsFile{Version: t.version}
	if birthsDirty {
		births.Births = t.births.all()
	}
	if dirty {
		out.Topics = t.topics.all()
	}
	t.dirty, t.birthsDirty = false, false
	t.mu.Unlock()

	// Births first: a topic on disk without its birth would take over the records of its earlier life.
	var err error
	if dirty && seeded.Is(seeded.BirthAfterTopic) {
		err = t.file.save(&out)
	}
	if birthsDirty && err == nil {
		if err = t.birthFile.save(&births); err == nil {
			birthsDirty = false
		}
	}
	if dirty && err == nil {
		if err = t.file.save(&out); err == nil {
			dirty = false
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.dirty, t.birthsDirty = t.dirty || dirty, t.birthsDirty || birthsDirty
		return err
	}
	t.written = writing
	return nil
}

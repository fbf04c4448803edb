package topics

import (
	"errors"
	"log/slog"
	"sync"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
)

// Life creates and deletes topics. Its methods are safe for concurrent use and return when the change is durable and made known.
type Life struct {
	Table   *meta.Topics
	Store   *store.Store
	Offsets *meta.Offsets
	Changed func(topics ...string) // tells the name servers; called after the table is durable
	Logger  *slog.Logger

	// mu is held while a topic comes or goes: what is left of a topic's former life, queues and offsets, must be gone before
	// a topic of that name lives again.
	mu sync.Mutex
}

// Ensure returns the topic of that name, after creating it as c says if there is none.
func (l *Life) Ensure(c meta.TopicConfig) (*meta.TopicConfig, error) {
	return l.ensure(c.Name, func(end int64) (*meta.TopicConfig, bool, error) { return l.Table.Ensure(c, end) })
}

// Inherit returns a topic, after creating it after the model of a default topic if there is none: see
// meta.Topics.EnsureInherited for the errors.
func (l *Life) Inherit(in meta.Inherit) (*meta.TopicConfig, error) {
	return l.ensure(in.Topic, func(end int64) (*meta.TopicConfig, bool, error) { return l.Table.EnsureInherited(in, end) })
}

func (l *Life) ensure(name string, create func(logEnd int64) (*meta.TopicConfig, bool, error)) (t *meta.TopicConfig, err error) {
	if t := l.Table.Get(name); t != nil {
		return t, nil
	}
	err = l.change(name, func() (created bool, err error) {
		if err = l.clear(name); err != nil {
			return false, err
		}
		if t, created, err = create(l.Store.Log.Max()); err != nil || !created {
			return false, err
		}
		l.Logger.Info("topics: created", "topic", name, "queues", t.WriteQueues)
		return true, nil
	})
	return t, err
}

// Adopt returns the topic of that name, after adding it as c says if there is none: unlike one that is created, it owns the records of
// its name that the log has.
func (l *Life) Adopt(c meta.TopicConfig) (*meta.TopicConfig, error) {
	err := l.change(c.Name, func() (bool, error) {
		if l.Table.Get(c.Name) != nil {
			return false, nil
		}
		if err := l.Table.Adopt(c); err != nil {
			return false, err
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return l.Table.Get(c.Name), nil
}

// change makes a change with mu held. It makes it durable and tells of it without: both take a while, and those who wait for
// the disk at the same time share one write.
func (l *Life) change(name string, do func() (changed bool, err error)) error {
	l.mu.Lock()
	changed, err := do()
	l.mu.Unlock()
	if !changed || err != nil {
		return err
	}
	if err := l.Table.Persist(); err != nil {
		return err
	}
	l.Changed(name)
	return nil
}

// Put creates a topic or replaces its configuration, attributes apart: those are altered as changes say ("+name" to set,
// "-name" to remove). An error that isn't about the disk names what is wrong with the configuration.
func (l *Life) Put(c meta.TopicConfig, changes map[string]string) error {
	return l.change(c.Name, func() (bool, error) {
		var present map[string]string
		old := l.Table.Get(c.Name)
		if old != nil {
			present = old.Attributes
		}
		var err error
		if c.Attributes, err = meta.AlterTopicAttributes(present, changes, old == nil); err != nil {
			return false, &Refused{err}
		}
		if err := c.Check(); err != nil {
			return false, &Refused{err}
		}
		if err := l.clear(c.Name); err != nil {
			return false, err
		}
		if _, err := l.Table.Put(c, l.Store.Log.Max()); err != nil {
			return false, &Refused{err}
		}
		l.Logger.Info("topics: put", "topic", c.Name, "read", c.ReadQueues, "write", c.WriteQueues)
		return true, nil
	})
}

// Refused is the error of a configuration that a topic can't have.
type Refused struct{ Err error }

func (r *Refused) Error() string { return r.Err.Error() }
func (r *Refused) Unwrap() error { return r.Err }

// clear makes room for a topic that comes again: it removes what those did to its former life who had looked it up before it
// was deleted, or what a crash left of it.
func (l *Life) clear(name string) error {
	if l.Table.Get(name) != nil || l.Table.Birth(name) == 0 {
		return nil
	}
	return l.remains(name)
}

// remains removes what a topic has beside its place in the table.
func (l *Life) remains(name string) error {
	l.Offsets.RemoveTopic(name)
	return errors.Join(l.Offsets.Persist(), l.Store.DeleteTopic(name))
}

// Delete removes a topic with its queues and committed offsets, if there is one. A topic of that name that is created later begins
// at queue offset 0.
func (l *Life) Delete(name string) error {
	return l.change(name, func() (bool, error) {
		if l.Table.Get(name) == nil {
			return false, nil
		}
		// Offsets that outlived the topic would be taken for progress in a later one of its name. What is committed from
		// here on, remains removes.
		l.Offsets.RemoveTopic(name)
		if err := l.Offsets.Persist(); err != nil {
			return false, err
		}
		l.Table.Delete(name, l.Store.Log.Max())
		l.Logger.Info("topics: deleted", "topic", name)
		// First that the topic is gone is durable: its queues would otherwise be missed after a crash in between.
		if err := l.Table.Persist(); err != nil {
			return true, err
		}
		return true, l.remains(name)
	})
}

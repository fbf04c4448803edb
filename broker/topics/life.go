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
	err = l.change([]string{name}, func() (created bool, err error) {
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
	err := l.change([]string{c.Name}, func() (bool, error) {
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
func (l *Life) change(names []string, do func() (changed bool, err error)) error {
	l.mu.Lock()
	changed, err := do()
	l.mu.Unlock()
	if !changed || err != nil {
		return err
	}
	if err := l.Table.Persist(); err != nil {
		return err
	}
	l.Changed(names...)
	return nil
}

// Change is a topic to be created, or the configuration that it shall have, attributes apart: those are altered as Attributes says
// ("+name" to set, "-name" to remove).
type Change struct {
	Topic      meta.TopicConfig
	Attributes map[string]string
}

// Put makes changes: all of them, or none if one of them asks for what can't be. A *Refused names what that is.
func (l *Life) Put(changes ...Change) error {
	names := make([]string, len(changes))
	for i := range changes {
		names[i] = changes[i].Topic.Name
	}
	return l.change(names, func() (bool, error) {
		ready := make([]meta.TopicConfig, len(changes))
		for i := range changes {
			var err error
			if ready[i], err = l.altered(&changes[i]); err != nil {
				return false, &Refused{err}
			}
		}
		for i := range ready {
			c := ready[i]
			if err := l.clear(c.Name); err != nil {
				return i > 0, errors.Join(err, l.Table.Persist())
			}
			if _, err := l.Table.Put(c, l.Store.Log.Max()); err != nil {
				return i > 0, errors.Join(&Refused{err}, l.Table.Persist())
			}
			l.Logger.Debug("topics: put", "topic", c.Name, "read", c.ReadQueues, "write", c.WriteQueues)
		}
		return len(ready) > 0, nil
	})
}

// altered is the configuration that a change leads to.
func (l *Life) altered(c *Change) (t meta.TopicConfig, err error) {
	var present map[string]string
	old := l.Table.Get(c.Topic.Name)
	if old != nil {
		present = old.Attributes
	}
	t = c.Topic
	if t.Attributes, err = meta.AlterTopicAttributes(present, c.Attributes, old == nil); err != nil {
		return t, err
	}
	return t, t.Check()
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
	return l.change([]string{name}, func() (bool, error) {
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

// Sweep removes what is left of topics that were deleted, where that failed before.
func (l *Life) Sweep() error {
	names := map[string]bool{}
	l.Store.EachQueue(func(topic string, _ int32) { names[topic] = true })
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for name := range names {
		errs = append(errs, l.clear(name))
	}
	return errors.Join(errs...)
}

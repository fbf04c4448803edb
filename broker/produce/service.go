package produce

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// Options are what a Service works with.
type Options struct {
	Config    *config.Config
	Store     *store.Store
	Topics    *meta.Topics
	Groups    *meta.Groups
	StoreHost record.Host // what message ids name
	// TopicChanged hears of topics that a send created, after they are durable.
	TopicChanged func(*meta.TopicConfig)
	Now          func() time.Time
	Logger       *slog.Logger
}

// Service takes messages in. It is safe for concurrent use.
type Service struct {
	Options
	// own is what the broker adds to every message's properties.
	own []byte
}

// New makes a Service.
func New(o Options) *Service {
	var own []byte
	own = record.AppendProperty(own, record.PropMsgRegion, o.Config.RegionID)
	own = record.AppendProperty(own, record.PropTraceOn, boolText(o.Config.TraceOn))
	own = record.AppendProperty(own, record.PropCluster, o.Config.ClusterName)
	return &Service{Options: o, own: slices.Clip(own)}
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// topic returns the topic of a send, which creates it when the broker's configuration allows that.
func (s *Service) topic(r *Request) (*meta.TopicConfig, *Refusal) {
	if t := s.Topics.GetBytes(r.Topic); t != nil {
		return t, nil
	}
	name := string(r.Topic)
	if err := meta.CheckTopic(name); err != nil {
		return nil, refuse(IllegalTopic, "%v", err)
	}
	if group, ok := derivedGroup(name); ok {
		g := s.Groups.Get(group)
		if g == nil {
			return nil, refuse(NoTopic, "topic %s doesn't exist, and neither does the group %s", name, group)
		}
		return s.derived(name, max(1, g.RetryQueues))
	}
	t, created, err := s.Topics.EnsureInherited(meta.Inherit{
		Topic: name, Default: string(r.DefaultTopic), Queues: r.DefaultQueues, AutoCreate: s.Config.AutoCreateTopic,
	}, s.Store.Log.Max())
	if err != nil {
		return nil, refuse(NoTopic, "topic[%s] not exist, apply first please: %v", name, err)
	}
	return s.made(t, created)
}

// derived returns a retry or dead-letter topic, made on first use.
func (s *Service) derived(name string, queues int32) (*meta.TopicConfig, *Refusal) {
	t, created, err := s.Topics.Ensure(meta.NewTopic(name, queues), s.Store.Log.Max())
	if err != nil {
		return nil, refuse(Failed, "%v", err)
	}
	return s.made(t, created)
}

func (s *Service) made(t *meta.TopicConfig, created bool) (*meta.TopicConfig, *Refusal) {
	if !created {
		return t, nil
	}
	if err := s.Topics.Persist(); err != nil {
		return nil, refuse(Failed, "topic %s could not be written down: %v", t.Name, err)
	}
	s.Logger.Info("produce: topic created", "topic", t.Name, "queues", t.WriteQueues)
	if s.TopicChanged != nil {
		s.TopicChanged(t)
	}
	return t, nil
}

// queue is the queue that a send asks for, or any one for a negative id.
func (s *Service) queue(t *meta.TopicConfig, id int32) (*store.Queue, *Refusal) {
	if id < 0 {
		id = rand.Int32N(max(1, t.WriteQueues))
	}
	if id >= max(t.ReadQueues, t.WriteQueues) {
		return nil, refuse(IllegalQueue, "request queueId[%d] is illegal, topic %s has %d write queues", id, t.Name, t.WriteQueues)
	}
	if q := s.Store.Lookup(t.Name, id); q != nil {
		return q, nil
	}
	return s.Store.Queue(t.Name, id), nil
}

package produce

import (
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/broker/topics"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// Options are what a Service works with.
type Options struct {
	Config    *config.Live
	Store     *store.Store
	Topics    *topics.Life
	Groups    *meta.Groups
	StoreHost record.Host // what message ids name
	// Ordered tells whether a group consumes in order at present: its messages have been tried often enough when they are
	// sent to its retry topic.
	Ordered func(group string) bool
	Now     func() time.Time
	Logger  *slog.Logger
}

// Service takes messages in. It is safe for concurrent use.
type Service struct {
	Options
	// own is what the broker adds to every message's properties.
	own        []byte
	ids        ids
	levels     []*store.Queue // of the delay levels 1, 2, …
	congestion congestion
}

// New makes a Service.
func New(o Options) *Service {
	var own []byte
	own = record.AppendProperty(own, record.PropMsgRegion, o.Config.Load().RegionID)
	own = record.AppendProperty(own, record.PropTraceOn, strconv.FormatBool(o.Config.Load().TraceOn))
	own = record.AppendProperty(own, record.PropCluster, o.Config.Load().ClusterName)
	return &Service{
		Options: o, own: slices.Clip(own), ids: newIDs(o.StoreHost),
		levels: levelQueues(o.Store, len(o.Config.Load().DelayLevels)), congestion: congestion{start: o.Now()},
	}
}

// topic returns the topic of a send, which creates it when the broker's configuration allows that.
func (s *Service) topic(b *Batch, r *Request) (*meta.TopicConfig, *Refusal) {
	if t := b.recent.topic; t != nil && t.Name == string(r.Topic) {
		return t, nil
	}
	t := s.Topics.Table.GetBytes(r.Topic)
	if t == nil {
		return s.newTopic(r)
	}
	if !meta.MaySend(t.Name) {
		return nil, refuse(NoPermission, "Sending message to topic[%s] is forbidden.", t.Name)
	}
	b.recent = recent{topic: t}
	return t, nil
}

func (s *Service) newTopic(r *Request) (*meta.TopicConfig, *Refusal) {
	name := string(r.Topic)
	if err := meta.CheckTopic(name); err != nil {
		return nil, refuse(IllegalName, "%v", err)
	}
	if !meta.MaySend(name) {
		return nil, refuse(NoPermission, "Sending message to topic[%s] is forbidden.", name)
	}
	if group, ok := strings.CutPrefix(name, meta.RetryPrefix); ok {
		g, refused := s.group(group)
		if refused != nil {
			return nil, refused
		}
		t := meta.NewTopic(name, max(1, g.RetryQueues))
		if r.Unit {
			t.SysFlag = meta.SysFlagUnitSubscription
		}
		return s.ensure(t)
	}
	if group, ok := strings.CutPrefix(name, meta.DLQPrefix); ok {
		if _, refused := s.group(group); refused != nil {
			return nil, refused
		}
		return s.derived(name, 1)
	}
	in := meta.Inherit{
		Topic: name, Default: string(r.DefaultTopic), Queues: r.DefaultQueues, AutoCreate: s.Config.Load().AutoCreateTopic,
	}
	if r.Unit {
		in.SysFlag = meta.SysFlagUnit
	}
	t, err := s.Topics.Inherit(in)
	if errors.Is(err, meta.ErrNoDefaultTopic) || errors.Is(err, meta.ErrNotInheritable) {
		return nil, refuse(NoTopic, "topic[%s] not exist, apply first please! %v", name, err)
	}
	if err != nil {
		return nil, refuse(Failed, "%v", err)
	}
	return t, nil
}

// derived returns a retry or dead-letter topic, made on first use.
func (s *Service) derived(name string, queues int32) (*meta.TopicConfig, *Refusal) {
	return s.ensure(meta.NewTopic(name, queues))
}

func (s *Service) ensure(c meta.TopicConfig) (*meta.TopicConfig, *Refusal) {
	t, err := s.Topics.Ensure(c)
	if err != nil {
		return nil, refuse(Failed, "%v", err)
	}
	return t, nil
}

// group returns a consumer group, made on first use where the configuration allows that.
func (s *Service) group(name string) (*meta.GroupConfig, *Refusal) {
	g, err := s.Groups.Ensure(name, s.Config.Load().AutoCreateGroup)
	switch {
	case errors.Is(err, meta.ErrName), err == nil && g == nil:
		return nil, refuse(NoGroup, "subscription group not exist, %s", name)
	case err != nil:
		return nil, refuse(Failed, "%v", err)
	}
	return g, nil
}

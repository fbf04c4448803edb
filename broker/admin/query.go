package admin

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// Kinds of key that messages are indexed by.
const (
	ByKey  = "K" // one of its keys
	ByTag  = "T" // its tag; few brokers index them
	byUniq = "U" // the id that its producer gave it
)

// uniqFlag is how brokers before 5.4 are told that a key is a unique one.
const uniqFlag = "_UNIQUE_KEY_QUERY"

// MessageQuery says which messages of a topic to find in the index.
type MessageQuery struct {
	Where
	Key        string
	Kind       string // ByKey or ByTag; "" = ByKey
	Begin, End int64  // ms, of storing; End 0: no end
	Max        int    // messages of each broker
	LastKey    string // where to go on, for brokers that understand it
}

// FindMessages asks all brokers of the topic, and returns what they find in the order of storing: ErrNotFound if that is nothing.
func (c *Client) FindMessages(ctx context.Context, q MessageQuery) ([]Message, error) {
	q.Kind = cmp.Or(q.Kind, ByKey)
	return c.find(ctx, q)
}

// uniqWindow is how far back a message is looked for by its unique id, if nothing else is said.
const uniqWindow = 3 * 24 * time.Hour

// FindUnique finds the messages with a unique id: there may be several, such as a retry's first and later copies. With begin and end 0 those of the last days are looked
// through. ErrNotFound if there are none.
func (c *Client) FindUnique(ctx context.Context, w Where, id string, begin, end int64) ([]Message, error) {
	if begin == 0 && end == 0 {
		begin = time.Now().Add(-uniqWindow).UnixMilli()
	}
	return c.find(ctx, MessageQuery{Where: w, Key: id, Kind: byUniq, Begin: begin, End: end, Max: 32})
}

func (c *Client) find(ctx context.Context, q MessageQuery) ([]Message, error) {
	sets, err := c.sets(ctx, q.Where)
	if err != nil {
		return nil, err
	}
	found := make([][]Message, len(sets))
	r := q.request()
	err = eachReader(sets, func(i int, addr string) error {
		answer, err := c.call(ctx, addr, r)
		if err != nil || missing(answer) {
			return err
		}
		if err := refusal(answer.Err()); err != nil {
			return err
		}
		found[i], err = decodeMessages(answer.Body)
		return err
	})
	all := slices.DeleteFunc(slices.Concat(found...), func(m Message) bool { return !q.matches(&m) })
	slices.SortStableFunc(all, func(a, b Message) int { return cmp.Compare(a.StoreTimestamp, b.StoreTimestamp) })
	if err == nil && len(all) == 0 {
		return nil, notFound("topic %s has no message with %q in its index", q.Topic, q.Key)
	}
	return all, err
}

func (q *MessageQuery) request() *remoting.Request {
	r := remoting.Request{Code: remoting.CodeQueryMessage}
	topic := q.Topic
	if q.Cluster != "" && hasNoRoute(topic) {
		topic = q.Cluster // a lightweight queue's messages are indexed under the topic that they were sent to
	}
	end := q.End
	if end == 0 {
		end = math.MaxInt64
	}
	r.Fields.Add("topic", topic)
	r.Fields.Add("key", q.Key)
	r.Fields.AddInt("maxNum", int64(q.Max))
	r.Fields.AddInt("beginTimestamp", q.Begin)
	r.Fields.AddInt("endTimestamp", end)
	r.Fields.Add("indexType", q.Kind)
	r.Fields.AddBool(uniqFlag, q.Kind == byUniq)
	if q.LastKey != "" {
		r.Fields.Add("lastKey", q.LastKey)
	}
	return &r
}

// matches looks at the message itself: the index knows hashes only.
func (q *MessageQuery) matches(m *Message) bool {
	switch q.Kind {
	case byUniq:
		return m.ID == q.Key
	case ByTag:
		return m.Tags() == q.Key && (m.Topic == q.Topic || hasNoRoute(q.Topic))
	}
	return m.HasKey(q.Key) && (m.Topic == q.Topic || hasNoRoute(q.Topic))
}

// ViewMessage finds a message by either of its ids.
func (c *Client) ViewMessage(ctx context.Context, w Where, id string) (*Message, error) {
	host, offset, err := record.ParseMessageID(id)
	if err != nil {
		return c.viewUnique(ctx, w, id)
	}
	// Both kinds of id look alike. One is an offset id if its address is a broker's: any other isn't worth waiting for.
	info, err := c.clusterInfo(ctx)
	if err != nil {
		return nil, err
	}
	addr := hostText(host)
	if info.nameOf(addr) == "" {
		return c.viewUnique(ctx, w, id)
	}
	m, err := c.viewAt(ctx, addr, w.Topic, offset)
	if errors.Is(err, ErrNotFound) {
		return nil, notFound("the broker at %s has no message at log offset %d: it has expired, or %s is no message's id", addr, offset, id)
	}
	return m, err
}

func (c *Client) viewUnique(ctx context.Context, w Where, id string) (*Message, error) {
	all, err := c.FindUnique(ctx, w, id, 0, 0)
	if len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

func (c *Client) viewAt(ctx context.Context, addr, topic string, offset int64) (*Message, error) {
	r := remoting.Request{Code: remoting.CodeViewMessageByID}
	r.Fields.Add("topic", topic)
	r.Fields.AddInt("offset", offset)
	answer, err := c.call(ctx, addr, &r)
	if err != nil {
		return nil, err
	}
	if missing(answer) {
		return nil, notFound("log offset %d", offset)
	}
	if err := refusal(answer.Err()); err != nil {
		return nil, err
	}
	all, err := decodeMessages(answer.Body)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, notFound("log offset %d: the answer is empty", offset)
	}
	return &all[0], nil
}

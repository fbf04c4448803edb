package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestTheFirstNameServerThatAnswersIsBelieved(t *testing.T) {
	one, two := newFake(t), newFake(t)
	one.says(remoting.CodeGetAllTopicListFromNameServer, answer{body: `{"topicList":["b","a"]}`})
	two.says(remoting.CodeGetAllTopicListFromNameServer, answer{body: `{"topicList":["c"]}`})
	topics, err := newClient(t, refusing(t), one.addr, two.addr).Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "topics", topics, []string{"a", "b"})
	if got := two.got(); got != nil {
		t.Errorf("the second one was asked, too: %v", got)
	}
}

func TestEveryNameServerThatFailsIsNamed(t *testing.T) {
	a, b := refusing(t), refusing(t)
	_, err := newClient(t, a, b).Topics(t.Context())
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), a) || !strings.Contains(err.Error(), b) {
		t.Error(err)
	}
	if _, err := newClient(t).Topics(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Error(err)
	}
}

func TestASilentServerIsGivenUpAfterTheTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // connections succeed, and nobody reads them
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := New(Options{Namesrvs: []string{l.Addr().String()}, Timeout: 20 * time.Millisecond})
	defer c.Close()
	if _, err := c.Topics(t.Context()); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "no answer within 20ms") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Topics(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCallsShareOneConnection(t *testing.T) {
	f := newFake(t)
	f.says(remoting.CodeGetAllTopicListFromNameServer, answer{body: `{}`})
	c := newClient(t, f.addr)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.Topics(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.log) != 20 || len(f.conns) != 1 {
		t.Errorf("%d requests over %d connections, expected 20 over 1", len(f.log), len(f.conns))
	}
}

func TestALinkThatFailsIsMadeAnew(t *testing.T) {
	f := newFake(t)
	f.on(remoting.CodeGetAllTopicListFromNameServer, func(asked) answer {
		if f.hangUp() == 1 {
			return answer{}
		}
		return answer{body: `{"topicList":["a"]}`}
	})
	c := newClient(t, f.addr)
	if _, err := c.Topics(t.Context()); !errors.Is(err, remoting.ErrClosed) {
		t.Errorf("the server has hung up: %v", err)
	}
	if topics, err := c.Topics(t.Context()); err != nil || len(topics) != 1 {
		t.Errorf("%v, %v", topics, err)
	}
}

func TestABodyThatIsNoJSONIsAnErrorThatSaysWhose(t *testing.T) {
	f := newFake(t)
	f.says(remoting.CodeGetAllTopicListFromNameServer, answer{body: `{"topicList":[`})
	if _, err := newClient(t, f.addr).Topics(t.Context()); err == nil || !strings.Contains(err.Error(), f.addr+" to GET_ALL_TOPIC_LIST_FROM_NAMESERVER") {
		t.Error(err)
	}
}

func TestRefusalsAreNotFoundWhereTheirCodeSaysSo(t *testing.T) {
	for code, want := range map[int32]bool{
		remoting.RespTopicNotExist: true, remoting.RespSubscriptionGroupNotExist: true, remoting.RespConsumerNotOnline: true, remoting.RespQueryNotFound: true,
		remoting.RespSystemError: false, remoting.RespNoPermission: false, remoting.RespRequestCodeNotSupported: false,
	} {
		f := newFake(t)
		f.says(remoting.CodeGetBrokerConfig, answer{code: code, remark: "why not"})
		_, err := newClient(t).BrokerConfig(t.Context(), Target{Broker: f.addr})
		var refused *remoting.CodeError
		if errors.Is(err, ErrNotFound) != want || !errors.As(err, &refused) || refused.Code != code || !strings.Contains(err.Error(), "why not") {
			t.Errorf("code %d: %v", code, err)
		}
	}
}

func TestEachJoinsErrorsInTheOrderOfTheItems(t *testing.T) {
	var running, most atomic.Int32
	err := each(make([]int, 3*parallel), func(i int, _ int) error {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if i%20 == 0 {
			return fmt.Errorf("item %d", i)
		}
		return nil
	})
	if err == nil || err.Error() != "item 0\nitem 20\nitem 40" {
		t.Error(err)
	}
	if most.Load() > parallel {
		t.Errorf("%d at once, at most %d are allowed", most.Load(), parallel)
	}
}

package namesrv

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// table is a table of topics that tests change.
type table struct {
	mu      sync.Mutex // guards what follows
	topics  map[string]*meta.TopicConfig
	version meta.DataVersion
}

func newTable(names ...string) *table {
	t := &table{topics: map[string]*meta.TopicConfig{}}
	for _, name := range names {
		t.put(name, 4)
	}
	return t
}

func (t *table) put(name string, queues int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := meta.NewTopic(name, queues)
	t.topics[name] = &c
	t.version.Counter++
}

func (t *table) delete(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.topics, name)
	t.version.Counter++
}

func (t *table) Get(name string) *meta.TopicConfig {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.topics[name]
}

func (t *table) All() (all []*meta.TopicConfig, _ meta.DataVersion) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.topics {
		all = append(all, c)
	}
	return all, t.version
}

func (t *table) Version() meta.DataVersion {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.version
}

// network has name servers that registrars reach over pipes, which works on the time of synctest.
type network struct {
	t *testing.T

	mu      sync.Mutex // guards what follows
	servers map[string]*site
	dials   []string // addresses, in order
}

// site is one address of a network.
type site struct {
	names  *Namesrv // nil: it takes connections and never answers
	server *remoting.Server

	mu       sync.Mutex         // guards what follows
	codes    []int32            // of the requests so far
	versions []meta.DataVersion // of the registrations among them
	hold     chan struct{}      // until it is closed nobody is answered; nil: everybody is
}

func newNetwork(t *testing.T) *network { return &network{t: t, servers: map[string]*site{}} }

// start puts an empty name server at an address.
func (w *network) start(addr string) *site {
	s := &site{names: newNamesrv(w.t, Options{})}
	s.server = remoting.NewServer(s, remoting.ServerOptions{Logger: slog.New(slog.DiscardHandler), IdleTimeout: time.Hour})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.servers[addr] = s
	return s
}

// stop takes it away.
func (w *network) stop(addr string) {
	w.mu.Lock()
	s := w.servers[addr]
	delete(w.servers, addr)
	w.mu.Unlock()
	must(w.t, s.server.Close())
}

func (w *network) dial(_ context.Context, addr string) (*remoting.Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials = append(w.dials, addr)
	s := w.servers[addr]
	if s == nil {
		return nil, fmt.Errorf("dial %s: refused", addr)
	}
	ours, theirs := net.Pipe()
	if s.server != nil {
		go func() { _ = s.server.Serve(&oneConn{conns: []net.Conn{theirs}}) }()
	} else {
		go func() { // swallows what arrives, until the registrar gives up
			for b := make([]byte, 1024); ; {
				if _, err := theirs.Read(b); err != nil {
					return
				}
			}
		}()
	}
	return remoting.Dialer{Logger: slog.New(slog.DiscardHandler)}.Client(ours), nil
}

// oneConn is a listener with one connection.
type oneConn struct{ conns []net.Conn }

func (l *oneConn) Accept() (net.Conn, error) {
	if len(l.conns) == 0 {
		return nil, net.ErrClosed
	}
	c := l.conns[0]
	l.conns = nil
	return c, nil
}
func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// Serve and Closed make a site the handler of its server.
func (s *site) Serve(c *remoting.Conn, cmds []remoting.Command) {
	s.mu.Lock()
	for i := range cmds {
		s.codes = append(s.codes, cmds[i].Code)
		if cmds[i].Code == register103 {
			r, _ := decodeRegistration(cmds[i].Body, cmds[i].Version) // what can't be read has the zero version
			s.versions = append(s.versions, r.Version)
		}
	}
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	s.names.Serve(c, cmds)
}
func (s *site) Closed(c *remoting.Conn) { s.names.Closed(c) }

// took returns the codes of the requests since the last call.
func (s *site) took() []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	codes := s.codes
	s.codes = nil
	return codes
}

func (w *network) registrar(o RegistrarOptions) (*Registrar, *strings.Builder) {
	var log strings.Builder
	o.Logger, o.Dial = slog.New(slog.NewTextHandler(&log, nil)), w.dial
	r := NewRegistrar(o)
	return r, &log
}

// registered is a registrar that has registered two topics with the one name server of a network, until the test ends.
func registered(t *testing.T, o RegistrarOptions) (*network, *site, *table, *Registrar) {
	w, topics := newNetwork(t), newTable("orders", "other")
	s := w.start("n:1")
	o.Addrs = []string{"n:1"}
	r, _ := w.registrar(o)
	r.Start(brokerA, topics)
	t.Cleanup(r.Close)
	return w, s, topics, r
}

var register103, query322, topic217 = remoting.CodeRegisterBroker, remoting.CodeQueryDataVersion, remoting.CodeRegisterTopicInNamesrv

func wantCodes(t *testing.T, what string, s *site, want ...int32) {
	t.Helper()
	synctest.Wait()
	if got := s.took(); !slices.Equal(got, want) {
		t.Errorf("%s: the name server got requests %v, %v expected", what, got, want)
	}
}

func TestABrokerRegistersWithAllNameServersThatLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNetwork(t)
		one, two := w.start("one:1"), w.start("two:1")
		r, log := w.registrar(RegistrarOptions{Addrs: []string{"one:1", "dead:1", "two:1"}})
		began := time.Now()
		r.Start(brokerA, newTable("orders", "other"))
		if d := time.Since(began); d > 0 {
			t.Errorf("a dead name server kept the broker waiting for %v", d)
		}
		for _, s := range []*site{one, two} {
			if rt := route(t, s.names, "orders"); len(rt.Queues) != 1 || rt.Brokers[0].Addrs[0] != brokerA.Addr {
				t.Errorf("route %+v", rt)
			}
		}
		r.Close()
		if !strings.Contains(log.String(), "dead:1") || strings.Count(log.String(), "level=WARN") != 1 {
			t.Errorf("one warning that names the dead name server is expected: %s", log)
		}
		for _, s := range []*site{one, two} {
			if got := s.names.Topics(); len(got) != 0 {
				t.Errorf("after the end the name server still knows %v", got)
			}
		}
		wantCodes(t, "in all", one, register103, remoting.CodeUnregisterBroker)
	})
}

func TestANameServerThatComesLaterIsToldWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNetwork(t)
		r, _ := w.registrar(RegistrarOptions{Addrs: []string{"late:1"}})
		r.Start(brokerA, newTable("orders", "other"))
		defer r.Close()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		w.mu.Lock()
		n := len(w.dials)
		w.mu.Unlock()
		if n < 20 || n > 30 {
			t.Errorf("%d attempts in 10 minutes", n)
		}
		late := w.start("late:1")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if len(late.names.Topics()) != 2 {
			t.Error("it doesn't know the broker")
		}
	})
}

func TestANameServerThatRestartsEmptyIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, topics, r := registered(t, RegistrarOptions{})
		w.stop("n:1")
		topics.put("meanwhile", 4)
		r.Changed("meanwhile") // returns although nobody is there
		again := w.start("n:1")
		time.Sleep(firstRetry)
		wantCodes(t, "after the restart", again, register103)
		if got := again.names.Topics(); len(got) != 3 {
			t.Errorf("it knows %v", got)
		}
	})
}

func TestAChangedTopicIsRegisteredByItselfBeforeChangedReturns(t *testing.T) {
	for _, alone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			_, s, topics, r := registered(t, RegistrarOptions{TopicAlone: alone})
			s.took()
			s.names.WipeWritePerm(brokerA.Name)
			topics.put("new", 7)
			r.Changed("new")
			if rt := route(t, s.names, "new"); len(rt.Queues) != 1 || rt.Queues[0].Read != 7 {
				t.Fatalf("route %+v", rt)
			}
			if rt := route(t, s.names, "orders"); rt.Queues[0].Perm&meta.PermWrite != 0 {
				t.Error("the change of one topic gave others back what was wiped")
			}
			want := register103
			if alone {
				want = topic217
			}
			wantCodes(t, "change", s, want)
			topics.delete("new")
			r.Changed("new")
			wantCodes(t, "deletion", s)
			time.Sleep(30 * time.Second)
			wantCodes(t, "after a period", s, register103)
		})
	}
}

func TestChangesOfManyTopicsAtOnceAllArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, topics, r := registered(t, RegistrarOptions{})
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				name := fmt.Sprint("topic-", i)
				topics.put(name, 4)
				r.Changed(name)
				if b, err := s.names.Route([]byte(name), false); b == nil || err != nil {
					t.Errorf("%s is not there (%v)", name, err)
				}
			})
		}
		wg.Wait()
	})
}

// A name server of RocketMQ ignores a registration of the version that it has.
func TestNoTwoRegistrationsOfChangesHaveTheSameVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, topics, r := registered(t, RegistrarOptions{})
		topics.put("orders", 5)
		topics.put("other", 5)
		r.Changed("orders")
		r.Changed("other")
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				name := fmt.Sprint("topic-", i%5)
				topics.put(name, int32(i))
				r.Changed(name)
			})
		}
		wg.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := 1; i < len(s.versions); i++ {
			if s.versions[i] == s.versions[i-1] {
				t.Errorf("registrations %d and %d both have %+v", i-1, i, s.versions[i])
			}
		}
		if last := s.versions[len(s.versions)-1]; last != topics.Version() {
			t.Errorf("the last one has %+v, the table %+v", last, topics.Version())
		}
	})
}

func TestEverythingIsRegisteredAgainOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNetwork(t)
		s := w.start("n:1")
		topics := newTable("orders", "other")
		r, _ := w.registrar(RegistrarOptions{Addrs: []string{"n:1"}})
		local := newNamesrv(t, Options{})
		l := NewLocal(local, time.Hour)
		r.Changed() // nothing before Start
		l.Changed()
		r.Start(brokerA, topics)
		defer r.Close()
		l.Start(brokerA, topics)
		defer l.Close()
		topics.put("orders", 5)
		topics.put("new", 5)
		r.Changed()
		l.Changed()
		for _, n := range []*Namesrv{s.names, local} {
			for _, name := range []string{"orders", "new"} {
				if rt := route(t, n, name); len(rt.Queues) != 1 || rt.Queues[0].Read != 5 {
					t.Errorf("%s: route %+v", name, rt)
				}
			}
		}
		wantCodes(t, "twice everything", s, register103, register103)
	})
}

func TestANameServerThatForgotTheBrokerIsToldEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, topics, r := registered(t, RegistrarOptions{})
		s.names.Unregister(brokerA)
		topics.put("new", 4)
		r.Changed("new")
		if got := s.names.Topics(); len(got) != 3 {
			t.Errorf("it knows %v", got)
		}
	})
}

func TestANameServerThatNeverAnswersKeepsNobodyWaitingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNetwork(t)
		s := w.start("n:1")
		w.servers["mute:1"] = new(site)
		topics := newTable("orders", "other")
		r, _ := w.registrar(RegistrarOptions{Addrs: []string{"n:1", "mute:1"}})
		began := time.Now()
		r.Start(brokerA, topics)
		if d := time.Since(began); d != changeWait {
			t.Errorf("Start took %v", d)
		}
		began = time.Now()
		topics.put("new", 4)
		r.Changed("new")
		if d := time.Since(began); d != 0 || len(s.names.Topics()) != 3 {
			t.Errorf("Changed took %v; the other name server knows %v", d, s.names.Topics())
		}
		began = time.Now()
		r.Close()
		if d := time.Since(began); d > unregisterWait {
			t.Errorf("Close took %v", d)
		}
	})
}

func TestANameServerThatHasBecomeSlowIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, topics, r := registered(t, RegistrarOptions{})
		hold := make(chan struct{})
		s.mu.Lock()
		s.hold = hold
		s.mu.Unlock()
		for i, want := range []time.Duration{changeWait, 0, 0} {
			name := fmt.Sprint("topic-", i)
			topics.put(name, 4)
			began := time.Now()
			r.Changed(name)
			if d := time.Since(began); d != want {
				t.Errorf("change %d took %v, %v expected", i, d, want)
			}
		}
		close(hold)
		synctest.Wait()
		if got := s.names.Topics(); len(got) != 5 {
			t.Errorf("it knows %v", got)
		}
		topics.put("late", 4)
		r.Changed("late")
		if got := s.names.Topics(); len(got) != 6 {
			t.Error("it isn't waited for any more")
		}
	})
}

func TestANameServerIsAskedFirstIfThatIsChosen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, topics, _ := registered(t, RegistrarOptions{Ask: true, Period: 10 * time.Second})
		wantCodes(t, "first", s, register103)
		time.Sleep(10 * time.Second)
		wantCodes(t, "nothing changed", s, query322)
		topics.put("new", 4)
		time.Sleep(10 * time.Second)
		wantCodes(t, "something changed", s, query322, register103)
		// Another process has taken the place and left it.
		rival := brokerA
		rival.Addr = "rival:1"
		register(t, s.names, rival, &Registration{Topics: []*meta.TopicConfig{topics.Get("new"), topics.Get("orders")}, Version: topics.Version()})
		s.names.Unregister(rival)
		time.Sleep(10 * time.Second)
		wantCodes(t, "the place was lost", s, query322, register103)
		if got := s.names.Topics(); len(got) != 3 {
			t.Errorf("it knows %v", got)
		}
	})
}

func TestNameServersMayChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNetwork(t)
		one, two := w.start("one:1"), w.start("two:1")
		r, _ := w.registrar(RegistrarOptions{Addrs: []string{"one:1"}})
		r.Start(brokerA, newTable("orders", "other"))
		r.SetAddrs([]string{"two:1"})
		synctest.Wait()
		if a, b := len(one.names.Topics()), len(two.names.Topics()); a != 0 || b != 2 {
			t.Errorf("the former name server knows %d topics, the new one %d", a, b)
		}
		r.Close()
		r.SetAddrs([]string{"one:1"}) // too late
	})
}

func TestALargeRegistrationGoesOutCompressed(t *testing.T) {
	names := make([]string, 10000)
	for i := range names {
		names[i] = fmt.Sprintf("topic-%d", i)
	}
	reg := topics(4, names...)
	plain, err := reg.encode(false)
	must(t, err)
	if len(plain) < compressFrom {
		t.Fatalf("%d bytes aren't large", len(plain))
	}
	req, err := brokerA.registration(reg, false)
	must(t, err)
	if len(req.Body) > len(plain)/4 || req.Fields.Str("compressed") != "true" {
		t.Errorf("%d bytes went out for %d, compressed=%s", len(req.Body), len(plain), req.Fields.Str("compressed"))
	}
	if got, err := decodeRegistration(req.Body, remoting.Version55); err != nil || len(got.Topics) != len(names) {
		t.Errorf("%v", err)
	}
}

func TestABrokerInTheProcessIsRegisteredWithoutAWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNamesrv(t, Options{})
		topics := newTable("orders", "other")
		l := NewLocal(n, 30*time.Second)
		l.Start(brokerA, topics)
		topics.put("new", 7)
		l.Changed("new")
		if rt := route(t, n, "new"); rt.Queues[0].Read != 7 {
			t.Errorf("route %+v", rt)
		}
		topics.delete("new")
		l.Changed("new")
		if got := n.Topics(); !slices.Equal(got, []string{"orders", "other"}) {
			t.Errorf("after a deletion there are %v", got)
		}
		n.DeleteTopic("orders", "")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		n.Expire()
		if got := n.Topics(); len(got) != 2 {
			t.Errorf("a period later there are %v", got)
		}
		l.Close()
		if got := n.Topics(); len(got) != 0 {
			t.Errorf("after the end there are %v", got)
		}
	})
}

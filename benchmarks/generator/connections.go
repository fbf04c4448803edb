package generator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

const codeHeartbeat = 34

// idling holds connections on which nothing happens. One goroutine does everything, with one buffer, so that 10,000
// connections cost this process little.
type idling struct {
	*run
	wire    *wire // for one connection after the other
	conns   []net.Conn
	latency *hdrhistogram.Histogram
	rep     *Report
}

func runConnections(ctx context.Context, r *run) (*Report, error) {
	i := &idling{run: r, wire: &wire{in: make([]byte, 4<<10)}, latency: measure.NewHistogram(), rep: r.newReport()}
	i.rep.InFlight = 0
	i.rep.Idle = &IdleReport{}
	defer func() {
		for _, c := range i.conns {
			c.Close()
		}
	}()
	return i.rep, i.drive(ctx)
}

func (i *idling) drive(ctx context.Context) error {
	o, rep := &i.options, i.rep.Idle
	u := &measure.Usage{PID: o.PID}
	rep.RSSAnonBefore = u.RSSAnon()
	line := &progressLine{out: i.line, unit: "connections", count: func() int64 { return rep.Held }}
	defer line.clear()
	line.rest = func(_ int64, rate float64) string { return itemsLeft(int64(o.Connections)-rep.Held, rate) }
	for next := int64(progressInterval); rep.Held < int64(o.Connections) && ctx.Err() == nil; rep.Held++ {
		if err := i.connect(ctx, int(rep.Held)); err != nil {
			return fmt.Errorf("generator: connection %d of %d to %s: %w", rep.Held+1, o.Connections, o.Addr, err)
		}
		if now := i.now(); now > next {
			line.draw(now)
			next = now + int64(progressInterval)
		}
	}
	i.rep.Latency = i.rep.Keep("", i.latency)

	u.Begin()
	over := i.now() + int64(o.Duration)
	line.rest = func(now int64, _ float64) string { return timeLeft(time.Duration(over - now)) }
	i.wait(ctx, nil, o.Duration, line)
	u.End()
	i.rep.Use(u)
	i.rep.MessagesPerServerCPUSecond = nil // there were none
	rep.between(rep.RSSAnonBefore, u.RSSAnonBytes)
	return i.askAgain()
}

// connect opens a connection, and sees it answer, as a client that has sent its heartbeat.
func (i *idling) connect(ctx context.Context, number int) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", i.options.Addr)
	if errors.Is(err, syscall.EMFILE) {
		return fmt.Errorf("%w: raise this program's limit (ulimit -n)", err)
	}
	if err != nil {
		return err
	}
	i.conns = append(i.conns, c)
	began := i.now()
	if err := i.ask(c, number); err != nil {
		return fmt.Errorf("its request: %w (the broker may have reached its own limit of open files)", err)
	}
	measure.Record(i.latency, i.now()-began)
	return nil
}

func (i *idling) ask(c net.Conn, number int) error {
	i.wire.conn, i.wire.held, i.wire.rest = c, 0, nil
	a, err := i.wire.ask(heartbeatFrame(firstOpaque, number), i.options.AnswerTimeout)
	if err == nil && a.code != 0 {
		err = fmt.Errorf("answer code %d: %s", a.code, a.remark())
	}
	return err
}

// askAgain shows that the connections were not only open on this side.
func (i *idling) askAgain() error {
	var first error
	for n, c := range i.conns {
		if err := i.ask(c, n); err == nil {
			i.rep.Idle.Alive++
		} else if first == nil {
			first = fmt.Errorf("generator: connection %d was idle, then: %w", n+1, err)
		}
	}
	if dead := i.rep.Idle.Held - i.rep.Idle.Alive; dead > 0 {
		i.rep.Problems = append(i.rep.Problems, fmt.Sprintf("%d of %d connections no longer answered", dead, i.rep.Idle.Held))
	}
	return first
}

// heartbeatFrame says that the client of that number is a producer.
func heartbeatFrame(opaque int32, number int) []byte {
	b := appendHead(nil, codeHeartbeat)
	b = strconv.AppendInt(b, int64(opaque), 10)
	b = append(b, `,"flag":0,"remark":"","extFields":{}}`...)
	return closeFrame(b, fmt.Appendf(nil, `{"clientID":"127.0.0.1@bench-%d","consumerDataSet":[],"heartbeatFingerprint":0,`+
		`"producerDataSet":[{"groupName":"bench-producer"}],"withoutSub":false}`, number))
}

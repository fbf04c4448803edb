package handler_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Each look at the clock costs a second here: what comes later in a read has waited for what came before.
func TestRequestsThatWaitedTooLongInTheirReadAreTurnedAway(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) { c.SendWait, c.PullWait = 10*time.Second, 3500*time.Millisecond })
	var seconds atomic.Int64
	f.Handler.Now = func() time.Time { return time.Unix(seconds.Add(1), 0) }
	nc := dialRaw(t, f)
	const pulls = 20 // in one read, or two
	var all []byte
	for i := range pulls {
		all = append(all, frame(remoting.CodePullMessage, int32(i), 0, pullFields(0, subscription), nil)...)
	}
	if _, err := nc.Write(all); err != nil {
		t.Fatal(err)
	}
	for i := range pulls {
		a := readAnswer(t, nc)
		switch busy := strings.HasPrefix(a.Remark, "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: "); {
		case busy != (a.Code == remoting.RespSystemBusy):
			t.Errorf("pull %d: %+v", i, a)
		case i < 3 && busy, i == pulls-1 && !busy:
			t.Errorf("pull %d: %s", i, remoting.ResponseName(a.Code))
		}
	}
}

func TestASendIsTurnedAwayWithSystemBusyWhileTheLogIsStuck(t *testing.T) {
	var on atomic.Bool
	gate, reached := make(chan struct{}), make(chan struct{}, 100)
	disk := vfs.Fault(vfs.NewMem(), func(op vfs.Op) error {
		if on.Load() && op.Kind == vfs.OpWrite && strings.Contains(op.Name, "commitlog/") {
			reached <- struct{}{}
			<-gate
		}
		return nil
	})
	f := start(t, disk, func(c *config.Config) { c.AppendStall = time.Millisecond })
	on.Store(true)
	first, second := dialRaw(t, f), f.dial(t)
	if _, err := first.Write(frame(remoting.CodeSendMessageV2, 1, 0, sendFields("orders", 0), []byte("x"))); err != nil {
		t.Fatal(err)
	}
	<-reached
	time.Sleep(2 * time.Millisecond)
	r := second.fails(t, remoting.RespSystemBusy, remoting.CodeSendMessageV2, sendFields("orders", 0), []byte("x"))
	if !strings.HasPrefix(r.Remark, "[PC_SYNCHRONIZED]broker busy, start flow control for a while") {
		t.Errorf("remark %q", r.Remark)
	}
	second.call(t, remoting.CodePullMessage, pullFields(0, subscription), nil) // who reads doesn't suffer
	on.Store(false)
	close(gate)
	if a := readAnswer(t, first); a.Code != remoting.RespSuccess {
		t.Errorf("%+v", a)
	}
}

func TestLitePullsCanBeForbidden(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) { c.LitePull = false })
	c := f.dial(t)
	r := c.fails(t, remoting.RespNoPermission, remoting.CodeLitePullMessage, pullFields(0, subscription), nil)
	if r.Fields.Str("forbiddenType") != "1" {
		t.Errorf("fields %s", r.Fields)
	}
	c.fails(t, remoting.RespPullNotFound, remoting.CodePullMessage, pullFields(0, subscription), nil)
}

package handler

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gantry-mq/gantry/broker/stats"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// protocolVersion is the version of RocketMQ whose protocol this broker speaks, in the words of its tools.
const protocolVersion = "V5_5_0"

// runtimeInfo answers with a table of numbers about the broker, under the names that RocketMQ's tools know.
func (c *call) runtimeInfo() error {
	table := runtimeTable{}
	table.traffic(c.h)
	if err := table.log(c.h); err != nil {
		return err
	}
	table.delays(c.h)
	table.absent()
	return c.json(struct {
		Table runtimeTable `json:"table"`
	}{table})
}

type runtimeTable map[string]string

func (t runtimeTable) int(name string, n int64) { t[name] = strconv.FormatInt(n, 10) }

func (t runtimeTable) traffic(h *Handler) {
	s := &h.stats
	up := h.Now().Sub(s.began)
	t.int("bootTimestamp", s.began.UnixMilli())
	t["runtime"] = fmt.Sprintf("[ %d days, %d hours, %d minutes, %d seconds ]", up/(24*time.Hour), up/time.Hour%24, up/time.Minute%60, up/time.Second%60)
	t["brokerVersionDesc"] = protocolVersion
	t["brokerActive"] = "true"
	t["startAcceptSendRequestTimeStamp"] = "0"

	all := s.Put.Total()
	t.int("putMessageTimesTotal", all.Messages)
	t.int("putMessageSizeTotal", all.Bytes)
	t["putMessageAverageSize"] = fmt.Sprint(float64(all.Bytes) / float64(max(1, all.Messages)))
	t.int("putMessageFailedTimes", s.Refused.Load())
	t.int("putMessageEntireTimeMax", s.PutTime.Longest().Milliseconds())
	t["putMessageDistributeTime"] = s.PutTime.String()
	// Requests wait in no queue here but for their turn to append.
	waiting, stall := h.Produce.Backlog()
	t.int("sendThreadPoolQueueSize", int64(waiting))
	t.int("sendThreadPoolQueueHeadWaitTimeMills", stall.Milliseconds())
	t.int("pageCacheLockTimeMills", stall.Milliseconds())
	t["putLatency99"] = milliseconds(s.PutTime.Quantile(0.99))
	t["putLatency999"] = milliseconds(s.PutTime.Quantile(0.999))

	put, got := s.Totals()
	t.int("msgPutTotalYesterdayMorning", put.YesterdayMorning)
	t.int("msgPutTotalTodayMorning", put.TodayMorning)
	t.int("msgPutTotalTodayNow", put.Now)
	t.int("msgGetTotalYesterdayMorning", got.YesterdayMorning)
	t.int("msgGetTotalTodayMorning", got.TodayMorning)
	t.int("msgGetTotalTodayNow", got.Now)

	t["putTps"] = rates(s, func(o, _, _ stats.Over) float64 { return o.PerSecond(o.Messages) })
	t["getTransferredTps"] = rates(s, func(_, o, _ stats.Over) float64 { return o.PerSecond(o.Messages) })
	t["getFoundTps"] = rates(s, func(_, o, _ stats.Over) float64 { return o.PerSecond(o.Times) })
	t["getMissTps"] = rates(s, func(_, _, o stats.Over) float64 { return o.PerSecond(o.Times) })
	t["getTotalTps"] = rates(s, func(_, found, missed stats.Over) float64 { return found.PerSecond(found.Times + missed.Times) })
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond))
}

// rates are a rate over ten seconds, a minute and ten minutes.
func rates(s *Stats, of func(put, got, missed stats.Over) float64) string {
	at := func(w stats.Window) float64 { return of(s.Over(&s.Put, w), s.Over(&s.Got, w), s.Over(&s.Missed, w)) }
	return fmt.Sprintf("%v %v %v", at(stats.TenSeconds), at(stats.Minute), at(stats.TenMinutes))
}

func (t runtimeTable) log(h *Handler) error {
	log := h.Store.Log
	t.int("commitLogMinOffset", log.Min())
	t.int("commitLogMaxOffset", log.Max())
	t.int("dispatchBehindBytes", h.Store.DispatchBehind())
	t["remainHowManyDataToFlush"] = humanBytes(log.Max() - log.Flushed())
	t["earliestMessageTimeStamp"] = "-1"
	if log.Min() < log.Max() {
		b, err := log.Record(log.Min(), nil)
		if err != nil {
			return err
		}
		t.int("earliestMessageTimeStamp", record.StoreTimestamp(b))
	}
	usage, err := log.Usage()
	if err != nil {
		return err
	}
	dirs := h.Config.Load().LogDirs
	if len(dirs) == 0 {
		dirs = []string{filepath.Join(h.Config.Load().StoreDir, "commitlog")}
	}
	least := math.Inf(1)
	for i, u := range usage {
		t["commitLogDiskRatio_"+dirs[i]] = fmt.Sprint(u.Ratio())
		if i == 0 {
			t["commitLogDirCapacity"] = fmt.Sprintf("Total : %s, Free : %s.", humanBytes(u.Used+u.Available), humanBytes(u.Available))
			t["consumeQueueDiskRatio"] = fmt.Sprint(u.Ratio())
		}
		least = min(least, u.Ratio())
	}
	t["commitLogDiskRatio"] = fmt.Sprint(least)
	return nil
}

// delays says how far the delivery of each delay level is, and where its queue ends.
func (t runtimeTable) delays(h *Handler) {
	if h.Delays == nil {
		return
	}
	levels, _ := h.Delays()
	for _, l := range levels {
		t[fmt.Sprintf("scheduleMessageOffset_%d", l.Level)] = fmt.Sprintf("%d,%d", l.Offset, l.Next)
	}
}

// absent says of what this broker doesn't have that there is none of it: tools print it, and some expect a number.
func (t runtimeTable) absent() {
	for _, queue := range []string{"pull", "litePull", "query", "ack"} {
		t[queue+"ThreadPoolQueueSize"] = "0"
		t[queue+"ThreadPoolQueueCapacity"] = "0"
		t[queue+"ThreadPoolQueueHeadWaitTimeMills"] = "0"
	}
	for _, name := range []string{
		"EndTransactionQueueSize", "EndTransactionThreadPoolQueueCapacity", "sendThreadPoolQueueCapacity", "dispatchMaxBuffer", "getMessageEntireTimeMax",
		"timerReadBehind", "timerOffsetBehind", "timerCongestNum",
	} {
		t[name] = "0"
	}
	t["timerEnqueueTps"], t["timerDequeueTps"] = "0.0", "0.0"
	t.int("remainTransientStoreBufferNumbs", math.MaxInt32)
}

// humanBytes is a number of bytes as people read it: 1.5 GiB.
func humanBytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), -1
	for ; f >= 1024; f /= 1024 {
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTPE"[unit])
}

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-mq/gantry/broker/admin"
)

func clusterVerbs() []verb {
	return []verb{{
		mqadmin: "clusterList", friendly: "cluster list", args: []string{"clusterName"},
		short:    "List clusters and their brokers, with what they do",
		examples: []string{"cluster list", "clusterList -m", "cluster list DefaultCluster -i 5"},
		define:   clusterList,
	}}
}

func clusterList(f *verbFlags) action {
	cluster := f.cluster("clusterName", "only this cluster")
	more := f.BoolP("moreStats", "m", false, "messages of today and yesterday instead of rates")
	interval := f.IntP("interval", "i", 0, "again and again, after so many seconds")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		list, err := c.ClusterList(ctx, *cluster)
		if list == nil {
			return result{}, err
		}
		show := clusterRates
		if *more {
			show = clusterTotals
		}
		return result{value: map[string]any{"brokers": list}, table: func(t *table) { show(t, list, time.Now()) }, again: time.Duration(*interval) * time.Second}, err
	}
}

// clusterRates shows what brokers do now.
func clusterRates(t *table, list []admin.BrokerTable, now time.Time) {
	t.row("CLUSTER", "BROKER", "ID", "ADDRESS", "VERSION", "IN/s", "OUT/s", "HOURS KEPT", "DISK", "ACTIVE")
	for _, b := range list {
		if b.Values == nil {
			t.row(b.Cluster, b.Name, b.ID, b.Addr, "no answer", "-", "-", "-", "-", "-")
			continue
		}
		v := b.Values
		t.row(b.Cluster, b.Name, b.ID, b.Addr, dash(v["brokerVersionDesc"]), rate(v["putTps"]), rate(v["getTransferredTps"]),
			hoursSince(v["earliestMessageTimeStamp"], now), percent(v["commitLogDiskRatio"]), dash(v["brokerActive"]))
	}
}

// clusterTotals shows how many messages came and went.
func clusterTotals(t *table, list []admin.BrokerTable, _ time.Time) {
	t.row("CLUSTER", "BROKER", "ID", "IN YESTERDAY", "OUT YESTERDAY", "IN TODAY", "OUT TODAY")
	for _, b := range list {
		between := func(from, to string) string { return difference(b.Values[from], b.Values[to]) }
		t.row(b.Cluster, b.Name, b.ID,
			between("msgPutTotalYesterdayMorning", "msgPutTotalTodayMorning"), between("msgGetTotalYesterdayMorning", "msgGetTotalTodayMorning"),
			between("msgPutTotalTodayMorning", "msgPutTotalTodayNow"), between("msgGetTotalTodayMorning", "msgGetTotalTodayNow"))
	}
}

// rate is the first of the averages over 10 s, 1 min and 10 min that a broker gives.
func rate(averages string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(averages), " ")
	n, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", n)
}

func hoursSince(ms string, now time.Time) string {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || n <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", now.Sub(time.UnixMilli(n)).Hours())
}

func percent(ratio string) string {
	n, err := strconv.ParseFloat(ratio, 64)
	if err != nil || n < 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", n*100)
}

func difference(from, to string) string {
	a, errA := strconv.ParseInt(from, 10, 64)
	b, errB := strconv.ParseInt(to, 10, 64)
	if errA != nil || errB != nil {
		return "-"
	}
	return strconv.FormatInt(b-a, 10)
}

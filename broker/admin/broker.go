package admin

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// BrokerTable is a broker with values by name: what it measures, or its configuration.
type BrokerTable struct {
	Broker
	Values map[string]string `json:"values"`
}

// BrokerStatus asks each broker of a target what it is doing: the names are the peer's, such as putTps, msgPutTotalTodayNow and brokerVersionDesc.
func (c *Client) BrokerStatus(ctx context.Context, t Target) ([]BrokerTable, error) {
	return c.tables(ctx, t, c.runtime)
}

// BrokerConfig asks each broker of a target for its configuration.
func (c *Client) BrokerConfig(ctx context.Context, t Target) ([]BrokerTable, error) {
	return c.tables(ctx, t, func(ctx context.Context, addr string) (map[string]string, error) {
		answer, err := c.ask(ctx, addr, &remoting.Request{Code: remoting.CodeGetBrokerConfig})
		if err != nil {
			return nil, err
		}
		return parseConfig(answer.Body), nil
	})
}

func (c *Client) runtime(ctx context.Context, addr string) (map[string]string, error) {
	var answer struct {
		Table map[string]string `json:"table"`
	}
	err := c.fetch(ctx, addr, &remoting.Request{Code: remoting.CodeGetBrokerRuntimeInfo}, &answer)
	return answer.Table, err
}

// tables asks every broker of a target; those that don't answer are left out.
func (c *Client) tables(ctx context.Context, t Target, ask func(context.Context, string) (map[string]string, error)) ([]BrokerTable, error) {
	brokers, err := c.Brokers(ctx, t)
	if err != nil {
		return nil, err
	}
	values := make([]map[string]string, len(brokers))
	err = each(brokers, func(i int, b Broker) (err error) {
		values[i], err = ask(ctx, b.Addr)
		return err
	})
	tables := []BrokerTable{}
	for i, b := range brokers {
		if values[i] != nil {
			tables = append(tables, BrokerTable{b, values[i]})
		}
	}
	return tables, err
}

// parseConfig reads a broker's answer: a line per key, and nothing in it is escaped.
func parseConfig(body []byte) map[string]string {
	values := map[string]string{}
	for line := range bytes.Lines(body) {
		if key, value, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), "="); ok {
			values[key] = value
		}
	}
	return values
}

// SetBrokerConfig changes one key of the configuration of a target's brokers and returns the brokers that have done so.
func (c *Client) SetBrokerConfig(ctx context.Context, t Target, key, value string) ([]Broker, error) {
	if key == "" || strings.ContainsAny(key, "=:#!\\ \t\r\n") {
		return nil, badInput("%q can't be the name of a key", key)
	}
	brokers, err := c.Brokers(ctx, t)
	if err != nil {
		return nil, err
	}
	return c.tell(ctx, brokers, &remoting.Request{Code: remoting.CodeUpdateBrokerConfig, Body: []byte(key + "=" + escape(value) + "\n")})
}

// escape writes a value as Java's properties files have it: unlike a broker's answer, what it takes is read as one of these.
func escape(value string) string {
	value = strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\r", "\\r", "\t", "\\t", "\f", "\\f").Replace(value)
	if strings.HasPrefix(value, " ") {
		value = "\\" + value
	}
	return value
}

// ClusterList asks all brokers of a cluster, or of all clusters with cluster empty, what they are doing. One that doesn't answer is in the list as
// well, without values, and the error says why.
func (c *Client) ClusterList(ctx context.Context, cluster string) ([]BrokerTable, error) {
	info, err := c.clusterInfo(ctx)
	if err != nil {
		return nil, err
	}
	if cluster != "" && info.Clusters[cluster] == nil {
		return nil, info.noCluster(cluster)
	}
	list := []BrokerTable{}
	for _, name := range slices.Sorted(maps.Keys(info.Clusters)) {
		if cluster == "" || cluster == name {
			for _, b := range info.members(name, true) {
				list = append(list, BrokerTable{Broker: b})
			}
		}
	}
	return list, each(list, func(i int, b BrokerTable) (err error) {
		list[i].Values, err = c.runtime(ctx, b.Addr)
		return err
	})
}

// Command tour is the tour of the README: it creates a topic, sends ten messages and consumes them.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

func main() {
	namesrv := flag.String("namesrv", "127.0.0.1:9876", "address of the name server")
	broker := flag.String("broker", "127.0.0.1:10911", "address of the broker")
	flag.Parse()
	rlog.SetLogLevel("error")
	ctx, names := context.Background(), primitive.NamesrvAddr{*namesrv}

	a, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver(names)))
	check(err)
	check(a.CreateTopic(ctx, admin.WithTopicCreate("tour"), admin.WithBrokerAddrCreate(*broker)))

	got := make(chan string, 100)
	c, err := rocketmq.NewPushConsumer(consumer.WithNameServer(names), consumer.WithGroupName("tourists"))
	check(err)
	check(c.Subscribe("tour", consumer.MessageSelector{}, func(_ context.Context, ms ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, m := range ms {
			got <- fmt.Sprintf("got %s from queue %d, offset %d", m.Body, m.Queue.QueueId, m.QueueOffset)
		}
		return consumer.ConsumeSuccess, nil
	}))
	check(c.Start())

	p, err := rocketmq.NewProducer(producer.WithNameServer(names), producer.WithGroupName("guides"))
	check(err)
	check(p.Start())
	for i := range 10 {
		r, err := p.SendSync(ctx, primitive.NewMessage("tour", fmt.Appendf(nil, "postcard %d", i)))
		check(err)
		fmt.Printf("sent postcard %d to queue %d, offset %d\n", i, r.MessageQueue.QueueId, r.QueueOffset)
	}
	for range 10 {
		fmt.Println(<-got)
	}
	check(p.Shutdown())
	check(c.Shutdown())
	check(a.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

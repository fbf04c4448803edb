package cases;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * What one case works with: clients that are told not to wait long for anything, and are shut down when the case ends. Topics and groups are
 * named after the case. Bodies are numbers in decimal.
 */
final class Stage implements AutoCloseable {
    /** How long an answer is waited for. The machine may be busy. */
    private static final int PATIENCE_MILLIS = 15_000;
    private static final AtomicInteger CLIENTS = new AtomicInteger();

    final Place place;
    final String name;
    private final Deque<Runnable> endings = new ArrayDeque<>();
    private DefaultMQProducer producer;
    private DefaultMQAdminExt admin;

    Stage(Place place, String name) {
        this.place = place;
        this.name = name;
    }

    /** A topic with as many queues. */
    String topic(int queues) throws Exception {
        return topic(name, queues, queues, 6);
    }

    String topic(String topic, int readQueues, int writeQueues, int permission) throws Exception {
        admin().createAndUpdateTopicConfig(place.broker(), new TopicConfig(topic, readQueues, writeQueues, permission));
        return topic;
    }

    MessageQueue queue(String topic, int id) {
        return new MessageQueue(topic, place.brokerName(), id);
    }

    /** A client of its own: nothing is shared with others in this process. */
    <C extends ClientConfig> C set(C client) {
        client.setNamesrvAddr(place.namesrv());
        client.setInstanceName(name + "-" + CLIENTS.incrementAndGet());
        client.setPollNameServerInterval(500);
        client.setHeartbeatBrokerInterval(1000);
        client.setPersistConsumerOffsetInterval(200);
        client.setMqClientApiTimeout(PATIENCE_MILLIS);
        return client;
    }

    /** The case's producer, started. */
    DefaultMQProducer producer() throws Exception {
        if (producer == null) {
            producer = set(new DefaultMQProducer(name + "-producer"));
            start(producer);
        }
        return producer;
    }

    void start(DefaultMQProducer p) throws Exception {
        p.setSendMsgTimeout(PATIENCE_MILLIS);
        p.start();
        endings.push(p::shutdown);
    }

    DefaultMQAdminExt admin() throws Exception {
        if (admin == null) {
            admin = set(new DefaultMQAdminExt());
            admin.setAdminExtGroup(name + "-admin");
            admin.start();
            endings.push(admin::shutdown);
        }
        return admin;
    }

    /** A push consumer that isn't started, of a group that begins with the first message. */
    DefaultMQPushConsumer push(String group) {
        DefaultMQPushConsumer c = set(new DefaultMQPushConsumer(group));
        c.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        c.setConsumeThreadMin(2);
        c.setConsumeThreadMax(2);
        return c;
    }

    /** Starts a consumer that accepts what it sees. */
    Seen start(DefaultMQPushConsumer c, String topic, String tags) throws Exception {
        Seen seen = new Seen();
        c.registerMessageListener((List<org.apache.rocketmq.common.message.MessageExt> batch,
            org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext context) -> {
            batch.forEach(seen::add);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        c.subscribe(topic, tags);
        start(c);
        return seen;
    }

    void start(DefaultMQPushConsumer c) throws Exception {
        c.start();
        endings.push(c::shutdown);
    }

    /** Stops a consumer that commits all it has seen: what its listener has just returned is noted a moment later. */
    void stop(DefaultMQPushConsumer c) throws Exception {
        Thread.sleep(500);
        c.shutdown();
    }

    DefaultMQPullConsumer pull(String group) throws Exception {
        DefaultMQPullConsumer c = set(new DefaultMQPullConsumer(group));
        c.start();
        endings.push(c::shutdown);
        return c;
    }

    /** The offset that a group has committed to the server, by a member that is there only to ask. */
    long committed(String group, MessageQueue queue) throws Exception {
        DefaultMQPullConsumer c = set(new DefaultMQPullConsumer(group));
        c.start();
        try {
            return c.fetchConsumeOffset(queue, true);
        } finally {
            c.shutdown();
        }
    }

    /** A lite-pull consumer that isn't started. */
    DefaultLitePullConsumer lite(String group) {
        DefaultLitePullConsumer c = set(new DefaultLitePullConsumer(group));
        c.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        c.setAutoCommitIntervalMillis(1000);
        c.setTopicMetadataCheckIntervalMillis(500);
        return c;
    }

    void start(DefaultLitePullConsumer c) throws Exception {
        c.start();
        endings.push(c::shutdown);
    }

    static Message message(String topic, int number) {
        return new Message(topic, Integer.toString(number).getBytes(StandardCharsets.UTF_8));
    }

    /** Sends the numbers first … first+count-1 in turn to the topic's queues, whatever the client's own choice would be. */
    void send(String topic, int queues, int first, int count) throws Exception {
        for (int i = first; i < first + count; i++) {
            send(message(topic, i), i % queues);
        }
    }

    SendResult send(Message m, int queue) throws Exception {
        SendResult r = producer().send(m, queue(m.getTopic(), queue));
        Check.equal("status of a send", r.getSendStatus(), SendStatus.SEND_OK);
        return r;
    }

    /** Does something when the case ends, before what was asked for earlier. */
    void atEnd(Runnable ending) {
        endings.push(ending);
    }

    @Override
    public void close() {
        endings.forEach(Runnable::run);
    }
}

package cases;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientIDSetter;
import org.apache.rocketmq.common.message.MessageExt;

/** The ways of sending. */
final class Sending {
    private Sending() {
    }

    static void cases(Suite suite) {
        suite.add("SendSync", Sending::sync);
        suite.add("SendAsync", Sending::async);
        suite.add("SendOneway", Sending::oneway);
        suite.add("SendBatch", Sending::batch);
        suite.add("SendCompressed", Sending::compressed);
        suite.add("SendTooLarge", Sending::tooLarge);
        suite.add("SendToSelectedQueue", Sending::selectedQueue);
        suite.add("SendCreatesTheTopic", Sending::createsTheTopic);
        suite.add("SendInNamespace", Sending::namespace);
        suite.add("SendWithTrace", Sending::trace);
    }

    private static void sync(Stage stage) throws Exception {
        String topic = stage.topic(4);
        List<SendResult> results = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Message m = Stage.message(topic, i);
            m.setTags("tag" + i % 3);
            m.setKeys(Arrays.asList("k" + i, "all"));
            m.putUserProperty("color", "grün \u4e2d " + i);
            m.setFlag(i);
            results.add(stage.producer().send(m));
        }
        Seen seen = stage.start(stage.push(stage.name), topic, "*");
        seen.awaitOnce(0, 100);
        for (MessageExt m : seen.all()) {
            int i = Seen.number(m);
            SendResult r = results.get(i);
            Check.equal("status", r.getSendStatus(), SendStatus.SEND_OK);
            Check.equal("unique key", m.getMsgId(), r.getMsgId());
            Check.equal("queue", m.getQueueId(), r.getMessageQueue().getQueueId());
            Check.equal("queue offset", m.getQueueOffset(), r.getQueueOffset());
            Check.equal("tag", m.getTags(), "tag" + i % 3);
            Check.equal("keys", m.getKeys(), "k" + i + " all");
            Check.equal("property", m.getUserProperty("color"), "grün \u4e2d " + i);
            Check.equal("flag", m.getFlag(), i);
            Check.equal("reconsume times", m.getReconsumeTimes(), 0);
            Check.equal("broker", m.getBrokerName(), stage.place.brokerName());
            Check.that("store time", Math.abs(m.getStoreTimestamp() - System.currentTimeMillis()) < 60_000);
        }
    }

    private static void async(Stage stage) throws Exception {
        String topic = stage.topic(4);
        List<CompletableFuture<SendResult>> sends = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            CompletableFuture<SendResult> done = new CompletableFuture<>();
            sends.add(done);
            stage.producer().send(Stage.message(topic, i), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    done.complete(result);
                }

                @Override
                public void onException(Throwable e) {
                    done.completeExceptionally(e);
                }
            });
        }
        for (CompletableFuture<SendResult> send : sends) {
            Check.equal("status", send.get(10, TimeUnit.SECONDS).getSendStatus(), SendStatus.SEND_OK);
        }
        stage.start(stage.push(stage.name), topic, "*").awaitOnce(0, 200);
    }

    private static void oneway(Stage stage) throws Exception {
        String topic = stage.topic(4);
        for (int i = 0; i < 100; i++) {
            stage.producer().sendOneway(Stage.message(topic, i));
        }
        stage.start(stage.push(stage.name), topic, "*").awaitOnce(0, 100);
    }

    private static void batch(Stage stage) throws Exception {
        String topic = stage.topic(4);
        List<Message> batch = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            Message m = Stage.message(topic, i);
            m.setTags(i % 2 == 0 ? "even" : "odd");
            m.setKeys("k" + i);
            batch.add(m);
        }
        SendResult r = stage.producer().send(batch);
        Check.equal("status", r.getSendStatus(), SendStatus.SEND_OK);
        String[] ids = r.getMsgId().split(",");
        Check.equal("unique keys", ids.length, 50);
        Check.equal("offset ids", r.getOffsetMsgId().split(",").length, 50);
        Seen seen = stage.start(stage.push(stage.name), topic, "odd || even");
        seen.awaitOnce(0, 50);
        for (MessageExt m : seen.all()) {
            int i = Seen.number(m);
            Check.equal("unique key", m.getMsgId(), ids[i]);
            Check.equal("tag", m.getTags(), i % 2 == 0 ? "even" : "odd");
            Check.equal("queue offset", m.getQueueOffset(), r.getQueueOffset() + i);
            Check.equal("queue", m.getQueueId(), r.getMessageQueue().getQueueId());
        }
        Seen odd = stage.start(stage.push(stage.name + "-odd"), topic, "odd");
        odd.await(25);
        Check.that("messages of another tag", odd.all().stream().allMatch(m -> m.getTags().equals("odd")));
    }

    private static void compressed(Stage stage) throws Exception {
        String topic = stage.topic(1);
        byte[] text = "the same again, ".repeat(10_000).getBytes("UTF-8");
        byte[] noise = new byte[3 << 20];
        new Random(1).nextBytes(noise);
        stage.send(new Message(topic, "text", text), 0);
        stage.send(new Message(topic, "noise", noise), 0);
        List<MessageExt> got = stage.start(stage.push(stage.name), topic, "*").await(2);
        for (MessageExt m : got) {
            Check.that("body of " + m.getTags(), Arrays.equals(m.getBody(), m.getTags().equals("text") ? text : noise));
            if (m.getTags().equals("text")) {
                Check.that("bytes stored: " + m.getStoreSize(), m.getStoreSize() < text.length / 10);
            }
        }
    }

    private static void tooLarge(Stage stage) throws Exception {
        String topic = stage.topic(1);
        DefaultMQProducer p = stage.producer();
        p.setMaxMessageSize(16 << 20);
        p.setCompressMsgBodyOverHowmuch(32 << 20);
        Exception e = Check.fails("a message of 5 MiB", () -> p.send(new Message(topic, new byte[5 << 20]), stage.queue(topic, 0)));
        Check.that("answered with " + e, e instanceof MQBrokerException b && b.getResponseCode() == 13);
        stage.send(Stage.message(topic, 0), 0); // on the same connection
        stage.start(stage.push(stage.name), topic, "*").awaitOnce(0, 1);
    }

    private static void selectedQueue(Stage stage) throws Exception {
        String topic = stage.topic(8);
        for (int i = 0; i < 80; i++) {
            SendResult r = stage.producer().send(Stage.message(topic, i), (queues, m, number) -> queues.stream()
                .filter(q -> q.getQueueId() == (Integer) number % queues.size()).findFirst().orElseThrow(), i);
            Check.equal("queue of message " + i, r.getMessageQueue().getQueueId(), i % 8);
            Check.equal("queue offset of message " + i, r.getQueueOffset(), (long) (i / 8));
        }
    }

    private static void createsTheTopic(Stage stage) throws Exception {
        String topic = stage.name + "-unknown";
        Set<Integer> queues = new HashSet<>();
        for (int i = 0; i < 16; i++) {
            queues.add(stage.producer().send(Stage.message(topic, i)).getMessageQueue().getQueueId());
        }
        Check.equal("queues used", queues.size(), stage.producer().getDefaultTopicQueueNums());
        stage.start(stage.push(stage.name), topic, "*").awaitOnce(0, 16);
    }

    private static void namespace(Stage stage) throws Exception {
        stage.topic("blue%" + stage.name, 4, 4, 6);
        stage.topic("green%" + stage.name, 4, 4, 6);
        for (String space : List.of("blue", "green")) {
            DefaultMQProducer p = stage.set(new DefaultMQProducer(stage.name));
            p.setNamespace(space);
            stage.start(p);
            for (int i = 0; i < 20; i++) {
                p.send(new Message(stage.name, space, Integer.toString(i).getBytes("UTF-8")));
            }
            var c = stage.push(stage.name);
            c.setNamespace(space);
            Seen seen = stage.start(c, stage.name, "*");
            seen.awaitOnce(0, 20);
            for (MessageExt m : seen.all()) {
                Check.equal("topic", m.getTopic(), stage.name);
                Check.equal("tag", m.getTags(), space);
            }
        }
    }

    private static void trace(Stage stage) throws Exception {
        String topic = stage.topic(4);
        DefaultMQProducer p = stage.set(new DefaultMQProducer(stage.name, null, true, null));
        stage.start(p);
        Message m = Stage.message(topic, 1);
        p.send(m);
        String id = MessageClientIDSetter.getUniqID(m);
        Check.eventually("a trace under the message's key", () -> {
            var found = stage.admin().queryMessage("RMQ_SYS_TRACE_TOPIC", id, 32, 0, Long.MAX_VALUE).getMessageList();
            return new String(found.get(0).getBody(), "UTF-8").contains(id);
        });
    }
}

package cases;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.message.MessageExt;

/** Push consumers that take the messages of a queue one after the other, under a lock that the server gives. */
final class Ordering {
    private Ordering() {
    }

    static void cases(Suite suite) {
        suite.add("OrderlyKeepsOrder", Ordering::keepsOrder);
        suite.add("OrderlySuspends", Ordering::suspends);
        suite.add("OrderlyKeepsOrderWhileMembersChange", Ordering::membersChange);
        suite.add("OrderlyLosesItsLock", Ordering::losesItsLock);
        suite.add("OrderlyGivesUpAfterTheLastTry", Ordering::givesUp);
    }

    private static Seen start(Stage stage, DefaultMQPushConsumer c, String topic) throws Exception {
        Seen seen = new Seen();
        c.registerMessageListener((MessageListenerOrderly) (batch, context) -> {
            batch.forEach(seen::add);
            return ConsumeOrderlyStatus.SUCCESS;
        });
        c.subscribe(topic, "*");
        stage.start(c);
        return seen;
    }

    private static void keepsOrder(Stage stage) throws Exception {
        String topic = stage.topic(4);
        stage.send(topic, 4, 0, 200);
        DefaultMQPushConsumer c = stage.push(stage.name);
        c.setConsumeThreadMin(8);
        c.setConsumeThreadMax(8);
        Seen seen = start(stage, c, topic);
        seen.await(200);
        stage.send(topic, 4, 200, 100);
        seen.awaitOnce(0, 300);
        seen.checkOrder();
    }

    /** A queue waits for a message that is refused, the others don't. */
    private static void suspends(Stage stage) throws Exception {
        String topic = stage.topic(4);
        stage.send(topic, 4, 0, 80);
        DefaultMQPushConsumer c = stage.push(stage.name);
        c.setSuspendCurrentQueueTimeMillis(200);
        Seen seen = new Seen();
        AtomicInteger refusals = new AtomicInteger();
        c.registerMessageListener((MessageListenerOrderly) (batch, context) -> {
            batch.forEach(seen::add);
            return Seen.number(batch.get(0)) == 42 && refusals.incrementAndGet() <= 3
                ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
        });
        c.subscribe(topic, "*");
        stage.start(c);
        seen.await(83);
        seen.checkOrder();
        Check.equal("tries of the refused one", seen.all().stream().filter(m -> Seen.number(m) == 42).count(), 4L);
        Check.equal("messages", seen.distinct(), 80);
    }

    /** Several members come and go while messages flow: a message may come again, but never before an earlier one has come. */
    private static void membersChange(Stage stage) throws Exception {
        String topic = stage.topic(8);
        Map<Integer, Long> newest = new ConcurrentHashMap<>();
        Seen all = new Seen();
        AtomicInteger inverted = new AtomicInteger();
        MessageListenerOrderly listener = (batch, context) -> {
            for (MessageExt m : batch) {
                newest.merge(m.getQueueId(), m.getQueueOffset(), (before, now) -> {
                    if (now > before + 1) {
                        inverted.incrementAndGet();
                    }
                    return Math.max(before, now);
                });
                all.add(m);
            }
            return ConsumeOrderlyStatus.SUCCESS;
        };
        int sent = 0;
        for (int round = 0; round < 3; round++) {
            DefaultMQPushConsumer[] members = new DefaultMQPushConsumer[2];
            for (int i = 0; i < members.length; i++) {
                members[i] = stage.push(stage.name);
                members[i].registerMessageListener(listener);
                members[i].subscribe(topic, "*");
                stage.start(members[i]);
                stage.send(topic, 8, sent, 80);
                sent += 80;
                Thread.sleep(300);
            }
            if (round < 2) {
                for (DefaultMQPushConsumer member : members) {
                    member.shutdown();
                    stage.send(topic, 8, sent, 80);
                    sent += 80;
                }
            }
        }
        int total = sent;
        all.await(total + " numbers", seen -> all.distinct() == total);
        Check.equal("messages before an earlier one", inverted.get(), 0);
    }

    /** A lock that the server takes away comes back with the client's next round, and nothing is lost or out of order meanwhile. */
    private static void losesItsLock(Stage stage) throws Exception {
        String topic = stage.topic(2);
        DefaultMQPushConsumer c = stage.push(stage.name);
        Seen seen = start(stage, c, topic);
        stage.send(topic, 2, 0, 20);
        seen.awaitOnce(0, 20);
        c.getDefaultMQPushConsumerImpl().getRebalanceImpl().unlockAll(false);
        stage.send(topic, 2, 20, 20);
        c.getDefaultMQPushConsumerImpl().getRebalanceImpl().lockAll();
        seen.awaitOnce(0, 40);
        seen.checkOrder();
    }

    /** The client sends a message that fails too often to the retry topic; the server makes a dead letter of it. */
    private static void givesUp(Stage stage) throws Exception {
        String topic = stage.topic(1);
        stage.send(topic, 1, 0, 3);
        DefaultMQPushConsumer c = stage.push(stage.name);
        c.setSuspendCurrentQueueTimeMillis(100);
        c.setMaxReconsumeTimes(2);
        Seen seen = new Seen();
        c.registerMessageListener((MessageListenerOrderly) (batch, context) -> {
            batch.forEach(seen::add);
            return Seen.number(batch.get(0)) == 1 ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
        });
        c.subscribe(topic, "*");
        stage.start(c);
        seen.await("message after the one that fails", all -> seen.numbers().contains(2));
        Check.equal("tries", seen.all().stream().filter(m -> Seen.number(m) == 1).count(), 3L);
        MessageExt dead = Retrying.deadLetter(stage, stage.name);
        Check.equal("dead letter", Seen.number(dead), 1);
    }
}

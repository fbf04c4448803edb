package cases;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;

/** Push consumers that take messages of a queue several at a time. */
final class Pushing {
    private Pushing() {
    }

    static void cases(Suite suite) {
        suite.add("PushConcurrently", Pushing::concurrently);
        suite.add("PushWaitsForMessages", Pushing::waits);
        suite.add("PushWithTags", Pushing::tags);
        suite.add("PushWithOtherTagsLater", Pushing::otherTags);
        suite.add("PushSharesQueuesAndTakesOver", Pushing::shares);
        suite.add("PushBroadcasting", Pushing::broadcasting);
        suite.add("PushSuspendAndResume", Pushing::suspend);
        suite.add("PushTopicCreatedLater", Pushing::topicCreatedLater);
        if (Moved.has(DefaultMQPushConsumer.class, "setUseHeartbeatV2")) {
            suite.add("PushWithHeartbeatV2", Pushing::heartbeatV2);
        }
        suite.add("PushOverTLS", Pushing::tls);
    }

    private static void concurrently(Stage stage) throws Exception {
        String topic = stage.topic(4);
        stage.send(topic, 4, 0, 300);
        DefaultMQPushConsumer c = stage.push(stage.name);
        c.setConsumeThreadMin(8);
        c.setConsumeThreadMax(8);
        c.setConsumeMessageBatchMaxSize(10);
        c.setPullBatchSize(64);
        Seen seen = stage.start(c, topic, "*");
        seen.await(300);
        stage.send(topic, 4, 300, 100);
        seen.awaitOnce(0, 400);
    }

    /** A message doesn't wait for the consumer's next pull. */
    private static void waits(Stage stage) throws Exception {
        String topic = stage.topic(1);
        Seen seen = stage.start(stage.push(stage.name), topic, "*");
        stage.send(topic, 1, 0, 1);
        seen.await(1);
        for (int i = 1; i <= 5; i++) {
            Thread.sleep(200); // so that the pull is held by the server
            long began = System.nanoTime();
            stage.send(topic, 1, i, 1);
            seen.await(i + 1);
            long millis = (System.nanoTime() - began) / 1_000_000;
            Check.that("message " + i + " took " + millis + " ms", millis < 1000);
        }
    }

    private static void tags(Stage stage) throws Exception {
        String topic = stage.topic(4);
        Seen seen = stage.start(stage.push(stage.name), topic, "a || c");
        for (int i = 0; i < 90; i++) {
            var m = Stage.message(topic, i);
            m.setTags(List.of("a", "b", "c").get(i % 3));
            stage.send(m, i % 4);
        }
        seen.await(60);
        Thread.sleep(200);
        Check.equal("messages", seen.count(), 60);
        Check.that("messages of tag b", seen.all().stream().noneMatch(m -> m.getTags().equals("b")));
    }

    /** The subscription of a running consumer changes. */
    private static void otherTags(Stage stage) throws Exception {
        String topic = stage.topic(1);
        DefaultMQPushConsumer c = stage.push(stage.name);
        Seen seen = stage.start(c, topic, "a");
        int number = 0;
        while (seen.count() == 0) {
            Check.that("no message of tag a", number < 100);
            var m = Stage.message(topic, number++);
            m.setTags("a");
            stage.send(m, 0);
            Thread.sleep(100);
        }
        c.subscribe(topic, "b");
        Check.eventually("a message of tag b", () -> {
            var m = Stage.message(topic, 1000);
            m.setTags("b");
            stage.send(m, 0);
            return seen.all().stream().anyMatch(got -> got.getTags().equals("b"));
        });
    }

    private static void shares(Stage stage) throws Exception {
        String topic = stage.topic(4);
        DefaultMQPushConsumer one = stage.push(stage.name);
        DefaultMQPushConsumer two = stage.push(stage.name);
        Seen ofOne = stage.start(one, topic, "*");
        Seen ofTwo = stage.start(two, topic, "*");
        int[] number = {0};
        Check.eventually("each member has two queues", () -> {
            ofOne.clear();
            ofTwo.clear();
            stage.send(topic, 4, number[0], 20);
            number[0] += 20;
            Check.eventually("all messages", () -> ofOne.count() + ofTwo.count() >= 20);
            Set<Integer> both = new TreeSet<>(ofOne.queues());
            both.retainAll(ofTwo.queues());
            return both.isEmpty() && ofOne.queues().size() == 2 && ofTwo.queues().size() == 2;
        });
        two.shutdown();
        ofOne.clear();
        ofTwo.clear();
        stage.send(topic, 4, number[0], 20);
        ofOne.await("message of each queue", all -> ofOne.queues().size() == 4);
        ofOne.await("message", all -> ofOne.distinct() == 20);
        Check.equal("messages of the one that left", ofTwo.count(), 0);
    }

    private static void broadcasting(Stage stage) throws Exception {
        String topic = stage.topic(4);
        DefaultMQPushConsumer one = stage.push(stage.name);
        DefaultMQPushConsumer two = stage.push(stage.name);
        Moved.broadcast(one);
        Moved.broadcast(two);
        Seen ofOne = stage.start(one, topic, "*");
        Seen ofTwo = stage.start(two, topic, "*");
        stage.send(topic, 4, 0, 40);
        ofOne.awaitOnce(0, 40);
        ofTwo.awaitOnce(0, 40);
        // Their offsets lie with the clients.
        stage.stop(one);
        DefaultMQPushConsumer again = stage.push(stage.name);
        Moved.broadcast(again);
        again.setInstanceName(one.getInstanceName());
        Seen ofAgain = stage.start(again, topic, "*");
        stage.send(topic, 4, 40, 8);
        ofAgain.awaitOnce(40, 8);
        ofTwo.awaitOnce(0, 48);
        for (int q = 0; q < 4; q++) {
            Check.equal("committed offset of queue " + q, stage.committed(stage.name, stage.queue(topic, q)), 0L);
        }
    }

    private static void suspend(Stage stage) throws Exception {
        String topic = stage.topic(4);
        DefaultMQPushConsumer c = stage.push(stage.name);
        Seen seen = stage.start(c, topic, "*");
        stage.send(topic, 4, 0, 20);
        seen.awaitOnce(0, 20);
        c.suspend();
        stage.send(topic, 4, 20, 20); // one of these pulls is held by the server already
        Thread.sleep(2000);
        int before = seen.count();
        stage.send(topic, 4, 40, 200);
        Thread.sleep(1000);
        Check.equal("messages while suspended", seen.count() - before, 0);
        c.resume();
        seen.awaitOnce(0, 240);
    }

    private static void topicCreatedLater(Stage stage) throws Exception {
        Seen seen = stage.start(stage.push(stage.name), stage.name, "*");
        Thread.sleep(1000);
        stage.topic(4);
        stage.send(stage.name, 4, 0, 20);
        seen.awaitOnce(0, 20);
    }

    /** Heartbeats that name only the fingerprint of what was said before. */
    private static void heartbeatV2(Stage stage) throws Exception {
        String topic = stage.topic(4);
        DefaultMQPushConsumer one = stage.push(stage.name);
        DefaultMQPushConsumer two = stage.push(stage.name);
        Moved.call(one, "setUseHeartbeatV2", true);
        Moved.call(two, "setUseHeartbeatV2", true);
        Seen ofOne = stage.start(one, topic, "*");
        Seen ofTwo = stage.start(two, topic, "*");
        Thread.sleep(4000); // some heartbeats
        stage.send(topic, 4, 0, 100);
        Check.eventually("all messages", () -> {
            Set<Integer> all = new HashSet<>(ofOne.numbers());
            all.addAll(ofTwo.numbers());
            return all.size() == 100;
        });
        Check.that("both have some", ofOne.count() > 0 && ofTwo.count() > 0);
        // Both are known with their subscription.
        var connection = stage.admin().examineConsumerConnectionInfo(stage.name);
        Check.equal("members", connection.getConnectionSet().size(), 2);
        Check.that("subscriptions " + connection.getSubscriptionTable().keySet(), connection.getSubscriptionTable().containsKey(topic));
    }

    /** The ports of plain text speak TLS with whoever begins with it. */
    private static void tls(Stage stage) throws Exception {
        String topic = stage.topic(4);
        DefaultMQProducer p = stage.set(new DefaultMQProducer(stage.name));
        p.setUseTLS(true);
        stage.start(p);
        for (int i = 0; i < 20; i++) {
            p.send(Stage.message(topic, i));
        }
        DefaultMQPushConsumer c = stage.push(stage.name);
        c.setUseTLS(true);
        stage.start(c, topic, "*").awaitOnce(0, 20);
    }
}

package cases;

import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.List;
import java.util.TreeSet;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;

/** Where a consumer begins and goes on. */
final class Offsets {
    private Offsets() {
    }

    static void cases(Suite suite) {
        suite.add("OffsetsGoOnAfterAStop", Offsets::goOn);
        suite.add("OffsetsBeginWithTheFirst", Offsets::first);
        suite.add("OffsetsBeginWithTheFirstOfAYoungTopic", Offsets::firstOfAYoungTopic);
        suite.add("OffsetsBeginWithTheLast", Offsets::last);
        suite.add("OffsetsBeginAtATime", Offsets::time);
        suite.add("OffsetsOfTwoGroupsAreTheirOwn", Offsets::twoGroups);
        suite.add("OffsetsResetToATimeWhileConsuming", Offsets::reset);
    }

    private static void goOn(Stage stage) throws Exception {
        String topic = stage.topic(4);
        DefaultMQPushConsumer c = stage.push(stage.name);
        Seen seen = stage.start(c, topic, "*");
        stage.send(topic, 4, 0, 40);
        seen.awaitOnce(0, 40);
        stage.stop(c);
        stage.send(topic, 4, 40, 20);
        Seen rest = stage.start(stage.push(stage.name), topic, "*");
        rest.awaitOnce(40, 20);
    }

    private static void first(Stage stage) throws Exception {
        String topic = stage.topic(4);
        stage.send(topic, 4, 0, 20);
        stage.start(stage.push(stage.name), topic, "*").awaitOnce(0, 20);
    }

    /** A server lets every new group of clustering consumers begin with the first message of a queue that has lost none. */
    private static void firstOfAYoungTopic(Stage stage) throws Exception {
        String topic = stage.topic(1);
        stage.send(topic, 1, 0, 20);
        DefaultMQPushConsumer c = stage.push(stage.name);
        c.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
        stage.start(c, topic, "*").awaitOnce(0, 20);
    }

    /** A consumer that keeps its offsets itself, and has none, begins where it wants to. */
    private static void last(Stage stage) throws Exception {
        String topic = stage.topic(4);
        stage.send(topic, 4, 0, 20);
        DefaultMQPushConsumer c = stage.push(stage.name);
        Moved.broadcast(c);
        c.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
        Seen seen = stage.start(c, topic, "*");
        Check.eventually("all four queues are consumed", () -> {
            stage.send(topic, 4, 20, 4);
            Thread.sleep(200);
            return seen.queues().size() == 4;
        });
        Check.equal("numbers", seen.numbers(), new TreeSet<>(List.of(20, 21, 22, 23)));
    }

    private static void time(Stage stage) throws Exception {
        String topic = stage.topic(4);
        stage.send(topic, 4, 0, 20);
        // The client gives the time in whole seconds.
        long second = (System.currentTimeMillis() / 1000 + 2) * 1000;
        Thread.sleep(second - System.currentTimeMillis() + 20);
        stage.send(topic, 4, 20, 20);
        DefaultMQPushConsumer c = stage.push(stage.name);
        Moved.broadcast(c);
        c.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_TIMESTAMP);
        c.setConsumeTimestamp(new SimpleDateFormat("yyyyMMddHHmmss").format(new Date(second)));
        stage.start(c, topic, "*").awaitOnce(20, 20);
    }

    private static void twoGroups(Stage stage) throws Exception {
        String topic = stage.topic(4);
        Seen one = stage.start(stage.push(stage.name + "-1"), topic, "*");
        Seen two = stage.start(stage.push(stage.name + "-2"), topic, "*");
        stage.send(topic, 4, 0, 40);
        one.awaitOnce(0, 40);
        two.awaitOnce(0, 40);
    }

    private static void reset(Stage stage) throws Exception {
        String topic = stage.topic(2);
        Seen seen = stage.start(stage.push(stage.name), topic, "*");
        stage.send(topic, 2, 0, 20);
        seen.awaitOnce(0, 20);
        Thread.sleep(50);
        long time = System.currentTimeMillis();
        Thread.sleep(50);
        stage.send(topic, 2, 20, 20);
        seen.awaitOnce(0, 40);
        Thread.sleep(500); // the client commits
        seen.clear();
        stage.admin().resetOffsetByTimestamp(topic, stage.name, time, true);
        seen.await("messages since then", all -> seen.distinct() >= 20);
        TreeSet<Integer> expected = new TreeSet<>();
        for (int i = 20; i < 40; i++) {
            expected.add(i);
        }
        Check.equal("messages again", seen.numbers(), expected);
    }
}

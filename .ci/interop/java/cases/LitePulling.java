package cases;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** The pull consumer that fetches ahead. */
final class LitePulling {
    private LitePulling() {
    }

    static void cases(Suite suite) {
        suite.add("LiteSubscribe", LitePulling::subscribe);
        suite.add("LiteSubscribeWithTags", LitePulling::tags);
        suite.add("LiteShares", LitePulling::shares);
        suite.add("LiteAssignAndSeek", LitePulling::assignAndSeek);
        suite.add("LiteCommits", LitePulling::commits);
        suite.add("LitePauseAndResume", LitePulling::pause);
    }

    /** Polls into seen until so many different numbers are there. */
    private static void poll(DefaultLitePullConsumer c, Seen seen, int distinct) {
        for (long end = System.nanoTime() + 20_000_000_000L; seen.distinct() < distinct; ) {
            c.poll(200).forEach(seen::add);
            Check.that("after 20 s, only the numbers " + seen.numbers(), System.nanoTime() < end);
        }
    }

    private static void subscribe(Stage stage) throws Exception {
        String topic = stage.topic(4);
        stage.send(topic, 4, 0, 40);
        DefaultLitePullConsumer c = stage.lite(stage.name);
        c.subscribe(topic, "*");
        stage.start(c);
        Seen seen = new Seen();
        poll(c, seen, 40);
        stage.send(topic, 4, 40, 40);
        poll(c, seen, 80);
        seen.awaitOnce(0, 80);
        // What was committed of its own accord counts for the next one.
        Check.eventually("offsets are committed", () -> {
            c.poll(10); // which is what commits
            for (int q = 0; q < 4; q++) {
                if (c.committed(stage.queue(topic, q)) != 20) {
                    return false;
                }
            }
            return true;
        });
        c.shutdown();
        stage.send(topic, 4, 80, 8);
        DefaultLitePullConsumer next = stage.lite(stage.name);
        next.subscribe(topic, "*");
        stage.start(next);
        Seen rest = new Seen();
        poll(next, rest, 8);
        rest.awaitOnce(80, 8);
    }

    private static void tags(Stage stage) throws Exception {
        String topic = stage.topic(4);
        for (int i = 0; i < 40; i++) {
            var m = Stage.message(topic, i);
            m.setTags(i % 2 == 0 ? "even" : "odd");
            stage.send(m, i % 4);
        }
        DefaultLitePullConsumer c = stage.lite(stage.name);
        c.subscribe(topic, "odd");
        stage.start(c);
        Seen seen = new Seen();
        poll(c, seen, 20);
        Check.that("another tag", seen.all().stream().allMatch(m -> m.getTags().equals("odd")));
    }

    private static void shares(Stage stage) throws Exception {
        String topic = stage.topic(4);
        DefaultLitePullConsumer one = stage.lite(stage.name);
        DefaultLitePullConsumer two = stage.lite(stage.name);
        one.subscribe(topic, "*");
        two.subscribe(topic, "*");
        stage.start(one);
        stage.start(two);
        Check.eventually("each has two queues", () -> one.assignment().size() == 2 && two.assignment().size() == 2);
        two.shutdown();
        Check.eventually("one has all queues", () -> one.assignment().size() == 4);
        stage.send(topic, 4, 0, 40);
        Seen seen = new Seen();
        poll(one, seen, 40);
    }

    private static void assignAndSeek(Stage stage) throws Exception {
        String topic = stage.topic(2);
        stage.send(topic, 2, 0, 20);
        Thread.sleep(20);
        long time = System.currentTimeMillis();
        Thread.sleep(20);
        stage.send(topic, 2, 20, 20);
        DefaultLitePullConsumer c = stage.lite(stage.name);
        c.setAutoCommit(false);
        stage.start(c);
        Check.equal("queues", Set.copyOf(c.fetchMessageQueues(topic)), Set.of(stage.queue(topic, 0), stage.queue(topic, 1)));
        MessageQueue q = stage.queue(topic, 0);
        c.assign(List.of(q));
        sought(c, () -> {
            c.seek(q, 5);
            return 10;
        });
        sought(c, () -> {
            c.seekToBegin(q);
            return 0;
        });
        Check.equal("offset of a time", c.offsetForTimestamp(q, time), 10L);
        sought(c, () -> {
            c.seek(q, 10);
            return 20;
        });
        AtomicInteger next = new AtomicInteger(40);
        sought(c, () -> {
            c.seekToEnd(q);
            stage.send(topic, 2, next.get(), 1);
            return next.getAndAdd(2);
        });
        Check.fails("a seek beyond the end", () -> {
            c.seek(q, 1000);
            return null;
        });
    }

    /**
     * Makes a seek and checks that the first number polled then is the one that it returns. A client loses a seek at
     * times: a pull that is just beginning takes the new offset, sees that it was cancelled, and the pull that follows
     * goes on at the old one. So it is made again.
     */
    private static void sought(DefaultLitePullConsumer c, Callable<Integer> seek) throws Exception {
        for (int tries = 1; ; tries++) {
            int expected = seek.call();
            int got = first(c, 2);
            if (got == expected) {
                return;
            }
            Check.that("number " + got + " after " + tries + " seeks to " + expected, tries < 10);
        }
    }

    /** The first number that is polled within some seconds, -1 for none. */
    private static int first(DefaultLitePullConsumer c, int seconds) {
        for (long end = System.nanoTime() + seconds * 1_000_000_000L; System.nanoTime() < end; ) {
            List<MessageExt> got = c.poll(200);
            if (!got.isEmpty()) {
                return Seen.number(got.get(0));
            }
        }
        return -1;
    }

    private static void commits(Stage stage) throws Exception {
        String topic = stage.topic(1);
        stage.send(topic, 1, 0, 30);
        MessageQueue q = stage.queue(topic, 0);
        DefaultLitePullConsumer c = stage.lite(stage.name);
        c.setAutoCommit(false);
        c.setPullBatchSize(10);
        c.assign(List.of(q));
        stage.start(c);
        Seen seen = new Seen();
        while (seen.count() < 10) {
            c.poll(200).forEach(seen::add);
        }
        c.commitSync();
        long polled = seen.count();
        Check.eventually("the offset " + polled + " is committed", () -> {
            c.commitSync();
            return c.committed(q) == polled;
        });
        c.shutdown();
        DefaultLitePullConsumer next = stage.lite(stage.name);
        next.assign(List.of(q));
        stage.start(next);
        Check.equal("number after the committed ones", first(next, 20), (int) polled);
    }

    private static void pause(Stage stage) throws Exception {
        String topic = stage.topic(2);
        DefaultLitePullConsumer c = stage.lite(stage.name);
        MessageQueue one = stage.queue(topic, 0);
        MessageQueue two = stage.queue(topic, 1);
        c.assign(List.of(one, two));
        c.pause(List.of(two)); // before a pull could be under way
        stage.start(c);
        stage.send(topic, 2, 0, 20);
        Seen seen = new Seen();
        poll(c, seen, 10);
        c.poll(1000).forEach(seen::add);
        Check.that("messages of the queue that pauses: " + seen.numbers(), seen.queues().equals(new TreeSet<>(Set.of(0))));
        c.resume(List.of(two));
        poll(c, seen, 20);
    }
}

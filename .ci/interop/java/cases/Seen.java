package cases;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.apache.rocketmq.common.message.MessageExt;

/** The messages that a consumer saw, in that order. Safe for concurrent use. */
final class Seen {
    private final List<MessageExt> messages = new ArrayList<>();

    synchronized void add(MessageExt m) {
        messages.add(m);
        notifyAll();
    }

    synchronized List<MessageExt> all() {
        return new ArrayList<>(messages);
    }

    static int number(MessageExt m) {
        return Integer.parseInt(new String(m.getBody(), StandardCharsets.UTF_8));
    }

    synchronized int count() {
        return messages.size();
    }

    /** How many different numbers were seen. */
    synchronized int distinct() {
        return numbers().size();
    }

    synchronized TreeSet<Integer> numbers() {
        TreeSet<Integer> all = new TreeSet<>();
        messages.forEach(m -> all.add(number(m)));
        return all;
    }

    synchronized TreeSet<Integer> queues() {
        TreeSet<Integer> all = new TreeSet<>();
        messages.forEach(m -> all.add(m.getQueueId()));
        return all;
    }

    synchronized void clear() {
        messages.clear();
    }

    /** Waits until so many messages were seen. */
    List<MessageExt> await(int count) throws InterruptedException {
        return await(count + " messages", all -> all.size() >= count);
    }

    /** Waits until what was seen satisfies a condition. */
    synchronized List<MessageExt> await(String what, Predicate<List<MessageExt>> enough) throws InterruptedException {
        long end = System.nanoTime() + 30_000_000_000L;
        while (!enough.test(messages)) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                throw new AssertionError("no " + what + " after 30 s, but " + messages.size() + " messages with " + distinct() + " numbers");
            }
            wait(left);
        }
        return new ArrayList<>(messages);
    }

    /** Waits for the numbers first … first+count-1 and checks that each came once and no other did. */
    void awaitOnce(int first, int count) throws InterruptedException {
        await(count + " messages", all -> all.size() >= count);
        Map<Integer, Integer> times = new HashMap<>();
        for (MessageExt m : all()) {
            times.merge(number(m), 1, Integer::sum);
        }
        for (int i = first; i < first + count; i++) {
            Check.equal("times that message " + i + " came", times.remove(i), 1);
        }
        Check.equal("further messages", times.keySet(), new TreeSet<Integer>());
    }

    /** Checks that the messages of each queue were seen by rising offsets, repeats of the newest aside. */
    synchronized void checkOrder() {
        Map<Integer, Long> newest = new HashMap<>();
        for (MessageExt m : messages) {
            Long before = newest.put(m.getQueueId(), m.getQueueOffset());
            if (before != null && m.getQueueOffset() != before && m.getQueueOffset() != before + 1) {
                throw new AssertionError("queue " + m.getQueueId() + ": offset " + m.getQueueOffset() + " after " + before);
            }
        }
    }
}

package cases;

import java.io.IOException;
import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * How a program that runs until it is told to stop talks with the test: events go to standard output, in the lines of the Go client's program,
 * and the end of standard input is the word to stop.
 */
final class Reporter {
    /** How long an answer is waited for. The machine may be busy. */
    static final int PATIENCE_MILLIS = 15_000;

    final CountDownLatch over = new CountDownLatch(1);
    private final PrintStream out = System.out;

    Reporter() {
        System.setOut(System.err); // the client's log may think of standard output
        Thread listener = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { // nothing else is said
                }
            } catch (IOException e) {
                e.printStackTrace();
            }
            over.countDown();
        });
        listener.setDaemon(true);
        listener.start();
    }

    /** A client that learns within a second what its own settings would let it learn within half a minute. */
    static <C extends ClientConfig> C set(C client, String namesrv) {
        client.setNamesrvAddr(namesrv);
        client.setPollNameServerInterval(1000);
        client.setHeartbeatBrokerInterval(1000);
        client.setPersistConsumerOffsetInterval(1000);
        client.setMqClientApiTimeout(PATIENCE_MILLIS);
        return client;
    }

    void sent(long number, MessageQueue queue, long queueOffset) {
        say("\"event\":\"sent\"," + message(number, queue, queueOffset));
    }

    void received(String group, long number, MessageQueue queue, long queueOffset) {
        say("\"event\":\"message\",\"group\":" + Json.quoted(group) + "," + message(number, queue, queueOffset));
    }

    private static String message(long number, MessageQueue queue, long queueOffset) {
        return "\"number\":" + number + ",\"broker\":" + Json.quoted(queue.getBrokerName()) + ",\"queue\":" + queue.getQueueId()
            + ",\"queueOffset\":" + queueOffset;
    }

    private synchronized void say(String fields) {
        out.println("{" + fields + "}");
        out.flush();
    }
}

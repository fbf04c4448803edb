package cases;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.rocketmq.common.MQVersion;

/**
 * Runs RocketMQ's Java client through what a broker promises it. One source is compiled against every version of the client that is
 * tested: what moved between them is reached in {@link Moved}.
 *
 * <p>Usage: {@code cases.Suite NAMESRV BROKER BROKER_NAME [PATTERN]}. The first line on standard output lists the cases that will run, each
 * further one is the result of one, as JSON objects. Cases run several at a time, since most of them wait most of the time; those that
 * touch what all share run after the others.
 */
public final class Suite {
    private static final int AT_A_TIME = 8;
    private static final int CASE_SECONDS = 45;

    /** What a case does. It throws if a promise doesn't hold. */
    interface Body {
        void run(Stage stage) throws Throwable;
    }

    private record Case(String name, Body body) {
    }

    private final List<Case> together = new ArrayList<>();
    private final List<Case> alone = new ArrayList<>();

    void add(String name, Body body) {
        together.add(new Case(name, body));
    }

    /** Adds a case that changes what other cases need. */
    void addAlone(String name, Body body) {
        alone.add(new Case(name, body));
    }

    /** Where results go. The client's log, which may think of standard output, goes elsewhere. */
    private static final PrintStream RESULTS = System.out;

    public static void main(String[] args) throws Exception {
        System.setOut(System.err);
        Suite suite = new Suite();
        Sending.cases(suite);
        Pushing.cases(suite);
        Ordering.cases(suite);
        Retrying.cases(suite);
        Replying.cases(suite);
        Offsets.cases(suite);
        Pulling.cases(suite);
        LitePulling.cases(suite);
        Finding.cases(suite);
        Operating.cases(suite);
        Mqadmin.cases(suite);
        Pattern wanted = Pattern.compile(args.length > 3 ? args[3] : "");
        suite.together.removeIf(c -> !wanted.matcher(c.name).find());
        suite.alone.removeIf(c -> !wanted.matcher(c.name).find());
        suite.run(new Place(args[0], args[1], args[2]));
        System.exit(0); // the client leaves threads behind
    }

    private void run(Place place) throws InterruptedException {
        List<String> names = new ArrayList<>();
        together.forEach(c -> names.add(Json.quoted(c.name)));
        alone.forEach(c -> names.add(Json.quoted(c.name)));
        say("{\"client\":" + Json.quoted(MQVersion.getVersionDesc(MQVersion.CURRENT_VERSION)) + ",\"cases\":[" + String.join(",", names) + "]}");
        ExecutorService workers = Executors.newFixedThreadPool(AT_A_TIME);
        together.forEach(c -> workers.submit(() -> run(c, place)));
        workers.shutdown();
        workers.awaitTermination(1, TimeUnit.HOURS); // each case has its own bound
        alone.forEach(c -> run(c, place));
    }

    private static void run(Case c, Place place) {
        long began = System.nanoTime();
        Throwable[] failure = new Throwable[1];
        Stage stage = new Stage(place, c.name);
        CountDownLatch over = new CountDownLatch(1);
        Thread player = new Thread(() -> {
            try (stage) {
                c.body.run(stage);
            } catch (Throwable e) {
                failure[0] = e;
            } finally {
                over.countDown();
            }
        }, c.name);
        player.setDaemon(true);
        player.start();
        String error;
        try {
            error = over.await(CASE_SECONDS, TimeUnit.SECONDS) ? told(failure[0]) : "not over after " + CASE_SECONDS + " s: " + where(player);
        } catch (InterruptedException e) {
            error = "interrupted";
        }
        long millis = (System.nanoTime() - began) / 1_000_000;
        say("{\"case\":" + Json.quoted(c.name) + ",\"millis\":" + millis + ",\"error\":" + Json.quoted(error) + "}");
    }

    /** The error and the lines of the cases that led to it. */
    private static String told(Throwable e) {
        if (e == null) {
            return "";
        }
        StringBuilder text = new StringBuilder(e.toString());
        for (StackTraceElement at : e.getStackTrace()) {
            if (at.getClassName().startsWith("cases.") && !at.getClassName().equals("cases.Suite")) {
                text.append("\n  at ").append(at.getFileName()).append(':').append(at.getLineNumber());
            }
        }
        return text.toString();
    }

    private static String where(Thread player) {
        StringBuilder text = new StringBuilder("it is");
        for (StackTraceElement at : player.getStackTrace()) {
            text.append("\n  at ").append(at);
        }
        return text.toString();
    }

    private static synchronized void say(String line) {
        RESULTS.println(line);
        RESULTS.flush();
    }
}

package cases;

import java.util.Objects;
import java.util.concurrent.Callable;

/** What cases demand. */
final class Check {
    private Check() {
    }

    static void equal(String what, Object got, Object expected) {
        if (!Objects.equals(got, expected)) {
            throw new AssertionError(what + ": " + got + ", expected " + expected);
        }
    }

    static void that(String what, boolean holds) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** What a call throws. */
    static Exception fails(String what, Callable<?> call) {
        Object got;
        try {
            got = call.call();
        } catch (Exception e) {
            return e;
        }
        throw new AssertionError(what + " succeeds with " + got);
    }

    /** Tries until something holds, for what no event tells. */
    static void eventually(String what, Callable<Boolean> holds) throws InterruptedException {
        Exception last = null;
        for (long end = System.nanoTime() + 20_000_000_000L; System.nanoTime() < end; Thread.sleep(50)) {
            try {
                if (holds.call()) {
                    return;
                }
                last = null;
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                last = e;
            }
        }
        throw new AssertionError("not after 20 s: " + what + (last == null ? "" : ", " + last));
    }
}

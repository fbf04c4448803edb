package cases;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.zip.CRC32;

/** Bodies of numbered messages that the Go client's program reads, too: number, time in ns, filling, CRC-32 of all that. */
final class Body {
    private static final int MIN_SIZE = 8 + 8 + 4;

    private Body() {
    }

    static byte[] of(long number, int size) {
        ByteBuffer b = ByteBuffer.allocate(Math.max(size, MIN_SIZE));
        b.putLong(number).putLong(System.currentTimeMillis() * 1_000_000);
        SplittableRandom random = new SplittableRandom(number);
        while (b.remaining() > 4) {
            b.put((byte) random.nextInt());
        }
        return b.putInt(sum(b.array())).array();
    }

    /** The number of a body, or -1 if it is damaged. */
    static long number(byte[] body) {
        if (body.length < MIN_SIZE) {
            return -1;
        }
        ByteBuffer b = ByteBuffer.wrap(body);
        return b.getInt(body.length - 4) == sum(body) ? b.getLong() : -1;
    }

    private static int sum(byte[] body) {
        CRC32 sum = new CRC32();
        sum.update(body, 0, body.length - 4);
        return (int) sum.getValue();
    }
}

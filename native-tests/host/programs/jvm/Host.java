// SPDX-License-Identifier: MIT

/**
 * Threads of a JVM that call native methods, while others fault and are caught (the JVM
 * does that with SIGSEGV), and memory is collected.
 */
public final class Host {
    private static final int SEEDS = 16;
    private static final int WORKERS = 4;
    private static volatile boolean finish;
    private static volatile boolean failed;
    private static final long[] EXPECTED = new long[SEEDS];

    private static native long workUnit(long seed);

    private static native long workChecksum();

    private static native boolean workContinues(long least);

    /** Returns the square of what it is given, by a call of {@link #square} from native code. */
    private static native long workBack(long value);

    public static long square(long value) {
        return value * value;
    }

    private static int lengthOf(String text) {
        return text.length();
    }

    private static void check(boolean good, String what) {
        if (!good) {
            failed = true;
            throw new IllegalStateException(what);
        }
    }

    private static void work(int first) {
        byte[][] garbage = new byte[64][];
        for (int i = first; !finish; i++) {
            check(workUnit(i % SEEDS) == EXPECTED[i % SEEDS], "a unit");
            check(workBack(i) == (long) i * i, "a call back");
            garbage[i % 64] = new byte[1000 + i % 10000];
            try {
                check(lengthOf(i % 8 == 0 ? null : "text") == 4, "a length");
            } catch (NullPointerException e) {
                check(i % 8 == 0, "an exception");
            }
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        System.load(arguments[0]);
        for (int i = 0; i < SEEDS; i++) {
            EXPECTED[i] = workUnit(i);
        }
        Thread[] workers = new Thread[WORKERS];
        for (int i = 0; i < WORKERS; i++) {
            int first = i;
            workers[i] = new Thread(() -> work(first));
            workers[i].start();
        }
        while (workContinues(20) && !failed) {
            System.gc();
            Thread.sleep(5);
        }
        finish = true;
        for (Thread worker : workers) {
            worker.join();
        }
        System.out.printf("%#x%n", workChecksum());
        System.exit(failed ? 1 : 0);
    }
}

package dev.coracle.it.harness;

import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A seccomp agent: gets the listeners of filters by its socket, and answers every system call that
 * they ask about in one way (seccomp_unotify(2)).
 */
public final class SeccompAgent implements AutoCloseable {
  private static final int ROUND_MILLIS = 20;

  private final Path path;
  private final int listening;
  private final Thread thread = new Thread(this::serve, "seccomp-agent");
  private final List<JsonObject> states = new CopyOnWriteArrayList<>();
  private final List<Integer> listeners = new CopyOnWriteArrayList<>();
  private final long value;
  private final int errno;
  private volatile boolean ended;
  private volatile @Nullable RuntimeException failure;

  private SeccompAgent(Testbed bed, long value, int errno) {
    this.path = bed.directory().resolve("agent.sock");
    this.listening = Libc.listen(path);
    this.value = value;
    this.errno = errno;
    thread.start();
  }

  /** An agent by which calls fail. */
  public static SeccompAgent failing(Testbed bed, int errno) {
    return new SeccompAgent(bed, 0, errno);
  }

  /** An agent by which calls succeed, without having been made. */
  public static SeccompAgent returning(Testbed bed, long value) {
    return new SeccompAgent(bed, value, 0);
  }

  public Path path() {
    return path;
  }

  /** The container process states that were sent, in order. */
  public List<JsonObject> states() {
    return states;
  }

  /** Takes no more part: nobody listens any more. */
  public void end() {
    ended = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    listeners.forEach(Libc::close);
    listeners.clear();
    if (failure != null) {
      throw failure;
    }
  }

  private void serve() {
    try {
      while (!ended) {
        if (Libc.readable(listening, ROUND_MILLIS / (listeners.size() + 1))) {
          accept();
        }
        listeners.removeIf(this::serveAndCloseIfDone);
      }
    } catch (RuntimeException e) {
      failure = e;
    }
  }

  private boolean serveAndCloseIfDone(int listener) {
    boolean done =
        Libc.readable(listener, ROUND_MILLIS / (listeners.size() + 1))
            && !Libc.answerNotification(listener, value, errno);
    if (done) {
      Libc.close(listener);
    }
    return done;
  }

  private void accept() {
    int connection = Libc.accept(listening, ROUND_MILLIS);
    Libc.Received received = Libc.receiveFd(connection, (int) Poll.PATIENCE.toMillis());
    Libc.close(connection);
    states.add(Json.parseObject(received.payload()));
    listeners.add(received.fd());
  }

  @Override
  public void close() {
    if (!ended) {
      end();
    }
    Libc.close(listening);
  }
}

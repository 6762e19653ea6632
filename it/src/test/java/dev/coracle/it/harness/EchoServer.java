package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A server at a Unix socket that sends back what it is sent, and after the end of that says "bye".
 */
public final class EchoServer implements AutoCloseable {
  private static final int BUFFER_BYTES = 64 * 1024;

  private final ServerSocketChannel listener;
  private final AtomicLong received = new AtomicLong();
  private final Queue<SocketChannel> peers = new ConcurrentLinkedQueue<>();

  private EchoServer(ServerSocketChannel listener) {
    this.listener = listener;
    Thread.ofVirtual().start(this::serve);
  }

  /** Listens at a path. */
  public static EchoServer at(Path path) {
    try {
      ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      listener.bind(UnixDomainSocketAddress.of(path), 64);
      return new EchoServer(listener);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How many bytes have come, of all who were connected. */
  public long received() {
    return received.get();
  }

  private void serve() {
    try {
      while (true) {
        SocketChannel peer = listener.accept();
        peers.add(peer);
        Thread.ofVirtual().start(() -> echo(peer));
      }
    } catch (IOException closed) {
      return; // That is the end of the test.
    }
  }

  private void echo(SocketChannel peer) {
    try (peer) {
      ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
      while (peer.read(buffer) >= 0) {
        received.addAndGet(buffer.position());
        answer(peer, buffer.flip());
        buffer.clear();
      }
      answer(peer, ByteBuffer.wrap(new byte[] {'b', 'y', 'e', '\n'}));
    } catch (IOException gone) {
      return; // Whoever asked is gone.
    }
  }

  private static void answer(SocketChannel peer, ByteBuffer words) {
    try {
      while (words.hasRemaining()) {
        peer.write(words);
      }
    } catch (IOException gone) {
      return; // What was sent before is read all the same.
    }
  }

  /** Nobody listens any more, and whoever was connected is cut off. */
  @Override
  public void close() {
    try {
      listener.close();
      for (SocketChannel peer : peers) {
        peer.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

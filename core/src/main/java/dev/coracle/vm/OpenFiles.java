package dev.coracle.vm;

/**
 * What a guest has open: handles of files and of directories as the guest knows them, which
 * virtiofsd may number each for itself. The guest decides how many there are, so that there is an
 * end to how many are remembered.
 */
public final class OpenFiles {
  /** So many are remembered. */
  public static final int MOST = 65536;

  /** Handles are below this, and not negative. */
  static final long HANDLES_END = 1L << 62;

  private static final long DIRECTORY = 1L << 63;

  // Columns of handles.
  private static final int NODE = 0;
  private static final int FLAGS = 1;
  private static final int SERVER = 2;

  // Columns of nodes.
  private static final int COUNT = 0;
  private static final int NAMED = 1;

  private final LongTable handles = new LongTable(3, 0, MOST);
  private final LongTable nodes = new LongTable(2, 0, MOST);
  private boolean incomplete;

  /** Whether there was once one that could not be remembered. */
  public boolean isIncomplete() {
    return incomplete;
  }

  /** There is one that cannot be remembered. */
  void skip() {
    incomplete = true;
  }

  public int size() {
    return handles.size();
  }

  /** Where they are: from 0 to here, those that are {@link #isUsed}. */
  public int places() {
    return handles.places();
  }

  public boolean isUsed(int place) {
    return handles.isUsed(place);
  }

  /** The handle at a place. */
  public long handle(int place) {
    return handles.key(place) & ~DIRECTORY;
  }

  public boolean isDirectory(int place) {
    return handles.key(place) < 0;
  }

  /** The node that is open, as the guest knows it. */
  public long node(int place) {
    return handles.get(place, NODE);
  }

  /** The flags that it was opened with (open(2)). */
  public long flags(int place) {
    return handles.get(place, FLAGS);
  }

  /** The handle as virtiofsd knows it. */
  long server(int place) {
    return handles.get(place, SERVER);
  }

  /** Says what virtiofsd calls it. */
  public void setServer(int place, long server) {
    handles.set(place, SERVER, server);
  }

  /** The place of a handle until the next change, or −1. */
  int find(long handle, boolean directory) {
    if (handle < 0 || handle >= HANDLES_END) {
      return -1;
    }
    return handles.find(key(handle, directory));
  }

  /** Remembers one, in place of the one that had this handle. */
  public void add(long handle, boolean directory, long node, long flags, long server) {
    int before = find(handle, directory);
    if (before >= 0) {
      remove(before);
    }
    int place = handle < 0 || handle >= HANDLES_END ? -1 : handles.put(key(handle, directory));
    if (place < 0) {
      skip();
      return;
    }
    handles.set(place, NODE, node);
    handles.set(place, FLAGS, flags);
    handles.set(place, SERVER, server);
    // There are no more nodes than handles.
    int open = nodes.put(node);
    nodes.set(open, COUNT, nodes.get(open, COUNT) + 1);
  }

  /** Forgets the one at a place. */
  void remove(int place) {
    int open = nodes.find(node(place));
    long count = nodes.get(open, COUNT) - 1;
    nodes.set(open, COUNT, count);
    if (count == 0) {
      nodes.remove(open);
    }
    handles.remove(place);
  }

  /** Whether a node, as the guest knows it, is open. */
  public boolean isOpen(long node) {
    return nodes.find(node) >= 0;
  }

  /** A node has a name. */
  public void name(long node) {
    int open = nodes.find(node);
    if (open >= 0) {
      nodes.set(open, NAMED, 1);
    }
  }

  /** How many handles are open of nodes that have not been named; all names are forgotten. */
  public int unnamed() {
    int out = 0;
    for (int i = 0; i < nodes.places(); i++) {
      if (nodes.isUsed(i)) {
        boolean named = nodes.get(i, NAMED) != 0 || nodes.key(i) == Fuse.ROOT_ID;
        out += named ? 0 : (int) nodes.get(i, COUNT);
        nodes.set(i, NAMED, 0);
      }
    }
    return out;
  }

  private static long key(long handle, boolean directory) {
    return directory ? handle | DIRECTORY : handle;
  }
}

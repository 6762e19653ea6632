package dev.coracle.vm;

import dev.coracle.abi.Bytes;

/**
 * Messages of the front-end to a vhost-user back-end (QEMU's docs/interop/vhost-user.rst): as much
 * of it as virtiofsd needs from one that is no machine. There is one region of memory, shared by a
 * descriptor, which begins at guest address 0.
 */
public final class VhostUser {
  /** The request queue of a virtio-fs device; queue 0 is for what must not wait (virtio 1.2). */
  public static final int REQUESTS = 1;

  /** Bytes of an answer that has a number for its payload. */
  public static final int ANSWER_BYTES = 20;

  private static final int HEADER_BYTES = 12;
  private static final int VERSION = 1;

  private static final int GET_FEATURES = 1;
  private static final int SET_FEATURES = 2;
  private static final int SET_OWNER = 3;
  private static final int SET_MEM_TABLE = 5;
  private static final int SET_VRING_NUM = 8;
  private static final int SET_VRING_ADDR = 9;
  private static final int SET_VRING_BASE = 10;
  private static final int SET_VRING_KICK = 12;
  private static final int SET_VRING_CALL = 13;

  private static final long VIRTIO_F_VERSION_1 = 1L << 32;

  /** Where the region would be in the front-end's memory: any number does. */
  private static final long USER_ADDRESS = 0x10000000L;

  private VhostUser() {}

  /** Asks for the features; the answer has {@link #ANSWER_BYTES}. */
  public static byte[] getFeatures() {
    return message(GET_FEATURES, 0);
  }

  /** Whether an answer has the feature that all of this needs: virtio as of version 1. */
  public static boolean isModern(byte[] answer) {
    return (Bytes.i64(answer, HEADER_BYTES) & VIRTIO_F_VERSION_1) != 0;
  }

  /** Takes no feature but virtio as of version 1: then rings need not be enabled. */
  public static byte[] setFeatures() {
    return number(SET_FEATURES, VIRTIO_F_VERSION_1);
  }

  /** Makes the sender the owner. */
  public static byte[] setOwner() {
    return message(SET_OWNER, 0);
  }

  /** Shares the memory, whose descriptor goes along. */
  public static byte[] setMemory(long size) {
    byte[] out = message(SET_MEM_TABLE, 40);
    Bytes.put32(out, HEADER_BYTES, 1);
    Bytes.put64(out, HEADER_BYTES + 16, size);
    Bytes.put64(out, HEADER_BYTES + 24, USER_ADDRESS);
    return out;
  }

  /** How many descriptors the request queue has. */
  public static byte[] setSize(int descriptors) {
    return pair(SET_VRING_NUM, descriptors);
  }

  /** The request queue begins at its first entry. */
  public static byte[] setBase() {
    return pair(SET_VRING_BASE, 0);
  }

  /** Where the parts of the request queue are in the region. */
  public static byte[] setAddresses(int descriptors, int available, int used) {
    byte[] out = message(SET_VRING_ADDR, 40);
    Bytes.put32(out, HEADER_BYTES, REQUESTS);
    Bytes.put64(out, HEADER_BYTES + 8, USER_ADDRESS + descriptors);
    Bytes.put64(out, HEADER_BYTES + 16, USER_ADDRESS + used);
    Bytes.put64(out, HEADER_BYTES + 24, USER_ADDRESS + available);
    return out;
  }

  /** The eventfd that says there are requests goes along. */
  public static byte[] setKick() {
    return number(SET_VRING_KICK, REQUESTS);
  }

  /** The eventfd that says there are answers goes along. */
  public static byte[] setCall() {
    return number(SET_VRING_CALL, REQUESTS);
  }

  private static byte[] pair(int request, int value) {
    byte[] out = message(request, 8);
    Bytes.put32(out, HEADER_BYTES, REQUESTS);
    Bytes.put32(out, HEADER_BYTES + 4, value);
    return out;
  }

  private static byte[] number(int request, long value) {
    byte[] out = message(request, 8);
    Bytes.put64(out, HEADER_BYTES, value);
    return out;
  }

  private static byte[] message(int request, int payload) {
    byte[] out = new byte[HEADER_BYTES + payload];
    Bytes.put32(out, 0, request);
    Bytes.put32(out, 4, VERSION);
    Bytes.put32(out, 8, payload);
    return out;
  }
}

package dev.coracle.json;

/**
 * A stretch of a text that need not be read: it was read before, byte for byte the same.
 *
 * @param from where the value begins
 * @param to one more than its last byte
 * @param value what stands for it
 */
public record Known(int from, int to, Json.Obj value) {}

package dev.coracle.lifecycle;

import dev.coracle.criu.CriuRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code checkpoint} and {@code restore} are asked for.
 *
 * @param images the directory of the images
 * @param work where criu writes its log; null for the images' directory
 * @param parent the directory of an earlier pre-dump, relative to {@code images}; null for none
 * @param on options of criu that are on or off
 * @param preDump whether only memory is dumped, and the container goes on
 * @param leaveRunning whether it goes on after a dump
 * @param statusFd gets a NUL byte once memory can be fetched; −1 for none
 * @param pageServer ADDRESS:PORT; null for none
 * @param cgroupsMode enum criu_cg_mode
 * @param emptyNamespaces CLONE_NEW* of namespaces that are restored empty
 */
public record CriuFlags(
    String images,
    @Nullable String work,
    @Nullable String parent,
    List<CriuRequest.Flag> on,
    boolean preDump,
    boolean leaveRunning,
    int statusFd,
    @Nullable String pageServer,
    int cgroupsMode,
    long emptyNamespaces,
    @Nullable String lsmProfile,
    @Nullable String lsmMountContext) {}

package dev.coracle.cli;

import org.jspecify.annotations.Nullable;

/**
 * The verbs and their flags: one text for each, from which both the parser and {@code --help} read.
 * A line is a flag: its names, {@code =} and a word where it takes a value, two spaces, and what it
 * does.
 */
final class Usage {
  static final String GLOBAL =
      """
      --root=DIR  where the state of containers is kept
      --log=FILE  write errors to this file too
      --log-format=FORMAT  text or json
      --log-level=LEVEL  error, warning or debug
      --debug  tell every step, on standard error or in the log file
      --systemd-cgroup  let systemd make the container's cgroup, as a scope
      --rootless=WHEN  auto, true or false: whether a container without limits may do without cgroups
      --sandbox=KIND  container or host, whatever the bundle says
      --help, -h  show this text
      --version, -v  show the version
      """;

  /** What every verb understands. */
  static final String HELP = "--help, -h  help\n";

  private static final String CREATING =
      """
      --bundle, -b=DIR  the bundle; the working directory by default
      --pid-file=FILE  write the pid of the container's process there
      --console-socket=SOCKET  send the terminal's master there
      --no-pivot  change the root without pivot_root, for hosts whose root is an initramfs
      --no-new-keyring  leave the caller's session keyring to the container
      --preserve-fds=N  leave N descriptors after stdio open for the process
      --pidfd-socket=SOCKET  send a pidfd of the process there
      """;

  private static final String CRIU =
      """
      --image-path=DIR  where the files are; ./checkpoint by default
      --work-path=DIR  where criu writes its log; the image path by default
      --tcp-established  TCP connections that are established too
      --link-remap  files that were removed but are open too
      --ext-unix-sk  UNIX sockets with an end outside too
      --shell-job  a process with a terminal from outside too
      --lazy-pages  the memory is fetched when it is needed
      --file-locks  file locks too
      --manage-cgroups-mode=MODE  soft, full, strict or ignore
      --empty-ns=NAMESPACE  network: restore it empty
      --auto-dedup  remove from earlier files what later ones have
      """;

  private static final String VERBS =
      """
      create ID  make a container, and let its process wait for start
      start ID  let the process of a container run
      run ID  create, start, wait and delete; exits as the process does
      state ID  show the state of a container as JSON
      kill ID [SIGNAL]  signal a container; TERM by default
      delete ID  remove a container that has stopped
      list  show all containers
      pause ID  let all processes of a container stand still
      resume ID  let them go on
      events ID  show statistics, and when memory ran out, until the container stops
      update ID  give a container other limits
      exec ID PROGRAM [ARG...]  run one more process in a container
      checkpoint ID  write a container that runs to files, by criu
      restore ID  make a container of such files
      ps ID [PS-OPTION...]  show the processes of a container
      spec  write a config.json to start from
      vm kernel ACTION [NAME] [FILE]  kernels of virtual machines: add NAME FILE, list, remove NAME, default NAME
      features  show what this runtime supports as JSON
      plan  show what create would do, and do nothing
      """;

  private Usage() {}

  /** The flags of a verb, or null where there is no such verb. */
  static @Nullable String flags(String verb) {
    return switch (verb) {
      case "create" -> CREATING;
      case "run" ->
          CREATING
              + """
              --detach, -d  return once the container has started
              --keep  do not delete the container when it has ended
              --no-subreaper  accepted for callers that pass it
              """;
      case "kill" -> "--all, -a  signal all processes of the container\n";
      case "delete" -> "--force, -f  also kill it, and be content if it is not there\n";
      case "list" ->
          """
          --format, -f=FORMAT  table or json
          --quiet, -q  ids only
          """;
      case "events" ->
          """
          --interval=TIME  time between statistics, such as 1m30s; 5s by default
          --stats  show statistics once
          """;
      case "checkpoint" ->
          CRIU
              + """
              --parent-path=DIR  an earlier pre-dump, relative to the image path
              --leave-running  the container goes on
              --tcp-skip-in-flight  pass over TCP connections that are not established yet
              --status-fd=N  write a NUL byte there once memory can be fetched
              --page-server=ADDRESS:PORT  send the memory there
              --pre-dump  write the memory only, and let the container go on
              """;
      case "restore" ->
          CRIU
              + """
              --bundle, -b=DIR  the bundle; the working directory by default
              --pid-file=FILE  write the pid of the container's process there
              --console-socket=SOCKET  send the terminal's master there
              --detach, -d  return once the container runs
              --no-subreaper  accepted for callers that pass it
              --no-pivot  accepted for callers that pass it
              --lsm-profile=PROFILE  restore with this one, TYPE:NAME
              --lsm-mount-context=CONTEXT  mount with this one
              """;
      case "ps" -> "--format, -f=FORMAT  table or json\n";
      case "spec" ->
          """
          --bundle, -b=DIR  where to write it; the working directory by default
          --rootless  one for a user who is not root
          """;
      case "plan" ->
          """
          --bundle, -b=DIR  the bundle; the working directory by default
          --format, -f=FORMAT  text or json
          """;
      case "exec" ->
          """
          --process, -p=FILE  a process as in config.json
          --console-socket=SOCKET  send the terminal's master there
          --cwd=DIR  the working directory
          --env, -e=NAME=VALUE  one more variable; may stand several times
          --tty, -t  a terminal
          --user, -u=UID[:GID]  who runs it
          --additional-gids, -g=GID  one more group; may stand several times
          --detach, -d  return once the program runs
          --pid-file=FILE  write its pid there
          --no-new-privs  execve gives no privileges
          --cap, -c=CAPABILITY  one more capability; may stand several times
          --preserve-fds=N  leave N descriptors after stdio open for it
          --apparmor=PROFILE  the AppArmor profile
          --process-label=LABEL  the SELinux context
          --cgroup=PATH  a cgroup below the container's; on cgroup v1 also CONTROLLER:PATH
          --pidfd-socket=SOCKET  send a pidfd of the process there
          --ignore-paused  also in a container that is paused
          """;
      case "update" ->
          """
          --resources, -r=FILE  linux.resources as JSON; - for standard input
          --blkio-weight=N  weight of block devices, 10 to 1000
          --memory=BYTES  memory limit; 64M and 1.5g are understood, -1 is none
          --memory-reservation=BYTES  memory that is left when memory is short
          --memory-swap=BYTES  limit of memory and swap together
          --kernel-memory=BYTES  limit of the kernel's own memory; has no effect since Linux 5.16
          --kernel-memory-tcp=BYTES  limit of memory in TCP buffers, on cgroup v1
          --cpu-share=N  share of the CPUs
          --cpu-quota=MICROSECONDS  CPU time in each period
          --cpu-period=MICROSECONDS  that period
          --cpu-burst=MICROSECONDS  what may be saved up
          --cpu-idle=N  1 for idle scheduling
          --cpu-rt-period=MICROSECONDS  period of realtime scheduling
          --cpu-rt-runtime=MICROSECONDS  CPU time of realtime scheduling in it
          --cpuset-cpus=LIST  the CPUs
          --cpuset-mems=LIST  the memory nodes
          --pids-limit=N  how many processes
          --l3-cache-schema=LINES  the cache, as resctrl has it
          --mem-bw-schema=LINE  the memory bandwidth, as resctrl has it
          """;
      case "vm" ->
          """
          --kernels=DIR  where they are; as configured, or /var/lib/coracle/kernels
          --modules=DIR  the modules of a kernel that is added, such as /lib/modules/6.1.0
          --initrd=FILE  an archive that its guests unpack before ours
          """;
      case "start", "state", "features", "pause", "resume" -> "";
      default -> null;
    };
  }

  /** Whether a verb makes a process in a container. */
  static boolean makesProcess(String verb) {
    return verb.equals("create") || verb.equals("run") || verb.equals("exec");
  }

  /** Whether everything after the first word belongs to a program. */
  static boolean takesProgram(String verb) {
    return verb.equals("exec") || verb.equals("ps");
  }

  /** The help text of a verb, or of all where it is empty. */
  static String help(String name, String verb) {
    StringBuilder out = new StringBuilder();
    if (verb.isEmpty()) {
      out.append("NAME:\n   ")
          .append(name)
          .append(" - Open Container Initiative runtime\n\nUsage: ");
      out.append(name).append(" [FLAG...] VERB [FLAG...] [ARG...]\n\nVerbs:\n");
      indent(out, VERBS);
      out.append("\nFlags before the verb:\n");
      indent(out, GLOBAL);
      return out.toString();
    }
    String line = verbLine(verb);
    int gap = line.indexOf("  ");
    out.append("NAME:\n   ").append(name).append(' ').append(verb).append(" - ");
    out.append(line.substring(gap + 2)).append("\n\nUsage: ");
    out.append(name).append(" [FLAG...] ").append(line, 0, gap).append('\n');
    String flags = flags(verb);
    if (flags != null && !flags.isEmpty()) {
      out.append("\nFlags:\n");
      indent(out, flags);
    }
    return out.toString();
  }

  private static String verbLine(String verb) {
    int from = 0;
    while (from < VERBS.length()) {
      int to = VERBS.indexOf('\n', from);
      if (VERBS.startsWith(verb + " ", from)) {
        return VERBS.substring(from, to);
      }
      from = to + 1;
    }
    return verb + "  ";
  }

  private static void indent(StringBuilder out, String lines) {
    int from = 0;
    while (from < lines.length()) {
      int to = lines.indexOf('\n', from);
      int gap = lines.indexOf("  ", from);
      out.append("  ").append(lines, from, gap);
      for (int i = gap - from; i < 26; i++) {
        out.append(' ');
      }
      out.append("  ").append(lines, gap + 2, to + 1);
      from = to + 1;
    }
  }
}

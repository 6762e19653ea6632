package dev.coracle.seccomp;

/** The calls behind socketcall(2) and ipc(2) of 32-bit x86 (linux/net.h, linux/ipc.h). */
final class Multiplexer {
  static final int SOCKETCALL = 102;
  static final int IPC = 117;

  private static final String SOCKET_CALLS =
      " socket bind connect listen accept getsockname getpeername socketpair send recv sendto"
          + " recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg ";
  private static final String IPC_CALLS =
      " semop semget semctl semtimedop msgsnd msgrcv msgget msgctl shmat shmdt shmget shmctl ";

  private Multiplexer() {}

  /**
   * Whether a number on 32-bit x86, −1 for none, may be that of such a call: far cheaper than to
   * compare names, and true of few. recvmmsg is 337, sendmmsg 345, the others are 359 to 402.
   */
  static boolean mayHave(int number) {
    return number < 0 || number == 337 || number == 345 || number >= 359 && number <= 402;
  }

  /** The number of a call of socketcall(2), from 1; 0 for another name. */
  static int socketCall(String name) {
    return Words.indexOf(SOCKET_CALLS, name) + 1;
  }

  /** The number of a call of ipc(2): 1 to 4, 11 to 14, 21 to 24; 0 for another name. */
  static int ipcCall(String name) {
    int index = Words.indexOf(IPC_CALLS, name);
    return index < 0 ? 0 : index / 4 * 10 + index % 4 + 1;
  }
}

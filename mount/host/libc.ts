/**
 * The few system calls Node lacks, by way of koffi: an optional package, loaded when the first of them is needed.
 * Structures and numbers are those of 64-bit Linux on x86 and arm.
 */

export interface Libc {
  /** Two connected stream sockets, which programs started from here do not inherit. */
  socketPair(): readonly [number, number]
  /** Takes one descriptor out of a socket. Throws if none is in it. */
  receiveDescriptor(socket: number): number
  close(fd: number): void
  /** Sets the modification time of a file and not its access time. False if that failed. */
  setModificationTime(path: Uint8Array, sec: number, nsec: number): Promise<boolean>
}

const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_CMSG_CLOEXEC = 0x40000000
const AT_FDCWD = -100
const UTIME_OMIT = 0x3ffffffe
const NUL = Uint8Array.of(0)

/**
 * struct msghdr, iovec and cmsghdr of recvmsg(2), with room for one byte and one descriptor: one piece of memory, so
 * that nothing of it can be collected while the call points to it. Positions are in words of 64 bits.
 */
const MESSAGE = { iovec: 7, control: 9, controlBytes: 24n, data: 12, words: 13 } as const

/** Fails when the package or its binary for this machine is not installed. */
export async function loadLibc(): Promise<Libc> {
  const { default: koffi } = await import('koffi')
  const libc = koffi.load(null)
  const socketpair = libc.func('int socketpair(int, int, int, void *)')
  const recvmsg = libc.func('long recvmsg(int, void *, int)')
  const close = libc.func('int close(int)')
  const utimensat = libc.func('int utimensat(int, const void *, const void *, int)')

  return {
    socketPair() {
      const pair = new Int32Array(2)
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) !== 0) throw failure('socketpair', koffi.errno())
      return [pair[0]!, pair[1]!]
    },
    receiveDescriptor(socket) {
      const message = new BigUint64Array(MESSAGE.words)
      const control = new Int32Array(message.buffer, MESSAGE.control * 8)
      const address = (word: number): bigint => koffi.address(message) + BigInt(word * 8)
      message.set([0n, 0n, address(MESSAGE.iovec), 1n, address(MESSAGE.control), MESSAGE.controlBytes, 0n])
      message.set([address(MESSAGE.data), 1n], MESSAGE.iovec)
      if (recvmsg(socket, message, MSG_CMSG_CLOEXEC) < 0) throw failure('recvmsg', koffi.errno())
      const [, , level, type, fd] = control
      if (level !== SOL_SOCKET || type !== SCM_RIGHTS) throw new Error('the message carries no descriptor')
      return fd!
    },
    close(fd) {
      close(fd)
    },
    setModificationTime(path, sec, nsec) {
      const name = Buffer.concat([path, NUL])
      const times = BigInt64Array.of(0n, BigInt(UTIME_OMIT), BigInt(sec), BigInt(nsec))
      const memory = [name, times]
      inUse.add(memory)
      return new Promise((resolve, reject) => {
        utimensat.async(AT_FDCWD, name, times, 0, (error: unknown, result: number) => {
          inUse.delete(memory)
          if (error) reject(error)
          else resolve(result === 0)
        })
      })
    },
  }
}

/** koffi holds no reference to what a call in another thread points to. */
const inUse = new Set<unknown>()

const failure = (call: string, errno: number): Error => new Error(`${call} failed with errno ${errno}`)

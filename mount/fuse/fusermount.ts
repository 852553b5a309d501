/**
 * Mounting for an ordinary user: the setuid program fusermount3 opens the device, mounts, and passes the descriptor
 * back over a socket. Node cannot receive one, so this needs koffi.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type Libc, loadLibc } from '../host/libc.ts'
import { Device } from './device.ts'
import { missingKoffi, missingProgram, refusedByHelper } from './errors.ts'
import { FS_SOURCE } from './mountinfo.ts'

const HELPER = 'fusermount3'
/** Where the helper finds its end of the socket. */
const SOCKET_FD = 3

export async function mountByHelper(dir: string): Promise<Device> {
  const libc = await libcOrRefusal()
  const [ours, theirs] = libc.socketPair()
  try {
    runHelper(dir, theirs)
    const fd = libc.receiveDescriptor(ours)
    return new Device(fd, libc.close)
  } finally {
    libc.close(ours)
    libc.close(theirs)
  }
}

async function libcOrRefusal(): Promise<Libc> {
  try {
    return await loadLibc()
  } catch (error) {
    throw missingKoffi((error as NodeJS.ErrnoException).code ?? String(error))
  }
}

function runHelper(dir: string, socket: number): void {
  const allowOther = mayAllowOther() ? ',allow_other' : ''
  const options = `fsname=${FS_SOURCE},subtype=memcgfs,default_permissions${allowOther}`
  const { status, error, stderr } = spawnSync(HELPER, ['-o', options, '--', dir], {
    stdio: ['ignore', 'ignore', 'pipe', socket],
    env: { ...process.env, _FUSE_COMMFD: String(SOCKET_FD) },
    encoding: 'utf8',
  })
  if (error) throw missingProgram(HELPER, 'fuse3')
  if (status !== 0) throw refusedByHelper(dir, stderr.trim())
}

/** Without it only the user himself may look into the mount; not even root. */
function mayAllowOther(): boolean {
  try {
    return /^\s*user_allow_other\s*$/m.test(readFileSync('/etc/fuse.conf', 'utf8'))
  } catch {
    return false // No such file: the default holds.
  }
}

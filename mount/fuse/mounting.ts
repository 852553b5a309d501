/**
 * Mounting, in the loop's thread: root (also of a user namespace) hands the opened device to mount(8); an ordinary
 * user gets it opened and mounted from fusermount3(1). No libfuse is involved.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { Device } from './device.ts'
import { missingDevice, missingProgram, refusedDevice, refusedMount } from './errors.ts'
import { mountByHelper } from './fusermount.ts'
import { FS_SOURCE, FS_TYPE } from './mountinfo.ts'
import { isRoot } from './unmounting.ts'

/** Throws a MountError that says what is missing. */
export async function mount(dir: string): Promise<Device> {
  return isRoot() ? mountAsRoot(dir) : mountByHelper(dir)
}

/**
 * The device must be opened in the user namespace that mounts, so not earlier. The kernel checks modes and owners
 * (default_permissions), and every user may come in (allow_other), as with the real thing. mount(8) returns without
 * touching the new mount, which is not served yet; `-i` keeps it from looking for a helper program.
 */
function mountAsRoot(dir: string): Device {
  const fd = openDevice()
  const options = `fd=3,rootmode=40000,user_id=${process.getuid?.()},group_id=${process.getgid?.()}`
  const args = ['-i', '-t', FS_TYPE, '-o', `${options},allow_other,default_permissions`, FS_SOURCE, dir]
  const { status, error, stderr } = spawnSync('mount', args, {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    encoding: 'utf8',
  })
  if (status === 0) return new Device(fd)
  closeSync(fd)
  if (error) throw missingProgram('mount', 'mount')
  throw refusedMount(dir, stderr.split('\n', 1)[0]!) // The second line is a general hint.
}

function openDevice(): number {
  try {
    return openSync('/dev/fuse', 'r+')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw code === 'ENOENT' || code === 'ENXIO' || code === 'ENODEV' ? missingDevice() : refusedDevice(code)
  }
}

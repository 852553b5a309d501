/**
 * Buffers of TCP sockets: charged to the cgroup the socket was made in, which it keeps as long as it lives.
 * Kernel: mm/memcontrol.c, mem_cgroup_sk_alloc, mem_cgroup_charge_skmem. A charge that is refused is made all the same,
 * and the socket is told to slow down, which is not modelled.
 */
import { isErrno } from '../errno.ts'
import type { Cpu, Pages } from '../units.ts'
import { chargePages } from './charge.ts'
import { charge, NO_COUNTER, tryCharge, uncharge } from './counter.ts'
import type { Engine } from './engine.ts'
import type { Gfp } from './gfp.ts'
import { afterUnpin, type MemCgroup } from './memcg.ts'
import { refillStock } from './stock.ts'
import { modStat, STAT } from './vmstat.ts'

/** Whether sockets made in `m` are accounted: on version 1 once memory.kmem.tcp.limit_in_bytes was written. */
export function accountsSockets(e: Engine, m: MemCgroup): boolean {
  if (m.parent === null) return false
  return e.hierarchy === 'v1' ? m.tcpActive : e.features.kmemOnV2
}

/** Charges the buffers of one new socket. */
export function chargeSocket(e: Engine, m: MemCgroup, pages: Pages, gfp: Gfp, cpu: Cpu): void {
  m.pins.sockets++
  if (pages === 0) return
  if (e.hierarchy === 'v1') {
    if (tryCharge(e.counters, m.tcpmem, pages) !== NO_COUNTER) charge(e.counters, m.tcpmem, pages)
    return
  }
  if (isErrno(chargePages(e, m, pages, gfp, cpu, null))) charge(e.counters, m.memory, pages)
  modStat(e, m, STAT.sock, cpu, pages)
}

/** A socket is closed; on version 2 its pages go to the stock of the CPU. */
export function unchargeSocket(e: Engine, m: MemCgroup, pages: Pages, cpu: Cpu): void {
  if (e.hierarchy === 'v1') uncharge(e.counters, m.tcpmem, pages)
  else if (pages > 0) {
    modStat(e, m, STAT.sock, cpu, -pages)
    refillStock(e, m, cpu, pages)
  }
  m.pins.sockets--
  afterUnpin(e, m)
}

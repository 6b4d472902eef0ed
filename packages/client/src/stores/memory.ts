/** A store that lives as long as the process: for tests, and for services that sign in again after a restart. */

import type { CustodyStore, KeptRecord, Lease } from '../custody/custody-store.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'

/** Several holders of one process may share it. */
export function memoryStore(clock: HolderClock = machineClock): CustodyStore {
  const records = new Map<string, KeptRecord>()
  const leases = new Map<string, { readonly untilMs: number; readonly lease: Lease }>()
  return {
    keepsKeys: true,
    load: async name => records.get(name) ?? null,
    async save(name, record, ifVersion) {
      if ((records.get(name)?.version ?? null) !== ifVersion) return 'moved'
      records.set(name, record)
      return 'saved'
    },
    async lease(name, seconds) {
      if ((leases.get(name)?.untilMs ?? 0) > clock.nowMs()) return null
      const lease: Lease = {
        async release() {
          if (leases.get(name)?.lease === lease) leases.delete(name)
        },
      }
      leases.set(name, { untilMs: clock.nowMs() + seconds * 1000, lease })
      return lease
    },
    async remove(name, ifVersion) {
      if (records.get(name)?.version !== ifVersion) return 'moved'
      records.delete(name)
      return 'removed'
    },
  }
}

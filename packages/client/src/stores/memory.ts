/** A store that lives as long as the process: for tests, and for services that sign in again after a restart. */

import type { CustodyStore, KeptRecord, Lease } from '../custody/custody-store.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import { isOver, sweptPerSave } from './expiry.ts'
import { isLeaseOver, type LeaseTime, leaseTimeFrom } from './lease-time.ts'

type Listener = (name: string, version: string | null) => void

interface TakenLease {
  readonly time: LeaseTime
  readonly lease: Lease
}

/**
 * Several holders of one process may share it; each is told of every change, its own too. Answers at once, and keeps
 * copies. A listener that throws does not keep the others from hearing: its error is thrown where nobody awaits it.
 */
export function memoryStore(clock: HolderClock = machineClock): CustodyStore {
  const records = new Map<string, KeptRecord>()
  const leases = new Map<string, TakenLease>()
  const listeners = new Set<Listener>()
  const tell = (name: string, version: string | null): void => {
    for (const listener of listeners) queueMicrotask(() => listeners.has(listener) && listener(name, version))
  }
  const living = (name: string): KeptRecord | null => {
    const record = records.get(name)
    return record === undefined || isOver(record, clock.nowMs()) ? null : record
  }
  const sweep = sweeping(records, clock)
  return {
    keepsKeys: true,
    load: async name => copyOf(living(name)),
    async save(name, record, ifVersion) {
      if ((living(name)?.version ?? null) !== ifVersion) return 'moved'
      sweep()
      records.set(name, { ...record })
      tell(name, record.version)
      return 'saved'
    },
    async lease(name, seconds) {
      const taken = leases.get(name)
      if (taken !== undefined && !isLeaseOver(taken.time, clock.nowMs())) return null
      const lease: Lease = {
        async release() {
          if (leases.get(name)?.lease === lease) leases.delete(name)
        },
      }
      leases.set(name, { time: leaseTimeFrom(clock.nowMs(), seconds), lease })
      return lease
    },
    async remove(name, ifVersion) {
      if (living(name)?.version !== ifVersion) return 'moved'
      records.delete(name)
      tell(name, null)
      return 'removed'
    },
    watch(listener) {
      const own: Listener = (name, version) => listener(name, version)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}

/** A key pair cannot be changed, and stays the one that it is. */
function copyOf(record: KeptRecord | null): KeptRecord | null {
  return record === null ? null : { ...record }
}

/** Goes round and round: a map is walked while it changes. */
function sweeping(records: Map<string, KeptRecord>, clock: HolderClock): () => void {
  let round = records.entries()
  return () => {
    for (let looked = 0; looked < sweptPerSave; looked++) {
      const { value, done } = round.next()
      if (done === true) {
        round = records.entries()
        return
      }
      if (isOver(value[1], clock.nowMs())) records.delete(value[0])
    }
  }
}

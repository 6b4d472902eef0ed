import type { FamilyId } from '@pawl/family'

/** How many requests may wait for one family in one process. */
export const laneWaitersMax = 1024

/**
 * More requests for one family than a process queues; nothing was read or changed. The token endpoint answers 429, every
 * other one 503: a revocation, for one, is then sent again (RFC 7009 §2.2.1).
 */
export class FamilyBusy extends Error {
  constructor(id: FamilyId) {
    super(`more than ${laneWaitersMax} requests wait for family ${id}`)
    this.name = 'FamilyBusy'
  }
}

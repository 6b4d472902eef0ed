/**
 * The contract: what passes here is a store, and nothing else is. Every verb with both its outcomes, what survives, what
 * several handles see, what leaves by itself, and in which words of SQL all this is said.
 */

import { describe } from 'node:test'
import { proveBranches } from './branches.test.ts'
import { proveCounters } from './counters.test.ts'
import { proveCredentials } from './credentials.test.ts'
import { proveCutOffs } from './cut-offs.test.ts'
import { proveDetailsTypes } from './details-types.test.ts'
import { proveDeviceRequests } from './device-requests.test.ts'
import { proveFamilies } from './families.test.ts'
import type { Kind } from './fixture.test.ts'
import { proveMarks } from './marks.test.ts'
import { proveOutbox } from './outbox.test.ts'
import { provePeople } from './people.test.ts'
import { provePushedRequests } from './pushed-requests.test.ts'
import { proveRegistrations } from './registrations.test.ts'
import { proveResources } from './resources.test.ts'
import { proveRevocations } from './revocations.test.ts'
import { listenToStore, proveStatements } from './statements.test.ts'
import { proveStatusEntries } from './status-entries.test.ts'
import { proveSweep } from './sweep.test.ts'
import { proveTime } from './time.test.ts'

export function proveStore(kind: Kind): void {
  describe(`the store contract: ${kind.name}`, () => {
    listenToStore()
    proveFamilies(kind)
    proveBranches(kind)
    proveCutOffs(kind)
    provePeople(kind)
    proveCredentials(kind)
    proveCounters(kind)
    proveMarks(kind)
    provePushedRequests(kind)
    proveDeviceRequests(kind)
    proveDetailsTypes(kind)
    proveRegistrations(kind)
    proveOutbox(kind)
    proveResources(kind)
    proveStatusEntries(kind)
    proveRevocations(kind)
    proveTime(kind)
    proveSweep(kind)
    proveStatements(kind)
  })
}

/**
 * What the tests of this ring start from: a workbench on real SQLite in memory, a clock that moves when told, and families
 * opened and used without a server. Not a test itself; the name keeps it out of what is published.
 */

import type { Family, FamilyId, Policy, StepId, Subject, Verdict } from '@pawl/family'
import { openFamily } from '@pawl/family'
import { systemEntropy } from '../domain/entropy.ts'
import { newEvent } from '../domain/event/new-event.ts'
import { judgeUse } from '../domain/family/judge.ts'
import {
  grantIdOf,
  newFamilyId,
  newRequestId,
  newSessionId,
  parseClientId,
  type RequestId,
} from '../domain/identifiers.ts'
import { keyedHasher } from '../domain/keys/keyed-hash.ts'
import { masterKeys, newMasterKey } from '../domain/keys/master-keys.ts'
import { sealer } from '../domain/keys/seal.ts'
import { argon2Hasher } from '../domain/user/password.ts'
import { openOutbound } from '../outbound/open-outbound.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import { type Workbench, workbenchOf } from './workbench.ts'

export const startsAtMs = Date.UTC(2027, 0, 5, 12)
export const retryKey = `rk1.${'r'.repeat(43)}`

export interface Bench {
  readonly workbench: Workbench
  readonly advanceSeconds: (seconds: number) => void
  /** Opens a family that has redeemed its code. */
  readonly openFamily: (of?: FamilyOf) => Promise<Family>
  /** Presents a token of the family, as the token endpoint does. */
  readonly use: (id: FamilyId, use: Use) => Promise<{ readonly verdict: Verdict; readonly requestId: RequestId }>
}

export interface FamilyOf {
  readonly client?: string
  readonly subject?: string
  readonly session?: string
  readonly keyed?: boolean
}

export interface Use {
  readonly generation: number
  readonly retryKey?: string | null
  readonly address?: string
  readonly agent?: string
}

const policy: Policy = { rotates: true, repeatWindowSeconds: 60, repeatsMax: 100, reuseEnds: 'grant' }

export async function bench(): Promise<Bench> {
  let nowMs = startsAtMs
  const entropy = systemEntropy()
  const keys = masterKeys([newMasterKey(entropy, 1)])
  const store = await openSqliteStore({ path: ':memory:', clock: { nowMs: () => nowMs }, entropy })
  const hashing = { cost: { memoryKib: 8, passes: 1, lanes: 1 }, runningMax: 2, waitingMax: 100 }
  const passwords = argon2Hasher(entropy, hashing)
  const secrets = { hasher: keyedHasher(keys, entropy), sealer: sealer(keys, entropy), passwords }
  const outbound = openOutbound({ allowsLoopback: true, privateHosts: new Set() })
  const parts = { store, entropy, ...secrets, outbound, firstKeyPublishSeconds: 600 }
  const workbench = workbenchOf(parts, 'olga')
  const use: Bench['use'] = (id, presented) => presentToken(workbench, id, presented)
  return {
    workbench,
    use,
    advanceSeconds: seconds => {
      nowMs += seconds * 1000
    },
    openFamily: async (of = {}) => {
      const family = newFamily(workbench, of, await store.now())
      const caller = { requestId: newRequestId(entropy), address: '192.0.2.1', userAgent: 'the browser' }
      const about = { familyId: family.id, clientId: family.grant.clientId, subject: family.grant.subject }
      await store.families.open(family, [
        newEvent('family_opened', { ...about, caller, atMs: family.createdAtMs }, entropy),
      ])
      await use(family.id, { generation: 0, retryKey: of.keyed === false ? null : retryKey })
      return family
    },
  }
}

function newFamily({ entropy }: Workbench, of: FamilyOf, nowMs: number): Family {
  const clientId = parseClientId(of.client ?? 'app')
  if (clientId === null) throw new Error('no client id')
  const id = newFamilyId(nowMs, entropy)
  const grant = {
    id: grantIdOf(id),
    clientId,
    subject: (of.subject ?? 'ada') as Subject,
    sessionId: (of.session ?? newSessionId(entropy)) as ReturnType<typeof newSessionId>,
    endsWithSession: false,
    scopes: ['openid', 'offline_access'],
    resources: [],
    claims: null,
    authorizationDetails: null,
    authTimeMs: nowMs,
    acr: null,
    amr: ['pwd'],
  }
  const opening = {
    id,
    grant,
    seed: entropy.bytes(32),
    keyId: 1,
    stepId: 'step-of-the-opening-22' as StepId,
    binding: null,
  }
  const lifetimes = { redeemSeconds: 60, idleSeconds: 3600, absoluteExpiresAtMs: nowMs + 86_400_000 }
  return openFamily({ ...opening, ...lifetimes, redemption: null, refreshable: true }, nowMs)
}

async function presentToken(
  workbench: Workbench,
  id: FamilyId,
  { generation, retryKey: key = retryKey, address = '192.0.2.1', agent = 'the app' }: Use,
): Promise<{ readonly verdict: Verdict; readonly requestId: RequestId }> {
  const requestId = newRequestId(workbench.entropy)
  const caller = { requestId, address, userAgent: agent }
  const judgement = await workbench.stepFamily(id, reading => {
    if (reading === null) throw new Error('no such family')
    const clientId = reading.family.grant.clientId
    const use = { generation, clientId, proof: { kind: 'none' } as const, policy, retryKey: key, caller }
    const judged = judgeUse(reading, use, workbench.entropy)
    return { change: judged.change, result: judged }
  })
  if (judgement.aside !== null) await workbench.store.events.record([judgement.aside])
  return { verdict: judgement.verdict, requestId }
}

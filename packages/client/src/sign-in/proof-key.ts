/**
 * The DPoP key of a sign-in that is under way (RFC 9449). Where the store keeps key objects it is not extractable, so it
 * waits in the store while the person is away at the server; else it travels inside the sealed transaction.
 *
 * In the store it has one of two slots, which take turns each day: abandoned sign-ins leave nothing behind that grows,
 * several tabs sign in at once, and a slot is not written again before every transaction that names it has expired.
 */

import { DPoP } from 'oauth4webapi'
import type { Place } from '../custody/custody-key.ts'
import { drawBytes } from '../custody/entropy.ts'
import { encodeBase64Url } from '../custody/custody-key.ts'
import { machineClock } from '../holder/clock.ts'
import { dpopKeyOf, exportDpopKey, generateDpopKey } from '../holder/dpop-key.ts'
import type { Custody } from '../holder/holder.ts'
import { issuerOf } from '../holder/server.ts'
import { SignInFailed } from './failures.ts'
import type { TransactionKey } from './transaction.ts'

export interface ProofKey {
  readonly thumbprint: string
  readonly remembered: TransactionKey
}

/** A key for a sign-in that begins, and how its transaction finds it again. */
export async function beginProofKey(custody: Custody): Promise<ProofKey> {
  if (custody.store.keepsKeys) return keptKey(custody)
  const key = await generateDpopKey(custody.store)
  return { thumbprint: await thumbprintOf(key), remembered: { kind: 'carried', jwk: await exportDpopKey(key) } }
}

/** The key of a sign-in that comes back. Rejects with `SignInFailed` when the store has lost it. */
export async function findProofKey(custody: Custody, remembered: TransactionKey | null): Promise<CryptoKeyPair | null> {
  if (remembered === null) return null
  if (remembered.kind === 'carried') return dpopKeyOf(remembered.jwk)
  const { key } = (await custody.store.load(remembered.slot)) ?? {}
  if (key !== undefined && (await thumbprintOf(key)) === remembered.thumbprint) return key
  throw new SignInFailed('not_ours', 'the key of this sign-in is not in the store any more')
}

export function thumbprintOf(key: CryptoKeyPair): Promise<string> {
  return DPoP({}, key).calculateThumbprint()
}

const periodMs = 86_400_000
const savesMax = 4

async function keptKey(custody: Custody): Promise<ProofKey> {
  const { store, clock = machineClock } = custody
  const period = Math.floor(clock.nowMs() / periodMs)
  const slot = `sign-in key ${period % 2}`
  for (let attempt = 0; attempt < savesMax; attempt++) {
    const found = await store.load(slot)
    if (found?.key !== undefined && (await periodOf(custody, slot, found)) === period) {
      const thumbprint = await thumbprintOf(found.key)
      return { thumbprint, remembered: { kind: 'kept', slot, thumbprint } }
    }
    const key = await generateDpopKey(store)
    const version = encodeBase64Url(drawBytes(versionBytes))
    const sealed = await custody.custodyKey.seal(String(period), placeOf(custody, slot, version))
    // Another tab may be quicker: then its key is taken in the next round.
    await store.save(slot, { version, sealed, key }, found?.version ?? null)
  }
  throw new SignInFailed('unanswered', 'the store did not take the key of this sign-in')
}

const versionBytes = 16

/** The day on which a slot was written; null for what another client or custody key left there. */
async function periodOf(
  custody: Custody,
  slot: string,
  { sealed, version }: { readonly sealed: string; readonly version: string },
): Promise<number | null> {
  try {
    return Number(await custody.custodyKey.open(sealed, placeOf(custody, slot, version)))
  } catch {
    // It is of no use to us, and is written over.
    return null
  }
}

function placeOf(custody: Custody, name: string, version: string): Place {
  return { issuer: issuerOf(custody), clientId: custody.client.client_id, name, version }
}

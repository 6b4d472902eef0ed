/**
 * The DPoP key of a sign-in that is under way (RFC 9449). Where the store keeps key objects it is not extractable, so it
 * waits in the store while the person is away at the server, and is forgotten with its transaction; else it travels inside
 * the sealed transaction.
 */

import { DPoP } from 'oauth4webapi'
import { encodeBase64Url, type Place } from '../custody/custody-key.ts'
import { drawBytes } from '../custody/entropy.ts'
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
export async function beginProofKey(custody: Custody, expiresAtMs: number): Promise<ProofKey> {
  const { store, custodyKey } = custody
  const key = await generateDpopKey(store)
  const thumbprint = await DPoP({}, key).calculateThumbprint()
  if (!store.keepsKeys) return { thumbprint, remembered: { kind: 'carried', jwk: await exportDpopKey(key) } }
  const name = `sign-in ${thumbprint}`
  const version = encodeBase64Url(drawBytes(versionBytes))
  const sealed = await custodyKey.seal('', placeOf(custody, name, version))
  if ((await store.save(name, { version, sealed, key, expiresAtMs }, null)) === 'saved') {
    return { thumbprint, remembered: { kind: 'kept', name } }
  }
  throw new SignInFailed('unanswered', 'the store did not take the key of this sign-in')
}

const versionBytes = 16

/** The key of a sign-in that comes back, once. Rejects with `SignInFailed` when the store has it no more. */
export async function takeProofKey(custody: Custody, remembered: TransactionKey | null): Promise<CryptoKeyPair | null> {
  if (remembered === null) return null
  if (remembered.kind === 'carried') return dpopKeyOf(remembered.jwk)
  const { store } = custody
  const found = await store.load(remembered.name)
  if (found?.key === undefined || (await store.remove(remembered.name, found.version)) === 'moved') {
    throw new SignInFailed('not_ours', 'this sign-in was finished before')
  }
  return found.key
}

function placeOf(custody: Custody, name: string, version: string): Place {
  return { issuer: issuerOf(custody), clientId: custody.client.client_id, name, version }
}

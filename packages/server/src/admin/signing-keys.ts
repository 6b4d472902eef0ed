/** Signing keys as an operator sees and rotates them. No private part ever leaves the store in the clear. */

import type { SigningAlgorithm } from '../domain/client/signing-algorithm.ts'
import type { StoredSigningKey } from '../domain/keys/signing-key-store.ts'
import { firstAlgorithms, openSigningKeys, publishSecondsMin, type SigningKeys } from '../domain/keys/signing-keys.ts'
import { isoInstant } from '../domain/time.ts'
import { AdminRefused, InputRefused, type Workbench } from './workbench.ts'

export type SigningKeyState = 'published' | 'signing' | 'verifying' | 'retired'

export interface SigningKeyView {
  readonly key: StoredSigningKey
  readonly state: SigningKeyState
}

/** How long a key goes on verifying after its last signature: longer than anything it signs lives. */
export const verifySecondsDefault = 86_400
export const verifySecondsMin = 3600
export const rotationSecondsMax = 365 * 86_400

/** Every key, the newest first. */
export async function listSigningKeys(workbench: Workbench): Promise<readonly SigningKeyView[]> {
  const [keys, nowMs] = await Promise.all([workbench.store.signingKeys.list(), workbench.store.now()])
  return keys
    .toSorted((one, other) => other.createdAtMs - one.createdAtMs)
    .map(key => ({ key, state: stateOf(key, keys, nowMs) }))
}

/**
 * Publishes a new key that takes over once every verifier can know it; the old one verifies until its last token is
 * dead. Running servers see it without a restart.
 */
export async function rotateSigningKey(
  workbench: Workbench,
  algorithm: SigningAlgorithm,
  seconds: { readonly publish?: number | undefined; readonly verify?: number | undefined },
): Promise<SigningKeyView> {
  const publishSeconds = seconds.publish ?? publishSecondsMin
  const verifySeconds = seconds.verify ?? verifySecondsDefault
  refuseRange('--publish-seconds', publishSeconds, publishSecondsMin)
  refuseRange('--verify-seconds', verifySeconds, verifySecondsMin)
  const failures: unknown[] = []
  const keys = await openKeys(workbench, failures)
  const rotated = await keys.rotate(algorithm, { publishSeconds, verifySeconds }, workbench.operator.name)
  if (rotated === null)
    throw new AdminRefused('Another process changed the keys first: look at them, then decide again.')
  const view = (await listSigningKeys(workbench)).find(({ key }) => key.kid === rotated.kid)
  if (view === undefined) throw new AdminRefused('The new key is not in the list.', { cause: failures[0] })
  return view
}

/**
 * Sees to it that there is a key for each of these, so that its time of being published begins before anybody needs it.
 * Answers when the last of them signs, or null where all do already.
 */
export async function wantSigningKeys(
  workbench: Workbench,
  algorithms: readonly SigningAlgorithm[],
): Promise<number | null> {
  const later = [...new Set(algorithms)].filter(one => !firstAlgorithms.includes(one))
  if (later.length === 0) return null
  const listed = await workbench.store.signingKeys.list()
  const missing = later.filter(one => !listed.some(key => key.algorithm === one))
  if (missing.length === 0) return null
  const keys = await openKeys(workbench, [])
  const nowMs = await workbench.store.now()
  for (const algorithm of missing) await keys.publishFirst(algorithm, nowMs)
  return workbench.firstKeyPublishSeconds === 0 ? null : nowMs + workbench.firstKeyPublishSeconds * 1000
}

function openKeys(workbench: Workbench, failures: unknown[]): Promise<SigningKeys> {
  const { store, sealer, entropy, firstKeyPublishSeconds: firstPublishSeconds } = workbench
  const options = { store: store.signingKeys, sealer, entropy, firstPublishSeconds, now: () => store.now() }
  return openSigningKeys({ ...options, report: error => failures.push(error) })
}

export function signingKeyJson({ key, state }: SigningKeyView): { readonly [name: string]: unknown } {
  return {
    kid: key.kid,
    alg: key.algorithm,
    state,
    created_at: isoInstant(key.createdAtMs),
    signs_from: isoInstant(key.signsFromMs),
    verifies_until: key.verifiesUntilMs === null ? null : isoInstant(key.verifiesUntilMs),
  }
}

/** The key that signs is the newest of its algorithm whose time has come. */
function stateOf(key: StoredSigningKey, keys: readonly StoredSigningKey[], nowMs: number): SigningKeyState {
  if (key.verifiesUntilMs !== null && nowMs >= key.verifiesUntilMs) return 'retired'
  if (nowMs < key.signsFromMs) return 'published'
  const isReplaced = keys.some(
    other => other.algorithm === key.algorithm && other.signsFromMs > key.signsFromMs && other.signsFromMs <= nowMs,
  )
  return isReplaced ? 'verifying' : 'signing'
}

function refuseRange(flag: string, value: number, min: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= rotationSecondsMax) return
  throw new InputRefused([`${flag} is a whole number from ${min} to ${rotationSecondsMax}.`])
}

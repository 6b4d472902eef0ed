/**
 * The rule. A token of some generation is presented; `present` says what it is worth and what the row must become.
 * No clock, no randomness, no store: the same arguments always give the same verdict. Whoever calls it has already
 * authenticated the client and checked the tags, so a verdict is about the family alone (I1, I4 to I8).
 */

import { type CutOffs, cutOffOf } from './cut-offs.ts'
import { expiryOf } from './expiry.ts'
import { type Binding, endFamily, type Family, generationMax } from './family.ts'
import { newestUseWasOf, recordUse, wasUsedWith } from './recent-uses.ts'

/** What a reuse ends. The store turns everything wider than the family into a cut-off, in the same transaction. */
export type ReuseEnds = 'family' | 'grant' | 'session' | 'consent'

export interface Policy {
  /** False where the same refresh token is kept (FAPI 2.0: sender-constrained confidential clients). */
  readonly rotates: boolean
  /** How long a bare predecessor is answered again. 0 turns the repeat window off. */
  readonly repeatWindowSeconds: number
  readonly repeatsMax: number
  readonly reuseEnds: ReuseEnds
}

/** What the presenter has shown besides the token. A confidential client that authenticated is `client`. */
export type Proof =
  | { readonly kind: 'none' }
  | { readonly kind: 'client' }
  | { readonly kind: 'key'; readonly binding: Binding }

/** A time in which the store answered nobody: answers of just before it may have been lost through no one's fault. */
export interface Interruption {
  readonly beganAtMs: number
  /** The first write after it. */
  readonly endedAtMs: number
}

export interface Presentation {
  readonly generation: number
  readonly proof: Proof
  readonly addressTag: Uint8Array
  readonly agentTag: Uint8Array
  readonly retryKeyTag: Uint8Array | null
  readonly nowMs: number
  readonly policy: Policy
  /** Those the store remembers, the oldest first. */
  readonly interruptions: readonly Interruption[]
}

export type RefusalReason =
  | 'ended'
  | 'expired'
  | 'cut_off'
  | 'ahead'
  | 'exhausted'
  | 'retry_key_required'
  | 'binding_mismatch'
  | 'too_many_repeats'

/** Each verdict carries the family as it must be saved; it is the very object that came in when nothing changes. */
export type Verdict =
  | { readonly kind: 'advanced'; readonly family: Family }
  | { readonly kind: 'kept'; readonly family: Family }
  | { readonly kind: 'repeated'; readonly family: Family }
  | { readonly kind: 'stale'; readonly family: Family }
  | { readonly kind: 'reused'; readonly family: Family; readonly ends: ReuseEnds }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly family: Family }

/**
 * Decides what the presented generation is worth. Every input has a verdict; only a tag of the wrong length, which is a
 * bug of the caller, throws.
 */
export function present(family: Family, cutOffs: CutOffs, presentation: Presentation): Verdict {
  if (family.end !== null) return refused(family, 'ended')
  const over = endByTime(family, cutOffs, presentation.nowMs)
  if (over !== null) return over
  if (presentation.generation > family.generation) return refused(family, 'ahead')
  if (family.keyed && presentation.retryKeyTag === null) return refused(family, 'retry_key_required')
  if (family.binding !== null && !provesBinding(family, presentation.proof)) return refused(family, 'binding_mismatch')
  if (presentation.generation === family.generation) return current(family, presentation)
  if (presentation.generation === 0 && !family.codeRepeats) return codeAgain(family, presentation)
  if (isPredecessor(family, presentation)) return predecessor(family, presentation)
  return older(family, presentation)
}

/** Expiry and cut-off become the family's end in the step that meets them, so that no clock can bring it back. */
function endByTime(family: Family, cutOffs: CutOffs, nowMs: number): Verdict | null {
  const cutOff = cutOffOf(family, cutOffs)
  if (cutOff !== null) return refused(endFamily(family, cutOff, 'rule', nowMs), 'cut_off')
  const expiry = expiryOf(family, nowMs)
  if (expiry !== null) return refused(endFamily(family, expiry, 'rule', nowMs), 'expired')
  return null
}

function current(family: Family, presentation: Presentation): Verdict {
  const usedAtMs = Math.max(family.usedAtMs, presentation.nowMs)
  const recentUses = withThisUse(family, presentation)
  if (family.generation > 0 && !presentation.policy.rotates) {
    return { kind: 'kept', family: { ...family, usedAtMs, recentUses } }
  }
  if (family.generation === generationMax) return refused(family, 'exhausted')
  const generation = family.generation + 1
  const rotatedAtMs = Math.max(family.rotatedAtMs, presentation.nowMs)
  const rotated = { ...family, usedAtMs, recentUses, generation, rotatedAtMs, repeats: 0 }
  if (family.generation > 0) return { kind: 'advanced', family: rotated }
  return { kind: 'advanced', family: { ...rotated, ...fixedAtFirstIssue(family, presentation) } }
}

/** Keying and binding are settled by the request that redeems the code, and by no later one: a thief must not add them. */
function fixedAtFirstIssue(family: Family, presentation: Presentation): Pick<Family, 'keyed' | 'binding'> {
  const { proof, retryKeyTag } = presentation
  return { keyed: retryKeyTag !== null, binding: proof.kind === 'key' ? proof.binding : family.binding }
}

/** An authorization code never gets a second answer, but its rightful holder repeating it is no theft. */
function codeAgain(family: Family, presentation: Presentation): Verdict {
  return isRightfulHolder(family, presentation) ? { kind: 'stale', family } : reused(family, presentation)
}

/** After a current token was kept, the one before it is no longer the predecessor of anything unanswered. */
function isPredecessor(family: Family, presentation: Presentation): boolean {
  return presentation.generation === family.generation - 1 && newestUseWasOf(family.recentUses, presentation.generation)
}

function predecessor(family: Family, presentation: Presentation): Verdict {
  if (presentation.proof.kind === 'client' || isRightfulHolder(family, presentation)) return repeated(family)
  if (family.keyed || !isInsideRepeatWindow(family, presentation)) return reused(family, presentation)
  const repeatsMax = Math.min(presentation.policy.repeatsMax, repeatsStoredMax)
  return family.repeats < repeatsMax ? repeated(family) : refused(family, 'too_many_repeats')
}

function older(family: Family, presentation: Presentation): Verdict {
  return isRightfulHolder(family, presentation) ? { kind: 'stale', family } : reused(family, presentation)
}

/** Shown by the key the family is bound to, or by the retry key with which this very generation was used. */
function isRightfulHolder(family: Family, presentation: Presentation): boolean {
  if (family.binding !== null) return true
  const { retryKeyTag, generation } = presentation
  return retryKeyTag !== null && wasUsedWith(family.recentUses, generation, retryKeyTag)
}

/**
 * The window counts from the rotation. Where an interruption of the store cut it short, it counts from the first write
 * after: the holder had no chance to ask again. The next interruption may cut that one short in turn. A window that had
 * run out before an interruption stays shut. A clock that went back counts as standing at the rotation, so that a window
 * of 0 is shut there too.
 */
function isInsideRepeatWindow(family: Family, presentation: Presentation): boolean {
  const windowMs = presentation.policy.repeatWindowSeconds * 1000
  let fromMs = family.rotatedAtMs
  for (const { beganAtMs, endedAtMs } of presentation.interruptions) {
    const wasCutShort = fromMs <= beganAtMs && beganAtMs < fromMs + windowMs
    if (wasCutShort) fromMs = Math.max(fromMs, endedAtMs)
  }
  return Math.max(family.rotatedAtMs, presentation.nowMs) < fromMs + windowMs
}

function provesBinding(family: Family, proof: Proof): boolean {
  if (proof.kind !== 'key') return false
  return proof.binding.kind === family.binding?.kind && proof.binding.thumbprint === family.binding.thumbprint
}

function withThisUse(family: Family, presentation: Presentation): Uint8Array {
  const { generation, addressTag, agentTag, retryKeyTag, nowMs } = presentation
  return recordUse(family.recentUses, { generation, atMs: nowMs, addressTag, agentTag, retryKeyTag })
}

function repeated(family: Family): Verdict {
  if (family.repeats === repeatsStoredMax) return { kind: 'repeated', family }
  return { kind: 'repeated', family: { ...family, repeats: family.repeats + 1 } }
}

function reused(family: Family, presentation: Presentation): Verdict {
  const { policy, nowMs } = presentation
  return { kind: 'reused', family: endFamily(family, 'reuse', 'rule', nowMs), ends: policy.reuseEnds }
}

function refused(family: Family, reason: RefusalReason): Verdict {
  return { kind: 'refused', reason, family }
}

/** The row keeps the count in two bytes. */
const repeatsStoredMax = 0xffff

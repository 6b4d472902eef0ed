/**
 * A presented token meets its family: proves the seed, asks the rule, and says what must be saved and what goes to the
 * log. Shared by the code and the refresh grant, because a code is generation 0 of the same thing.
 */

import { type ClientId, type Policy, type Proof, present, type Verdict } from '@pawl/family'
import type { CutOff, CutOffTarget } from '../cut-off/cut-off.ts'
import type { Entropy } from '../entropy.ts'
import type { AuditEvent, EventKind } from '../event/event.ts'
import { type Caller, countedEvent, newEvent } from '../event/new-event.ts'
import { addressTag, agentTag, retryKeyTag } from '../token/retry-key.ts'
import type { FamilyReading } from './family-store.ts'
import type { FamilyChange } from './step.ts'

export interface TokenUse {
  readonly generation: number
  readonly clientId: ClientId
  readonly proof: Proof
  readonly policy: Policy
  /** The retry key as sent, or null. */
  readonly retryKey: string | null
  readonly caller: Caller
}

export interface Judgement {
  readonly verdict: Verdict
  /** What the step must save before anything is answered, or null. */
  readonly change: FamilyChange | null
  /** What the log should know though nothing changes; recorded in the background. */
  readonly aside: AuditEvent | null
}

/** Asks the rule about one use of a family whose client and seed were already found right. */
export function judgeUse(reading: FamilyReading, use: TokenUse, entropy: Entropy): Judgement {
  const { family, cutOffs, nowMs, interruptions } = reading
  const verdict = present(family, cutOffs, {
    generation: use.generation,
    proof: use.proof,
    addressTag: addressTag(family.seed, use.caller.address),
    agentTag: agentTag(family.seed, use.caller.userAgent),
    retryKeyTag: use.retryKey === null ? null : retryKeyTag(family.seed, use.retryKey),
    nowMs,
    policy: use.policy,
    interruptions,
  })
  if (verdict.family === family) return { verdict, change: null, aside: asideOf(verdict, reading, use) }
  const events = eventsOf({ verdict, reading, use, entropy })
  return { verdict, change: { family: verdict.family, events, cutOffs: cutOffsOf(verdict) }, aside: null }
}

interface Judged {
  readonly verdict: Verdict
  readonly reading: FamilyReading
  readonly use: TokenUse
  readonly entropy: Entropy
}

/** A plain rotation is counted on the row and leaves no event (I12). */
function eventsOf(judged: Judged): AuditEvent[] {
  const { verdict, reading, use } = judged
  const { generation, caller } = use
  switch (verdict.kind) {
    case 'advanced':
    case 'kept':
    case 'stale':
      return []
    case 'repeated':
      return [countedEvent('token_repeated', reading.family, { generation, caller, atMs: reading.nowMs })]
    case 'reused':
      return [endEvent('token_reused', judged)]
    case 'refused':
      return [endEvent('family_ended', judged)]
  }
}

function endEvent(kind: EventKind, judged: Judged): AuditEvent {
  const { verdict, use, entropy } = judged
  const { family, nowMs } = judged.reading
  const reason = verdict.family.end?.reason ?? null
  const ends = verdict.kind === 'reused' ? verdict.ends : 'family'
  const detail = { reason, ends, generation: use.generation, current: family.generation }
  const { clientId, subject, sessionId } = family.grant
  const about = { familyId: family.id, clientId, subject, sessionId, caller: use.caller, atMs: nowMs, detail }
  return newEvent(kind, about, entropy)
}

function asideOf(verdict: Verdict, reading: FamilyReading, use: TokenUse): AuditEvent | null {
  const kind = asideKind(verdict)
  if (kind === null) return null
  return countedEvent(kind, reading.family, { generation: use.generation, caller: use.caller, atMs: reading.nowMs })
}

function asideKind(verdict: Verdict): EventKind | null {
  if (verdict.kind === 'stale') return 'token_stale'
  if (verdict.kind !== 'refused') return null
  if (verdict.reason === 'ahead') return 'token_ahead'
  if (verdict.reason === 'retry_key_required') return 'retry_key_missing'
  if (verdict.reason === 'binding_mismatch') return 'binding_missing'
  return null
}

/** What a reuse ends besides the family itself. */
function cutOffsOf(verdict: Verdict): CutOff[] {
  if (verdict.kind !== 'reused' || verdict.ends === 'family') return []
  const target = targetOf(verdict)
  return target === null ? [] : [{ target, reason: 'reuse', by: 'rule', beforeMs: null }]
}

function targetOf(verdict: Verdict & { readonly kind: 'reused' }): CutOffTarget | null {
  const { id, sessionId, subject, clientId } = verdict.family.grant
  switch (verdict.ends) {
    case 'family':
      return null
    case 'grant':
      return { kind: 'grant', grantId: id }
    case 'session':
      return sessionId === null ? { kind: 'grant', grantId: id } : { kind: 'session', sessionId }
    case 'consent':
      return subject === null ? { kind: 'grant', grantId: id } : { kind: 'consent', subject, clientId }
  }
}

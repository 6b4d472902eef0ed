/** Chooses the words for what is on record. The words themselves are `@pawl/family`'s; here they meet the audit log. */

import {
  type Branch,
  type Circumstances,
  type EndReason,
  type Explanation,
  explainEnd,
  explainRefusal,
  explainVerdict,
  readUses,
  type RefusalReason,
  type ReuseEnds,
  unknownCircumstances,
  type VerdictName,
  weakSentence,
} from '@pawl/family'
import type { EventKind, RecordedEvent } from '../domain/event/event.ts'
import type { Refusal } from '../domain/event/refusal.ts'
import { isoInstant } from '../domain/time.ts'
import { addressTag, agentTag } from '../domain/token/retry-key.ts'
import { alarmExplanation } from './explain-alarms.ts'
import { happeningExplanation, happenings, type RuledKind } from './explain-happenings.ts'
import type { FamilyView } from './families.ts'

/** What one event of the log means. `family` adds how the presenter compares with those who used it before. */
export function eventExplanation(event: RecordedEvent, family: FamilyView | null): Explanation {
  const told = tell(event)
  return { ...told, sentences: [...told.sentences, ...compared(event, family), ...counted(event)] }
}

/** A refusal that left no event: the log's own sentence, then the end of its family if that is the reason. */
export function refusalExplanation(
  refusal: Refusal | null,
  family: FamilyView | null,
  events: readonly RecordedEvent[],
): Explanation {
  const said = refusal === null ? [] : [refusalSentence(refusal)]
  const whole = family === null ? null : familyExplanation(family, events)
  if (whole === null || family?.overBecause === null) {
    return { title: `Refused: ${refusal?.code ?? 'unknown'}`, sentences: said, nextSteps: [] }
  }
  return { ...whole, sentences: [...said, ...whole.sentences] }
}

/** Where a family stands; when it is over, why, in the circumstances in which it ended. */
export function familyExplanation(view: FamilyView, events: readonly RecordedEvent[]): Explanation {
  const { family, overBecause } = view
  if (overBecause === null) return livingExplanation(view)
  const ending = events.find(event => event.kind === 'token_reused' || event.kind === 'family_ended') ?? null
  const circumstances = ending === null ? unknownCircumstances : circumstancesOf(ending)
  const end = family.end ?? { reason: overBecause, atMs: 0, by: 'rule' }
  const at = family.end === null ? null : isoInstant(family.end.atMs)
  const explained = explainEnd(end, { ...circumstances, at })
  const comparison = ending === null ? [] : compared(ending, view)
  return { ...explained, sentences: [...explained.sentences, ...comparison] }
}

function livingExplanation(view: FamilyView): Explanation {
  const { family } = view
  const { clientId, subject } = family.grant
  const whose = subject === null ? 'for itself' : `for user ${subject}`
  const state =
    family.generation === 0 ? 'It waits for its code to be redeemed.' : `It stands at generation ${family.generation}.`
  return {
    title: family.generation === 0 ? 'Waiting for its code to be redeemed' : 'Living',
    sentences: [
      `Client ${clientId} opened this family ${whose} at ${isoInstant(family.createdAtMs)}.`,
      `${state} It was last used at ${isoInstant(family.usedAtMs)} and, unused, runs out at ${isoInstant(view.expiresAtMs)}.`,
      ...(family.branch === null ? [] : [branchSentence(family.branch)]),
      ...(view.weak ? [weakSentence] : []),
    ],
    nextSteps: [],
  }
}

function branchSentence({ name, parentFamilyId }: Branch): string {
  return `It is the branch ${JSON.stringify(name)} of family ${parentFamilyId}, and ends at the latest with its grant.`
}

function tell(event: RecordedEvent): Explanation {
  const { kind } = event
  const circumstances = circumstancesOf(event)
  if (kind === 'family_ended') return explainEnding(event, circumstances)
  if (kind === 'token_reused') return explainVerdict({ kind: 'reused', ends: reuseEndsOf(event) }, circumstances)
  if (kind === 'wrong_client' || kind === 'suspicious_pkce') return alarmExplanation(kind, event)
  if (tellsOfPresentation(kind)) return explainVerdict(verdicts[kind], circumstances)
  return happeningExplanation(event, happenings[kind])
}

type PresentationKind = Exclude<RuledKind, 'family_ended' | 'token_reused'>

function tellsOfPresentation(kind: EventKind): kind is PresentationKind {
  return Object.hasOwn(verdicts, kind)
}

/** What the rule decided where an event tells of a presentation that ended nothing. */
const verdicts: { readonly [kind in PresentationKind]: VerdictName } = {
  token_repeated: { kind: 'repeated' },
  token_stale: { kind: 'stale' },
  token_ahead: { kind: 'refused', reason: 'ahead' },
  retry_key_missing: { kind: 'refused', reason: 'retry_key_required' },
  binding_missing: { kind: 'refused', reason: 'binding_mismatch' },
}

/** The step that met an expiry or a cut-off both refused and ended; the refusal is what the request saw. */
function explainEnding(event: RecordedEvent, circumstances: Circumstances): Explanation {
  const reason = textIn(event, 'reason')
  if (reason === null) return happeningExplanation(event, endWithoutReason)
  const end = { reason: reason as EndReason, atMs: event.atMs, by: textIn(event, 'by') ?? 'rule' }
  const ended = explainEnd(end, { ...circumstances, generationPresented: null })
  const refusal = refusalFor(reason)
  if (circumstances.generationPresented === null || refusal === null) return ended
  const refused = explainRefusal(refusal, circumstances)
  return { title: ended.title, sentences: [...refused.sentences, ...ended.sentences], nextSteps: ended.nextSteps }
}

const endWithoutReason = {
  title: 'A family ended',
  happened: 'a family ended; why is not on record.',
  operator: 'Look at the other events of the family.',
}

function refusalFor(reason: string): RefusalReason | null {
  if (reason.startsWith('cut_off_')) return 'cut_off'
  return reason.endsWith('_expired') ? 'expired' : null
}

function refusalSentence(refusal: Refusal): string {
  const who = refusal.clientId === null ? 'somebody' : `client ${refusal.clientId}`
  const what = `${who} was answered ${refusal.code} at ${refusal.endpoint}`
  return `At ${isoInstant(refusal.atMs)}, ${what}, asking from ${refusal.address}: ${refusal.detail}.`
}

/**
 * Were those who used the family lately the same? The row keeps tags, not addresses, so the only question that can be
 * asked is this one, and it is the one that tells a thief from a lost answer.
 */
function compared(event: RecordedEvent, view: FamilyView | null): string[] {
  const { address, agent } = circumstancesOf(event)
  const uses = view === null ? [] : readUses(view.family.recentUses)
  if (view === null || uses.length === 0 || address === null || agent === null) return []
  const { seed } = view.family
  const sameAddress = uses.filter(use => isSame(use.addressTag, addressTag(seed, address))).length
  const sameAgent = uses.filter(use => isSame(use.agentTag, agentTag(seed, agent))).length
  return [
    `Of the last ${uses.length} uses on record, ${sameAddress} came from this address and ${sameAgent} from this agent.`,
  ]
}

function counted(event: RecordedEvent): string[] {
  if (event.count <= 1) return []
  return [`It happened ${event.count} times, the last time at ${isoInstant(event.lastAtMs)}.`]
}

function circumstancesOf(event: RecordedEvent): Circumstances {
  return {
    at: isoInstant(event.atMs),
    clientId: event.clientId,
    subject: event.subject,
    generationPresented: numberIn(event, 'generation'),
    generationCurrent: numberIn(event, 'current'),
    address: textIn(event, 'address'),
    agent: textIn(event, 'agent'),
  }
}

function reuseEndsOf(event: RecordedEvent): ReuseEnds {
  const ends = textIn(event, 'ends')
  return ends === 'family' || ends === 'session' || ends === 'consent' ? ends : 'grant'
}

function numberIn(event: RecordedEvent, name: string): number | null {
  const value = event.detail[name]
  return typeof value === 'number' ? value : null
}

function textIn(event: RecordedEvent, name: string): string | null {
  const value = event.detail[name]
  return typeof value === 'string' ? value : null
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}

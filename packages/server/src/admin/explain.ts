/**
 * Answers "why?" for an id a person has at hand: the `Pawl-Request-Id` of an answer, a family, or an event. Says who,
 * when, which generation, why the rule decided so, and what to do next. Nothing of it is ever told to a client (I10).
 */

import type { Explanation, FamilyId } from '@pawl/family'
import type { RecordedEvent } from '../domain/event/event.ts'
import type { Refusal } from '../domain/event/refusal.ts'
import { parseFamilyId, parseRequestId } from '../domain/identifiers.ts'
import { isoInstant } from '../domain/time.ts'
import { eventExplanation, familyExplanation, refusalExplanation } from './explain-words.ts'
import { familyJson, type FamilyView, showFamily } from './families.ts'
import { AdminRefused, InputRefused, type Workbench } from './workbench.ts'

export const eventsShownMax = 50
/** How far back an event is looked for by its id alone. */
export const eventsSearchedMax = 10_000

export interface Explained {
  readonly id: string
  readonly kind: 'request' | 'family' | 'event'
  readonly explanation: Explanation
  readonly refusal: Refusal | null
  /** Oldest first. */
  readonly events: readonly RecordedEvent[]
  readonly family: FamilyView | null
  /** Whose family it is, where that person is still there. */
  readonly email: string | null
}

/** Throws `InputRefused` for what is no id, and `AdminRefused` when nothing is on record under it. */
export async function explain(workbench: Workbench, id: string): Promise<Explained> {
  const requestId = parseRequestId(id)
  if (requestId !== null) {
    const [refusal, events] = await Promise.all([
      workbench.store.refusals.ofRequest(requestId),
      workbench.store.events.ofRequest(requestId, eventsShownMax),
    ])
    return explainRequest(workbench, id, refusal, events)
  }
  const [familyText, ...counted] = id.split('.')
  const familyId = parseFamilyId(familyText ?? '')
  if (familyId === null) {
    throw new InputRefused(['That is no request id (req_…), family id or event id.'])
  }
  if (counted.length > 0)
    return explainEvent(workbench, id, await workbench.store.events.ofFamily(familyId, eventsShownMax))
  const family = await workbench.store.families.read(familyId)
  if (family !== null) return explainFamily(workbench, familyId)
  return explainEvent(workbench, id, await workbench.store.events.latest(eventsSearchedMax))
}

/** The JSON of the command line. */
export function explainedJson(explained: Explained): { readonly [name: string]: unknown } {
  const { explanation, refusal, family } = explained
  return {
    id: explained.id,
    kind: explained.kind,
    title: explanation.title,
    sentences: explanation.sentences,
    next_steps: explanation.nextSteps,
    refusal: refusal === null ? null : refusalJson(refusal),
    events: explained.events.map(eventJson),
    family: family === null ? null : familyJson(family),
    email: explained.email,
  }
}

async function explainRequest(
  workbench: Workbench,
  id: string,
  refusal: Refusal | null,
  ofRequest: readonly RecordedEvent[],
): Promise<Explained> {
  const familyId = refusal?.familyId ?? ofRequest.find(event => event.familyId !== null)?.familyId ?? null
  if (refusal === null && ofRequest.length === 0) {
    throw new AdminRefused(
      `Nothing is on record for ${id}: it was answered as asked, or it is older than the log of refusals.`,
    )
  }
  const family = familyId === null ? null : await showIfThere(workbench, familyId)
  const all = familyId === null ? ofRequest : await workbench.store.events.ofFamily(familyId, eventsShownMax)
  const about = refusal === null ? null : countedOf(refusal, all)
  // A request that nobody refused is told by what it did.
  const done = refusal === null ? (ofRequest[0] ?? null) : null
  const told = ofRequest.find(tellsOfItself) ?? about ?? done
  const explanation = told === null ? refusalExplanation(refusal, family, all) : eventExplanation(told, family)
  return complete(workbench, { id, kind: 'request', explanation, refusal, events: inOrder(all), family })
}

async function explainFamily(workbench: Workbench, familyId: FamilyId): Promise<Explained> {
  const family = await showFamily(workbench, familyId)
  const events = await workbench.store.events.ofFamily(familyId, eventsShownMax)
  const explanation = familyExplanation(family, events)
  return complete(workbench, {
    id: familyId,
    kind: 'family',
    explanation,
    refusal: null,
    events: inOrder(events),
    family,
  })
}

async function explainEvent(workbench: Workbench, id: string, among: readonly RecordedEvent[]): Promise<Explained> {
  const event = among.find(each => each.id === id)
  if (event === undefined) throw new AdminRefused(`Nothing is on record under ${id}.`)
  const family = event.familyId === null ? null : await showIfThere(workbench, event.familyId)
  const explanation = eventExplanation(event, family)
  return complete(workbench, { id, kind: 'event', explanation, refusal: null, events: [event], family })
}

async function complete(workbench: Workbench, explained: Omit<Explained, 'email'>): Promise<Explained> {
  const subject = explained.family?.family.grant.subject ?? explained.events[0]?.subject ?? null
  const reading = subject === null ? null : await workbench.store.users.read(subject)
  return { ...explained, email: reading?.user.email ?? null }
}

async function showIfThere(workbench: Workbench, familyId: FamilyId): Promise<FamilyView | null> {
  const reading = await workbench.store.families.read(familyId)
  return reading === null ? null : showFamily(workbench, familyId)
}

/** A counted event carries the first request alone; a later one is found by family and generation. */
function countedOf(refusal: Refusal, events: readonly RecordedEvent[]): RecordedEvent | null {
  if (refusal.familyId === null || refusal.generation === null) return null
  const prefix = `${refusal.familyId}.${refusal.generation}.`
  return events.find(event => event.id.startsWith(prefix) && event.kind !== 'token_repeated') ?? null
}

/** Speaks of a presentation, or of the request itself, before anything else that happened in it. */
function tellsOfItself(event: RecordedEvent): boolean {
  return event.detail['generation'] !== undefined || event.kind === 'token_reused' || event.kind === 'suspicious_pkce'
}

function inOrder(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
  return events.toSorted((one, other) => one.atMs - other.atMs)
}

function refusalJson(refusal: Refusal): { readonly [name: string]: unknown } {
  return {
    request_id: refusal.requestId,
    at: isoInstant(refusal.atMs),
    endpoint: refusal.endpoint,
    error: refusal.code,
    detail: refusal.detail,
    client_id: refusal.clientId,
    family: refusal.familyId,
    generation: refusal.generation,
    address: refusal.address,
  }
}

function eventJson(event: RecordedEvent): { readonly [name: string]: unknown } {
  return {
    id: event.id,
    kind: event.kind,
    at: isoInstant(event.atMs),
    count: event.count,
    last_at: isoInstant(event.lastAtMs),
    request_id: event.requestId,
    family: event.familyId,
    client_id: event.clientId,
    sub: event.subject,
    sid: event.sessionId,
    detail: event.detail,
  }
}

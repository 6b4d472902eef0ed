/**
 * Ending sessions. One family is a step, and the one that its grant began with takes its branches along; everything wider
 * is a cut-off: one row, however many families it ends, in force on every node before it is acknowledged (I3). A preview
 * counts first and changes nothing.
 */

import { type ClientId, endFamily } from '@pawl/family'
import type { CutOffTarget } from '../domain/cut-off/cut-off.ts'
import type { EventAbout } from '../domain/event/new-event.ts'
import { branchesWith } from '../domain/family/branches.ts'
import type { FamilyReading } from '../domain/family/family-store.ts'
import type { Attempt } from '../domain/family/step.ts'
import { parseClientId, parseSessionId } from '../domain/identifiers.ts'
import { isoInstant, parseInstant } from '../domain/time.ts'
import { clientsListedMax } from './clients.ts'
import { readFamily, viewOf } from './families.ts'
import { findUser } from './find-user.ts'
import { AdminRefused, InputRefused, operatorEvent, type Workbench } from './workbench.ts'

/** What to end. `user` and `client` together mean this user's grants to this client; nothing else goes together. */
export interface RevocationInput {
  readonly family?: string | undefined
  readonly user?: string | undefined
  readonly client?: string | undefined
  readonly session?: string | undefined
  readonly partner?: string | undefined
  readonly all?: boolean | undefined
  /** ISO 8601 or milliseconds; never in the future. Absent: everything up to the acknowledgement. */
  readonly before?: string | undefined
  readonly reason?: string | undefined
}

/** A revocation that was looked up and found possible. Nothing has changed yet. */
export type RevocationPlan =
  | { readonly kind: 'family'; readonly familyId: string; readonly families: number; readonly words: string }
  | {
      readonly kind: 'cut_off'
      readonly targets: readonly CutOffTarget[]
      readonly beforeMs: number | null
      readonly reason: string
      /** Living families it would end at this moment. */
      readonly families: number
      readonly words: string
    }

export interface RevocationResult {
  /** Families that lived before and are over now; in a dry run, that would be. */
  readonly families: number
  readonly dry_run: boolean
  /** The instant up to which everything is over; null for one family and in a dry run. */
  readonly cutoff: string | null
}

export const reasonCharactersMax = 200
const defaultReason = 'revoked by operator'

/**
 * Finds what is meant and counts it. Throws `InputRefused` for what cannot be meant, and `AdminRefused` when any of the
 * things named is not there: half a match revokes nothing (RV-04).
 */
export async function planRevocation(workbench: Workbench, input: RevocationInput): Promise<RevocationPlan> {
  refuseMixed(input)
  if (input.family !== undefined) return planFamily(workbench, input.family)
  const reason = input.reason ?? defaultReason
  if (reason.length > reasonCharactersMax || !/^\P{Cc}+$/u.test(reason)) {
    throw new InputRefused([`--reason has 1 to ${reasonCharactersMax} characters and no control character.`])
  }
  const beforeMs = await parseBefore(workbench, input.before)
  const { targets, words } = await targetsOf(workbench, input)
  let families = 0
  for (const target of targets) families += await workbench.store.cutOffs.countLiving(target, beforeMs)
  return { kind: 'cut_off', targets, beforeMs, reason, families, words }
}

export function previewOf(plan: RevocationPlan): RevocationResult {
  return { families: plan.families, dry_run: true, cutoff: null }
}

/** Carries the plan out. What it answers is durable; a family or cut-off that was there already is left as it was. */
export async function carryOut(workbench: Workbench, plan: RevocationPlan): Promise<RevocationResult> {
  if (plan.kind === 'family') return { families: await endOne(workbench, plan.familyId), dry_run: false, cutoff: null }
  let cutOffAtMs = 0
  for (const target of plan.targets) cutOffAtMs = Math.max(cutOffAtMs, await cutOff(workbench, target, plan))
  return { families: plan.families, dry_run: false, cutoff: isoInstant(cutOffAtMs) }
}

async function planFamily(workbench: Workbench, text: string): Promise<RevocationPlan> {
  const reading = await readFamily(workbench, text)
  const { id } = reading.family
  const { count } = await branchesWith(workbench.store.families, reading.family, workbench.operator.name)
  const families = (isOver(reading) ? 0 : 1) + count
  const words =
    count === 0 ? `family ${id}` : `family ${id} with ${count === 1 ? 'its branch' : `its ${count} branches`}`
  return { kind: 'family', familyId: id, families, words }
}

async function endOne(workbench: Workbench, text: string): Promise<number> {
  const { family: found } = await readFamily(workbench, text)
  // Where it is not there any more it was just now: it has been swept, long after its end.
  return workbench.stepFamily(found.id, reading => {
    return reading === null ? { change: null, result: 0 } : decideEnd(workbench, reading)
  })
}

async function decideEnd(workbench: Workbench, reading: FamilyReading): Promise<Attempt<number>> {
  const { family, nowMs } = reading
  const { name } = workbench.operator
  const { count, cutOffs } = await branchesWith(workbench.store.families, family, name)
  const { clientId, subject, sessionId } = family.grant
  const about = { familyId: family.id, clientId, subject, sessionId, atMs: nowMs }
  const reason = 'revoked_by_operator'
  if (isOver(reading)) {
    const detail = { target: 'grant', reason, before: null, families: count }
    const events = count === 0 ? [] : [operatorEvent(workbench, 'cut_off_set', { ...about, detail })]
    // That it is over was only read. It is written again: the answer says that it is durable.
    return { change: { family, events, cutOffs }, result: count }
  }
  const ends = count === 0 ? { ends: 'family' } : { ends: 'grant', branches: count }
  const detail = { reason, ...ends, current: family.generation }
  const events = [operatorEvent(workbench, 'family_ended', { ...about, detail })]
  return { change: { family: endFamily(family, reason, name, nowMs), events, cutOffs }, result: 1 + count }
}

function isOver(reading: FamilyReading): boolean {
  return viewOf(reading, false).overBecause !== null
}

async function cutOff(
  workbench: Workbench,
  target: CutOffTarget,
  plan: RevocationPlan & { readonly kind: 'cut_off' },
): Promise<number> {
  const atMs = await workbench.store.now()
  const detail = { target: target.kind, reason: plan.reason, before: plan.beforeMs, families: plan.families }
  const event = operatorEvent(workbench, 'cut_off_set', { ...aboutOf(target), atMs, detail })
  const { reason, beforeMs } = plan
  // Up to now means that what was agreed to is over as well, and will be asked again. It goes first: a grant opened on
  // it in between is older than the cut-off that is acknowledged.
  if (target.kind === 'consent' && beforeMs === null) {
    await workbench.store.consents.withdraw(target.subject, target.clientId, workbench.operator.name, [])
  }
  return workbench.store.cutOffs.set({ target, reason, by: workbench.operator.name, beforeMs }, [event])
}

function aboutOf(target: CutOffTarget): EventAbout {
  switch (target.kind) {
    case 'everyone':
    case 'grant':
      return {}
    case 'client':
      return { clientId: target.clientId }
    case 'user':
      return { subject: target.subject }
    case 'session':
    case 'logout':
      return { sessionId: target.sessionId }
    case 'consent':
      return { subject: target.subject, clientId: target.clientId }
  }
}

/** Two flags that narrow each other would be read in two ways, and one of them ends more than was meant. */
function refuseMixed(input: RevocationInput): void {
  const flags = ['family', 'user', 'client', 'session', 'partner', 'all'] as const
  const named = flags.filter(flag => input[flag] !== undefined && input[flag] !== false)
  const isConsent = named.length === 2 && named.includes('user') && named.includes('client')
  if (named.length === 0) {
    throw new InputRefused(['Say what to revoke: --family, --user, --client, --session, --partner or --all.'])
  }
  if (named.length > 1 && !isConsent) {
    const list = named.map(flag => `--${flag}`).join(' and ')
    throw new InputRefused([`${list} do not go together; only --user with --client does.`])
  }
  if (input.family !== undefined && input.before !== undefined) {
    throw new InputRefused(['--before is for cut-offs; one family ends as a whole.'])
  }
}

async function parseBefore(workbench: Workbench, text: string | undefined): Promise<number | null> {
  if (text === undefined) return null
  const beforeMs = parseInstant(text)
  if (beforeMs === null) {
    throw new InputRefused(['--before is an instant such as 2026-01-31T12:00:00Z, or milliseconds since the epoch.'])
  }
  if (beforeMs > (await workbench.store.now())) {
    throw new InputRefused(['--before is in the future: a cut-off ends what stood before now.'])
  }
  return beforeMs
}

async function targetsOf(
  workbench: Workbench,
  input: RevocationInput,
): Promise<{ readonly targets: readonly CutOffTarget[]; readonly words: string }> {
  if (input.all === true) return { targets: [{ kind: 'everyone' }], words: 'everyone' }
  if (input.session !== undefined) return sessionTarget(input.session)
  if (input.partner !== undefined) return partnerTargets(workbench, input.partner)
  const client = input.client === undefined ? null : await existingClient(workbench, input.client)
  const user = input.user === undefined ? null : (await findUser(workbench, input.user)).user
  if (user !== null && client !== null) {
    const target: CutOffTarget = { kind: 'consent', subject: user.subject, clientId: client }
    return { targets: [target], words: `user ${user.email} at client ${client}` }
  }
  if (user !== null) return { targets: [{ kind: 'user', subject: user.subject }], words: `user ${user.email}` }
  if (client !== null) return { targets: [{ kind: 'client', clientId: client }], words: `client ${client}` }
  throw new InputRefused(['Say what to revoke.'])
}

function sessionTarget(text: string): { readonly targets: readonly CutOffTarget[]; readonly words: string } {
  const sessionId = parseSessionId(text)
  if (sessionId === null) throw new InputRefused(['--session is a session id: the sid of an ID token.'])
  return { targets: [{ kind: 'session', sessionId }], words: `session ${sessionId}` }
}

async function partnerTargets(
  workbench: Workbench,
  partner: string,
): Promise<{ readonly targets: readonly CutOffTarget[]; readonly words: string }> {
  const clients = (await workbench.store.clients.list(clientsListedMax)).filter(client => client.partner === partner)
  if (clients.length === 0)
    throw new AdminRefused(`No client has the partner ${JSON.stringify(partner.slice(0, 100))}.`)
  return {
    targets: clients.map(({ id }) => ({ kind: 'client', clientId: id })),
    words: `partner ${partner} (${clients.map(({ id }) => id).join(', ')})`,
  }
}

async function existingClient(workbench: Workbench, text: string): Promise<ClientId> {
  const id = parseClientId(text)
  const reading = id === null ? null : await workbench.store.clients.read(id)
  if (reading === null) throw new AdminRefused(`There is no client ${JSON.stringify(text.slice(0, 100))}.`)
  return reading.client.id
}

/** Families as an operator sees them: what stands, what is over and why, and who used it lately. */

import { cutOffOf, expiresAtMs, expiryOf, type Family, isWeak, readUses, type Use } from '@pawl/family'
import type { ClientId, EndReason } from '@pawl/family'
import { grantedDetails } from '../domain/authorization-details/authorization-details.ts'
import { isPublicClient } from '../domain/client/client.ts'
import type { FamilyFilter, FamilyReading } from '../domain/family/family-store.ts'
import { parseClientId, parseFamilyId } from '../domain/identifiers.ts'
import { isoInstant } from '../domain/time.ts'
import { findUser } from './find-user.ts'
import { AdminRefused, InputRefused, type Workbench } from './workbench.ts'

export const familiesListedMax = 1000
export const familiesListedDefault = 100

export type FamilyStatus = 'awaiting_redemption' | 'living' | 'ended' | 'expired' | 'cut_off'

/** One family with what it is worth at this moment, which its row alone does not say. */
export interface FamilyView {
  readonly family: Family
  readonly status: FamilyStatus
  /** Why it is over, met by a step or not; null while it lives. */
  readonly overBecause: EndReason | null
  /** True when a thief who follows every refresh is not caught by rotation. */
  readonly weak: boolean
  readonly expiresAtMs: number
}

export interface FamilyQuery {
  readonly client?: string | undefined
  /** A subject or an e-mail. */
  readonly user?: string | undefined
  readonly livingOnly?: boolean | undefined
  readonly limit?: number | undefined
  /** The last id of the page before. */
  readonly after?: string | undefined
}

/** Families in id order, which is the order in which they were opened. */
export async function listFamilies(workbench: Workbench, query: FamilyQuery): Promise<readonly FamilyView[]> {
  const limit = query.limit ?? familiesListedDefault
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > familiesListedMax) {
    throw new InputRefused([`--limit is a whole number from 1 to ${familiesListedMax}.`])
  }
  const readings = await workbench.store.families.list(await filterOf(workbench, query), limit)
  const isPublic = await publicClients(workbench, readings)
  return readings.map(reading => viewOf(reading, isPublic.get(reading.family.grant.clientId) ?? false))
}

export async function showFamily(workbench: Workbench, text: string): Promise<FamilyView> {
  const reading = await readFamily(workbench, text)
  const isPublic = await publicClients(workbench, [reading])
  return viewOf(reading, isPublic.get(reading.family.grant.clientId) ?? false)
}

/** The row and its cut-offs. Throws `AdminRefused` when there is none: it never was, or was swept after its end. */
export async function readFamily(workbench: Workbench, text: string): Promise<FamilyReading> {
  const id = parseFamilyId(text)
  const reading = id === null ? null : await workbench.store.families.read(id)
  if (reading === null) throw new AdminRefused(`There is no family ${JSON.stringify(text.slice(0, 100))}.`)
  return reading
}

export function viewOf(reading: FamilyReading, isPublic: boolean): FamilyView {
  const { family } = reading
  const { status, because } = standingOf(reading)
  return { family, status, overBecause: because, weak: isWeak(family, isPublic), expiresAtMs: expiresAtMs(family) }
}

/** The JSON of the command line; instants are ISO 8601. */
export function familyJson(view: FamilyView): { readonly [name: string]: unknown } {
  const { family } = view
  const { grant } = family
  return {
    id: family.id,
    grant: grant.id,
    branch: family.branch?.name ?? null,
    branched_from: family.branch?.parentFamilyId ?? null,
    client_id: grant.clientId,
    sub: grant.subject,
    sid: grant.sessionId,
    scope: grant.scopes.join(' '),
    resources: grant.resources,
    ...(grant.authorizationDetails === null
      ? {}
      : { authorization_details: grantedDetails(grant.authorizationDetails) }),
    status: view.status,
    over_because: view.overBecause,
    ended_at: family.end === null ? null : isoInstant(family.end.atMs),
    ended_by: family.end?.by ?? null,
    generation: family.generation,
    repeats: family.repeats,
    refreshable: family.refreshable,
    keyed: family.keyed,
    binding: family.binding?.kind ?? null,
    weak: view.weak,
    auth_time: isoInstant(grant.authTimeMs),
    created_at: isoInstant(family.createdAtMs),
    used_at: isoInstant(family.usedAtMs),
    expires_at: view.overBecause === null ? isoInstant(view.expiresAtMs) : null,
    absolute_expires_at: isoInstant(family.absoluteExpiresAtMs),
    uses: readUses(family.recentUses).map(useJson),
  }
}

/** Tags tell uses apart without saying where they came from: the same tag is the same address, agent or key. */
function useJson(use: Use): { readonly [name: string]: unknown } {
  return {
    generation: use.generation,
    at: isoInstant(use.atMs),
    address_tag: hex(use.addressTag),
    agent_tag: hex(use.agentTag),
    retry_key_tag: use.retryKeyTag === null ? null : hex(use.retryKeyTag),
  }
}

/** Superseded, ended, expired and cut off are different states: an expiry nobody met yet is not stored as an end. */
function standingOf(reading: FamilyReading): { status: FamilyStatus; because: EndReason | null } {
  const { family, cutOffs, nowMs } = reading
  if (family.end !== null) return { status: 'ended', because: family.end.reason }
  const cutOff = cutOffOf(family, cutOffs)
  if (cutOff !== null) return { status: 'cut_off', because: cutOff }
  const expiry = expiryOf(family, nowMs)
  if (expiry !== null) return { status: 'expired', because: expiry }
  return { status: family.generation === 0 ? 'awaiting_redemption' : 'living', because: null }
}

async function filterOf(workbench: Workbench, query: FamilyQuery): Promise<FamilyFilter> {
  const clientId = query.client === undefined ? undefined : parseClientId(query.client)
  if (clientId === null) throw new InputRefused(['--client is no client id.'])
  const after = query.after === undefined ? undefined : parseFamilyId(query.after)
  if (after === null) throw new InputRefused(['--after is the id of a family.'])
  const subject = query.user === undefined ? undefined : (await findUser(workbench, query.user)).user.subject
  return {
    ...(clientId === undefined ? {} : { clientId }),
    ...(subject === undefined ? {} : { subject }),
    ...(after === undefined ? {} : { after }),
    ...(query.livingOnly === undefined ? {} : { livingOnly: query.livingOnly }),
  }
}

/** Whether each client of the page is public. A removed client is not there, and nothing of it lives either. */
async function publicClients(
  workbench: Workbench,
  readings: readonly FamilyReading[],
): Promise<ReadonlyMap<ClientId, boolean>> {
  const ids = new Set(readings.map(({ family }) => family.grant.clientId))
  const found = new Map<ClientId, boolean>()
  for (const id of ids) {
    const reading = await workbench.store.clients.read(id)
    if (reading !== null) found.set(id, isPublicClient(reading.client))
  }
  return found
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/**
 * Branching: a holder exchanges its refresh token for a sibling family under the same grant, so that several processes
 * share one consent without sharing one token. One step rotates the parent and opens the sibling. Asked again after a lost
 * answer it finds the same sibling, so it takes what can be told from a thief: a bound key, client authentication, or the
 * retry keys of a keyed family. The branch comes as `access_token`, as RFC 8693 §2.2.1 has it, and the parent's next token as
 * `refresh_token`: whatever comes under that name replaces the one that was sent.
 */

import { absoluteLeftSeconds, branchFamily, cutOffOf, expiryOf, type Family, idleLeftSeconds } from '@pawl/family'
import { isThumbprint } from '@pawl/protocol'
import { type Client, isPublicClient } from '../../domain/client/client.ts'
import { countedEvent, newEvent } from '../../domain/event/new-event.ts'
import { branchIdOf, type BranchWish } from '../../domain/family/branch-id.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import { type Judgement, judgeUse } from '../../domain/family/judge.ts'
import { withLifetimesOfToday } from '../../domain/family/lifetimes-of-today.ts'
import type { Attempt, FamilyChange } from '../../domain/family/step.ts'
import { newStepId } from '../../domain/identifiers.ts'
import type { Presented } from '../../domain/token/codec.ts'
import { type AuthorizationServer, type ProtocolRequest, valueOf } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { replayed, type Sender, senderOf } from '../sender.ts'
import { lackingToday } from './asked-today.ts'
import { narrow } from './narrowing.ts'
import { policyOf } from './policy.ts'
import type { Outcome } from './refresh-token.ts'
import type { TokenAnswer } from './token-answer.ts'
import { refreshTokenType } from './token-types.ts'

export interface Exchange {
  readonly request: ProtocolRequest
  readonly subjectToken: string
}

export async function branch(server: AuthorizationServer, client: Client, exchange: Exchange): Promise<TokenAnswer> {
  const { request, subjectToken } = exchange
  // A branch is refreshed: whoever may not do that any more gets no new refresh token by another way.
  if (!client.grantTypes.includes('refresh_token')) {
    const context = { clientId: client.id }
    throw new OAuthError('unauthorized_client', 'not registered for refresh tokens', { context })
  }
  const presented = server.codec.parse('refresh_token', subjectToken)
  const name = nameOf(client, request)
  const thumbprint = thumbprintOf(client, request)
  if (presented === null) {
    throw new OAuthError('invalid_request', 'no refresh token of this server', {
      description: unusable,
      context: { clientId: client.id },
    })
  }
  const branching = { client, request, presented, wish: { generation: presented.generation, name, thumbprint } }
  if (server.familyRate.isExceeded(presented.familyId)) throw failure(branching, 'slow_down', 'asked too often')
  const outcome = await server.stepFamily<Outcome>(presented.familyId, reading => decide(server, branching, reading))
  if ('failure' in outcome) throw outcome.failure
  return outcome.answer
}

interface Branching {
  readonly client: Client
  readonly request: ProtocolRequest
  readonly presented: Presented
  readonly wish: BranchWish
}

/** For each branch that a grant may have, so many wait for the sweep: opening and ending them in a loop fills no table. */
export const branchesKeptForEachMax = 100

/** One text for every reason: a client that is not the holder learns nothing (I10; RFC 8693 §2.2.2 has the code). */
const unusable = 'The subject_token is invalid, expired, revoked, spent, or belongs to another client.'

async function decide(
  server: AuthorizationServer,
  branching: Branching,
  reading: FamilyReading | null,
): Promise<Attempt<Outcome>> {
  const { client, request, presented } = branching
  if (reading === null) return refused(branching, 'no such family')
  const { family, nowMs } = reading
  if (!server.codec.provesSeed(presented, family.seed)) return refused(branching, 'the seed does not match')
  if (family.grant.clientId !== client.id) return wrongClient(server, branching, reading)
  const sender = senderOf(server, client, request, nowMs)
  if (!isTellable(family, sender, request)) return unproven(branching)
  const { generation } = presented
  const { retryKey, caller } = request
  const policy = policyOf(server, client)
  const use = { generation, clientId: client.id, proof: sender.proof, policy, retryKey, caller }
  const judgement = judgeUse(reading, use, server.entropy)
  if (!answers(judgement)) return refuse(server, branching, judgement)
  const lacking = lackingToday(reading, client)
  if (lacking !== null) return refused(branching, lacking)
  return answer(server, branching, reading, { judgement, sender })
}

/** Told to a holder whose token stays as it is. */
const nameIsTaken = 'The branch that this token opened under this name is over: choose another name.'

/**
 * Only somebody whom a thief cannot pass for without being caught: the client itself, the bound key, or a retry key where
 * the family has been keyed from its first token. In a weak family a made-up retry key would get a thief a branch of its
 * own, while the owner is answered again within the repeat window and notices nothing.
 */
function isTellable(family: Family, { proof }: Sender, { retryKey }: ProtocolRequest): boolean {
  if (proof.kind === 'client') return true
  return family.binding === null ? family.keyed && retryKey !== null : proof.kind === 'key'
}

function answers({ verdict }: Judgement): boolean {
  return verdict.kind === 'advanced' || verdict.kind === 'kept' || verdict.kind === 'repeated'
}

async function answer(
  server: AuthorizationServer,
  branching: Branching,
  reading: FamilyReading,
  { judgement, sender }: { readonly judgement: Judgement; readonly sender: Sender },
): Promise<Attempt<Outcome>> {
  const { client } = branching
  const { verdict, change } = judgement
  const parent = verdict.kind === 'advanced' ? { ...verdict.family, keyId: server.currentKeyId } : verdict.family
  const found = await server.store.families.read(branchIdOf(parent, branching.wish))
  // A spent token repeats what it was spent for; where that was something else, there is nothing to repeat.
  if (found === null && verdict.kind === 'repeated') return refused(branching, 'the token was spent for something else')
  if (found !== null && !isUntouched(found)) {
    const description = verdict.kind === 'kept' ? nameIsTaken : unusable
    return refused(branching, 'the branch has been used since, or is over', description)
  }
  const noRoom = found === null ? await noRoomFor(server, branching, parent) : null
  if (noRoom !== null) return noRoom
  const sibling = found === null ? siblingOf(server, branching, parent, reading) : found.family
  const saved: FamilyChange = {
    family: parent,
    events: [...(change?.events ?? []), ...(found === null ? [openedEvent(server, branching, sibling, reading)] : [])],
    cutOffs: [],
    opens: found === null ? sibling : null,
  }
  const told = { parent: withLifetimesOfToday(parent, client), sibling: withLifetimesOfToday(sibling, client) }
  const result = { answer: answerWith(server, { ...told, nowMs: reading.nowMs }) }
  if (sender.mark === null) return { change: saved, result }
  return { change: saved, result, mark: { ...sender.mark, taken: { failure: replayed(client) } } }
}

/** As it was opened, and alive: then its first token is what was answered before. */
function isUntouched({ family, cutOffs, nowMs }: FamilyReading): boolean {
  const isOver = family.end !== null || cutOffOf(family, cutOffs) !== null || expiryOf(family, nowMs) !== null
  return family.generation === 1 && !isOver
}

function siblingOf(
  server: AuthorizationServer,
  { client, request, wish }: Branching,
  parent: Family,
  { nowMs }: FamilyReading,
): Family {
  const { parameters, retryKey } = request
  const { scopes, resources, authorizationDetails } = narrow(parent.grant, client, parameters)
  const isNarrower = valueOf(parameters, 'authorization_details') !== undefined
  const { name, thumbprint } = wish
  const opening = {
    id: branchIdOf(parent, wish),
    seed: server.entropy.bytes(32),
    keyId: server.currentKeyId,
    stepId: newStepId(server.entropy),
    binding: thumbprint === null ? parent.binding : ({ kind: 'dpop', thumbprint } as const),
    keyed: retryKey !== null,
    name,
    scopes,
    resources,
    authorizationDetails: isNarrower ? JSON.stringify(authorizationDetails) : parent.grant.authorizationDetails,
  }
  return branchFamily(parent, opening, nowMs)
}

function openedEvent(
  server: AuthorizationServer,
  { client, request }: Branching,
  sibling: Family,
  { nowMs }: FamilyReading,
) {
  const { subject, sessionId, scopes } = sibling.grant
  const named = { branch: sibling.branch?.name ?? null, branched_from: sibling.branch?.parentFamilyId ?? null }
  const detail = { ...named, scopes: scopes.join(' ').slice(0, 500) }
  const { caller } = request
  const about = { familyId: sibling.id, clientId: client.id, subject, sessionId, caller, atMs: nowMs, detail }
  return newEvent('family_opened', about, server.entropy)
}

interface Branched {
  readonly parent: Family
  readonly sibling: Family
  readonly nowMs: number
}

function answerWith(server: AuthorizationServer, { parent, sibling, nowMs }: Branched): TokenAnswer {
  return {
    access_token: server.codec.mint('refresh_token', sibling),
    issued_token_type: refreshTokenType,
    token_type: 'N_A',
    expires_in: idleLeftSeconds(sibling, nowMs),
    scope: sibling.grant.scopes.join(' '),
    refresh_token: server.codec.mint('refresh_token', parent),
    refresh_token_timeout: idleLeftSeconds(parent, nowMs),
    authorization_expires_in: absoluteLeftSeconds(parent, nowMs),
  }
}

function refuse(
  server: AuthorizationServer,
  branching: Branching,
  { verdict, change, aside }: Judgement,
): Attempt<Outcome> | Promise<Attempt<Outcome>> {
  const isTooMany = verdict.kind === 'refused' && verdict.reason === 'too_many_repeats'
  const reason = verdict.kind === 'refused' ? verdict.reason : verdict.kind
  const result = { failure: failure(branching, isTooMany ? 'slow_down' : 'invalid_request', reason) }
  // As at a refresh: a database that cannot keep this alarm may not call the token bad either (I14).
  if (aside?.kind === 'token_ahead') return server.store.events.record([aside]).then(() => ({ change, result }))
  if (aside !== null) server.background.run(() => server.store.events.record([aside]))
  return { change, result }
}

function wrongClient(server: AuthorizationServer, branching: Branching, reading: FamilyReading): Attempt<Outcome> {
  const { client, request, presented } = branching
  const { caller } = request
  const detail = { presented_by: client.id }
  const { generation } = presented
  const event = countedEvent('wrong_client', reading.family, { generation, caller, atMs: reading.nowMs, detail })
  server.background.run(() => server.store.events.record([event]))
  return refused(branching, 'the token belongs to another client')
}

function unproven(branching: Branching): Attempt<Outcome> {
  const description =
    'A branch is opened for whoever shows more than the token: the bound key, client authentication, or a retry key where ' +
    'the first refresh token was asked for with one.'
  return refused(branching, description, description)
}

/** Why the grant takes no further branch, or null. */
async function noRoomFor(
  server: AuthorizationServer,
  branching: Branching,
  { grant }: Family,
): Promise<Attempt<Outcome> | null> {
  const { branchesPerGrantMax } = server.rules
  const { living, kept } = await server.store.families.countBranches(grant.id)
  if (living >= branchesPerGrantMax) {
    const description = `This grant has ${branchesPerGrantMax} branches already: revoke one that is not needed.`
    return refused(branching, description, description)
  }
  if (kept < branchesPerGrantMax * branchesKeptForEachMax) return null
  return { change: null, result: { failure: failure(branching, 'slow_down', 'too many branches ended lately') } }
}

function refused(branching: Branching, detail: string, description = unusable): Attempt<Outcome> {
  return { change: null, result: { failure: failure(branching, 'invalid_request', detail, description) } }
}

function failure(
  { client, presented }: Branching,
  code: 'invalid_request' | 'slow_down',
  detail: string,
  description = unusable,
): OAuthError {
  const { familyId, generation } = presented
  const context = { clientId: client.id, familyId, generation }
  return new OAuthError(code, detail, code === 'slow_down' ? { context } : { description, context })
}

function nameOf(client: Client, { parameters }: ProtocolRequest): string {
  const name = valueOf(parameters, 'branch_name')
  if (name !== undefined && /^[\p{L}\p{N}][\p{L}\p{N}\p{P}\p{S} ]{0,63}$/u.test(name)) return name
  const description = 'branch_name is 1 to 64 letters, digits, signs and spaces, and begins with a letter or digit.'
  throw new OAuthError('invalid_request', description, { description, context: { clientId: client.id } })
}

/** Whose key the branch is for, where that is not the parent's. A confidential client's families are bound to it. */
function thumbprintOf(client: Client, { parameters }: ProtocolRequest): string | null {
  const sent = valueOf(parameters, 'dpop_jkt')
  if (sent === undefined) return null
  if (isPublicClient(client) && isThumbprint(sent)) return sent
  const description = 'dpop_jkt is no thumbprint, or the client is confidential and its tokens are bound to it.'
  throw new OAuthError('invalid_request', description, { description, context: { clientId: client.id } })
}

/**
 * The refresh grant (OAuth 2.1 §4.3): the reason this product exists. The order of the checks is the law: nothing of the
 * family changes until everything that can fail has been done, and after the commit only the answer is written.
 */

import type { Family, Verdict } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import { countedEvent } from '../../domain/event/new-event.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import { type Judgement, judgeUse } from '../../domain/family/judge.ts'
import { withLifetimesOfToday } from '../../domain/family/lifetimes-of-today.ts'
import type { Attempt, EarlyReading, FamilyChange } from '../../domain/family/step.ts'
import type { Mark } from '../../domain/mark/mark-store.ts'
import type { Presented } from '../../domain/token/codec.ts'
import { type AuthorizationServer, type ProtocolRequest, valueOf } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { replayed, type Sender, senderOf } from '../sender.ts'
import { lackingToday } from './asked-today.ts'
import { beforeSigning, plainIngredients } from './before-signing.ts'
import { narrow } from './narrowing.ts'
import { policyOf } from './policy.ts'
import { answerWithTokens, encryptIdToken, type TokenAnswer } from './token-answer.ts'

/** What a step found: tokens, or the error to answer once whatever had to be saved is durable. */
export type Outcome = { readonly answer: TokenAnswer } | { readonly failure: OAuthError }

/** A token of ours, and its family, which is being read. */
export interface LookAhead {
  readonly presented: Presented
  readonly reading: EarlyReading
}

/**
 * Asks for the family together with the client, so that the store is waited for once. Nothing is decided by it before
 * the client is known; whoever turns out to be nobody has cost one look-up more. Null for what is no token of ours.
 */
export function lookAhead(server: AuthorizationServer, request: ProtocolRequest): LookAhead | null {
  const text = valueOf(request.parameters, 'refresh_token')
  const presented = text === undefined ? null : server.codec.parse('refresh_token', text)
  if (presented === null) return null
  const reading = server.store.families.read(presented.familyId)
  // Where the client is refused nobody waits for the reading, and how it failed is no news.
  reading.catch(ignore)
  return { presented, reading }
}

export async function grantByRefreshToken(
  server: AuthorizationServer,
  client: Client,
  request: ProtocolRequest,
  ahead: LookAhead | null,
): Promise<TokenAnswer> {
  if (valueOf(request.parameters, 'refresh_token') === undefined)
    throw new OAuthError('invalid_request', 'refresh_token is missing', { context: { clientId: client.id } })
  if (ahead === null)
    throw new OAuthError('invalid_grant', 'no refresh token of this server', { context: { clientId: client.id } })
  const { presented, reading: early } = ahead
  if (server.familyRate.isExceeded(presented.familyId)) throw tooFast({ client, request, presented })
  const outcome = await server.stepFamily<Outcome>(
    presented.familyId,
    reading => decideRefresh(server, { client, request, presented }, reading),
    early,
  )
  if ('failure' in outcome) throw outcome.failure
  return outcome.answer
}

interface Refresh {
  readonly client: Client
  readonly request: ProtocolRequest
  readonly presented: Presented
}

function decideRefresh(
  server: AuthorizationServer,
  refresh: Refresh,
  reading: FamilyReading | null,
): Attempt<Outcome> | Promise<Attempt<Outcome>> {
  const { client, request, presented } = refresh
  if (reading === null) return unchanged(refusal(refresh, 'no such family'))
  const { family } = reading
  if (!server.codec.provesSeed(presented, family.seed)) return unchanged(refusal(refresh, 'the seed does not match'))
  if (family.grant.clientId !== client.id) return wrongClient(server, refresh, reading)
  const sender = senderOf(server, client, request, reading.nowMs)
  const judgement = judgeUse(
    reading,
    {
      generation: presented.generation,
      clientId: client.id,
      proof: sender.proof,
      policy: policyOf(server, client),
      retryKey: request.retryKey,
      caller: request.caller,
    },
    server.entropy,
  )
  if (!answers(judgement.verdict)) return refuse(server, refresh, judgement)
  return answer(server, refresh, reading, { judgement, sender })
}

function answers(verdict: Verdict): boolean {
  return verdict.kind === 'advanced' || verdict.kind === 'kept' || verdict.kind === 'repeated'
}

function answer(
  server: AuthorizationServer,
  refresh: Refresh,
  reading: FamilyReading,
  { judgement, sender }: { readonly judgement: Judgement; readonly sender: Sender },
): Attempt<Outcome> | Promise<Attempt<Outcome>> {
  const { client, request } = refresh
  const { nowMs } = reading
  const lacking = lackingToday(reading, client)
  if (lacking !== null) return unchanged(refusal(refresh, lacking))
  const narrowed = narrow(reading.family.grant, client, request.parameters)
  const moved = judgement.verdict.kind === 'advanced'
  const family = moved ? { ...judgement.verdict.family, keyId: server.currentKeyId } : judgement.verdict.family
  const change = judgement.change === null ? null : { ...judgement.change, family }
  const told = { client, family: withLifetimesOfToday(family, client), ...narrowed, sender, nonce: null, nowMs }
  const finish = (tokens: TokenAnswer): Attempt<Outcome> => {
    const result = { answer: tokens }
    return sender.mark === null ? { change, result } : marked(refresh, sender.mark, { change, family, result })
  }
  const gathering = beforeSigning(server, told)
  if (gathering === null) return finish(answerWithTokens(server, { ...told, ...plainIngredients }))
  return gathering
    .then(ingredients => encryptIdToken(server, client, answerWithTokens(server, { ...told, ...ingredients })))
    .then(finish)
}

/** Nobody is answered twice on one proof, so its mark is saved with the step, and where nothing moves the row is too. */
function marked(
  refresh: Refresh,
  mark: Mark,
  {
    change,
    family,
    result,
  }: { readonly change: FamilyChange | null; readonly family: Family; readonly result: Outcome },
): Attempt<Outcome> {
  const taken = { failure: replayed(refresh.client) }
  return { change: change ?? { family, events: [], cutOffs: [] }, result, mark: { ...mark, taken } }
}

function refuse(
  server: AuthorizationServer,
  refresh: Refresh,
  judgement: Judgement,
): Attempt<Outcome> | Promise<Attempt<Outcome>> {
  const { verdict, change, aside } = judgement
  // A token that is ahead of its row was given out, so the row may be what is wrong: a primary that was replaced and does
  // not know it. Such a database cannot keep the alarm, and then it may not call the token bad either (I14).
  if (aside?.kind === 'token_ahead') {
    return server.store.events.record([aside]).then(() => ({ change, result: refusal(refresh, 'ahead') }))
  }
  if (aside !== null) server.background.run(() => server.store.events.record([aside]))
  if (verdict.kind === 'refused' && verdict.reason === 'too_many_repeats') {
    const context = contextOf(refresh)
    const failure = new OAuthError('slow_down', 'the predecessor was answered too often', { context })
    return { change, result: { failure } }
  }
  const reason = verdict.kind === 'refused' ? verdict.reason : verdict.kind
  return { change, result: refusal(refresh, reason) }
}

/** Worth an event, not worth an end: whoever holds it without being its client can do nothing with it (I9). */
function wrongClient(server: AuthorizationServer, refresh: Refresh, reading: FamilyReading): Attempt<Outcome> {
  const { caller } = refresh.request
  const { generation } = refresh.presented
  const detail = { presented_by: refresh.client.id }
  const event = countedEvent('wrong_client', reading.family, { generation, caller, atMs: reading.nowMs, detail })
  server.background.run(() => server.store.events.record([event]))
  return unchanged(refusal(refresh, 'the token belongs to another client'))
}

function tooFast(refresh: Refresh): OAuthError {
  return new OAuthError('slow_down', 'the family is refreshed too often', { context: contextOf(refresh) })
}

function refusal(refresh: Refresh, reason: string): Outcome {
  return { failure: new OAuthError('invalid_grant', reason, { context: contextOf(refresh) }) }
}

function unchanged(result: Outcome): Attempt<Outcome> {
  return { change: null, result }
}

function contextOf(refresh: Refresh) {
  const { familyId, generation } = refresh.presented
  return { clientId: refresh.client.id, familyId, generation }
}

function ignore(): void {}

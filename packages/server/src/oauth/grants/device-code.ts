/**
 * Redeeming a device code (RFC 8628 §3.4, §3.5). Until somebody has said yes there is no family, and the device's row
 * answers. After the yes generation 0 of the family is presented, and repeats as a refresh token does: a device that lost
 * the answer asks again, as it was told to. The interval holds all the while, so of two questions at once one is answered.
 */

import type { Verdict } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import { countedEvent } from '../../domain/event/new-event.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import { judgeUse } from '../../domain/family/judge.ts'
import type { Attempt } from '../../domain/family/step.ts'
import type { Presented } from '../../domain/token/codec.ts'
import { type AuthorizationServer, type ProtocolRequest, valueOf } from '../authorization-server.ts'
import { OAuthError, type OAuthErrorCode } from '../oauth-error.ts'
import { replayed, type Sender, senderOf } from '../sender.ts'
import { beforeSigning, plainIngredients } from './before-signing.ts'
import { narrow } from './narrowing.ts'
import { policyOf } from './policy.ts'
import type { Outcome } from './refresh-token.ts'
import { answerWithTokens, encryptIdToken, type TokenAnswer } from './token-answer.ts'

export async function grantByDeviceCode(
  server: AuthorizationServer,
  client: Client,
  request: ProtocolRequest,
): Promise<TokenAnswer> {
  const context = { clientId: client.id }
  const code = valueOf(request.parameters, 'device_code')
  if (code === undefined) throw new OAuthError('invalid_request', 'device_code is missing', { context })
  const presented = server.codec.parse('device_code', code)
  if (presented === null) throw new OAuthError('invalid_grant', 'no device code of this server', { context })
  const redeeming = { client, request, presented }
  const nowMs = await server.store.now()
  // Before the question counts: one whose proof lacks our nonce comes again at once, and that is no impatience.
  senderOf(server, client, request, nowMs)
  const fault = await waitingFault(server, redeeming, nowMs)
  if (fault !== null) throw fault
  const outcome = await server.stepFamily<Outcome>(presented.familyId, reading => decide(server, redeeming, reading))
  if ('failure' in outcome) throw outcome.failure
  return outcome.answer
}

interface Redeeming {
  readonly client: Client
  readonly request: ProtocolRequest
  readonly presented: Presented
}

/** Why the device has to wait, or need not wait any longer; null where the family answers. */
async function waitingFault(
  server: AuthorizationServer,
  redeeming: Redeeming,
  nowMs: number,
): Promise<OAuthError | null> {
  const { client, presented } = redeeming
  const row = await server.store.deviceRequests.read(presented.familyId)
  if (row === null) return null
  if (row.clientId !== client.id || !server.codec.provesSeed(presented, row.seed)) {
    return failure(redeeming, 'invalid_grant', 'the device code belongs to another client')
  }
  if (!(await server.store.deviceRequests.poll(row.id, nowMs))) {
    return failure(redeeming, 'slow_down', 'the device asked again before its interval was over')
  }
  switch (row.decision) {
    case 'approved':
      return null
    case 'denied':
      return failure(redeeming, 'access_denied', 'the person said no')
    case 'pending':
      return nowMs < row.expiresAtMs
        ? failure(redeeming, 'authorization_pending', 'nobody has answered yet')
        : failure(redeeming, 'expired_token', 'nobody answered in time')
  }
}

async function decide(
  server: AuthorizationServer,
  redeeming: Redeeming,
  reading: FamilyReading | null,
): Promise<Attempt<Outcome>> {
  const { client, request, presented } = redeeming
  // Only we can have made the code, so its row was there, and has left since.
  if (reading === null) return refused(redeeming, 'expired_token', 'the device code is long over')
  const wanting = findWanting(server, redeeming, reading)
  if (wanting !== null) return refused(redeeming, 'invalid_grant', wanting)
  const sender = senderOf(server, client, request, reading.nowMs)
  const { generation } = presented
  const { retryKey, caller } = request
  const policy = policyOf(server, client)
  const use = { generation, clientId: client.id, proof: sender.proof, policy, retryKey, caller }
  const judgement = judgeUse(reading, use, server.entropy)
  const { verdict, change, aside } = judgement
  if (aside !== null) server.background.run(() => server.store.events.record([aside]))
  if (verdict.kind !== 'advanced' && verdict.kind !== 'repeated') {
    return { change, result: { failure: refusalOf(redeeming, verdict) } }
  }
  const family = verdict.kind === 'advanced' ? { ...verdict.family, keyId: server.currentKeyId } : verdict.family
  const narrowed = narrow(family.grant, client, request.parameters)
  const signing = { client, family, ...narrowed, nowMs: reading.nowMs }
  const ingredients = (await beforeSigning(server, signing)) ?? plainIngredients
  const told = { ...signing, ...ingredients, sender, nonce: null }
  const answer = await encryptIdToken(server, client, answerWithTokens(server, told))
  return marked(redeeming, sender, {
    change: { family, events: change?.events ?? [], cutOffs: [] },
    result: { answer },
  })
}

/** What is wrong with the request apart from the family's own state, or null. */
function findWanting(server: AuthorizationServer, redeeming: Redeeming, reading: FamilyReading): string | null {
  const { client, request, presented } = redeeming
  const { family, nowMs } = reading
  if (!family.codeRepeats || !server.codec.provesSeed(presented, family.seed)) return 'no device code of this server'
  if (family.grant.clientId === client.id) return null
  const detail = { presented_by: client.id }
  const event = countedEvent('wrong_client', family, { generation: 0, caller: request.caller, atMs: nowMs, detail })
  server.background.run(() => server.store.events.record([event]))
  return 'the device code belongs to another client'
}

/** Nobody is answered twice on one proof, so its mark is saved with the step. */
function marked(redeeming: Redeeming, { mark }: Sender, attempt: Attempt<Outcome>): Attempt<Outcome> {
  if (mark === null) return attempt
  return { ...attempt, mark: { ...mark, taken: { failure: replayed(redeeming.client) } } }
}

function refusalOf(redeeming: Redeeming, verdict: Verdict): OAuthError {
  if (verdict.kind !== 'refused') return failure(redeeming, 'invalid_grant', verdict.kind)
  if (verdict.reason === 'too_many_repeats') return failure(redeeming, 'slow_down', verdict.reason)
  const isUnredeemed = verdict.family.end?.reason === 'code_expired'
  return failure(redeeming, isUnredeemed ? 'expired_token' : 'invalid_grant', verdict.reason)
}

function refused(redeeming: Redeeming, code: OAuthErrorCode, detail: string): Attempt<Outcome> {
  return { change: null, result: { failure: failure(redeeming, code, detail) } }
}

/** RFC 8628 §3.5: all of these are answers to a poll, and a device waits its interval after a `slow_down` too. */
function failure({ client, presented }: Redeeming, code: OAuthErrorCode, detail: string): OAuthError {
  const { familyId, generation } = presented
  return new OAuthError(code, detail, { status: 400, context: { clientId: client.id, familyId, generation } })
}

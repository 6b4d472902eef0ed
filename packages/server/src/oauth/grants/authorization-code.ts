/**
 * Redeeming an authorization code (OAuth 2.1 §4.1.3): generation 0 is presented. A code is found wanting before the rule
 * is asked, so that a wrong verifier, redirect URI or client neither spends the code nor counts as its reuse (I6).
 */

import { hash, timingSafeEqual } from 'node:crypto'
import type { Family, Redemption, Verdict } from '@pawl/family'
import { isCodeVerifier, isSameRedirectUri } from '@pawl/protocol'
import type { Client } from '../../domain/client/client.ts'
import { countedEvent } from '../../domain/event/new-event.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import { judgeUse } from '../../domain/family/judge.ts'
import type { Attempt } from '../../domain/family/step.ts'
import type { Presented } from '../../domain/token/codec.ts'
import { type AuthorizationServer, type Parameters, type ProtocolRequest, valueOf } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { replayed, type Sender, senderOf } from '../sender.ts'
import { beforeSigning, plainIngredients } from './before-signing.ts'
import { narrow } from './narrowing.ts'
import { policyOf } from './policy.ts'
import type { Outcome } from './refresh-token.ts'
import { answerWithTokens, encryptIdToken, type TokenAnswer } from './token-answer.ts'

export async function grantByAuthorizationCode(
  server: AuthorizationServer,
  client: Client,
  request: ProtocolRequest,
): Promise<TokenAnswer> {
  const context = { clientId: client.id }
  const code = valueOf(request.parameters, 'code')
  if (code === undefined) throw new OAuthError('invalid_request', 'code is missing', { context })
  const presented = server.codec.parse('authorization_code', code)
  if (presented === null) throw new OAuthError('invalid_grant', 'no authorization code of this server', { context })
  const redeeming = { client, request, presented }
  const outcome = await server.stepFamily<Outcome>(presented.familyId, reading => decide(server, redeeming, reading))
  if ('failure' in outcome) throw outcome.failure
  return outcome.answer
}

interface Redeeming {
  readonly client: Client
  readonly request: ProtocolRequest
  readonly presented: Presented
}

async function decide(
  server: AuthorizationServer,
  redeeming: Redeeming,
  reading: FamilyReading | null,
): Promise<Attempt<Outcome>> {
  const { client, request, presented } = redeeming
  if (reading === null) return refused(redeeming, 'no such family')
  const wanting = await findWanting(server, redeeming, reading)
  if (wanting !== null) return refused(redeeming, wanting)
  const sender = senderOf(server, client, request, reading.nowMs)
  if (!holdsKeyOfCode(reading.family, sender)) return refused(redeeming, 'the code is for another DPoP key')
  const { generation } = presented
  const { retryKey, caller } = request
  const policy = policyOf(server, client)
  const use = { generation, clientId: client.id, proof: sender.proof, policy, retryKey, caller }
  const { verdict, change, aside } = judgeUse(reading, use, server.entropy)
  if (aside !== null) server.background.run(() => server.store.events.record([aside]))
  if (verdict.kind !== 'advanced') return { change, result: failure(redeeming, reasonOf(verdict)) }
  const family = { ...verdict.family, keyId: server.currentKeyId }
  const { scopes, resources, authorizationDetails } = narrow(family.grant, client, request.parameters)
  const signing = { client, family, scopes, resources, nowMs: reading.nowMs }
  const ingredients = (await beforeSigning(server, signing)) ?? plainIngredients
  const nonce = family.redemption?.nonce ?? null
  const told = { ...signing, ...ingredients, authorizationDetails, sender, nonce }
  const answer = await encryptIdToken(server, client, answerWithTokens(server, told))
  const saved = { change: { family, events: change?.events ?? [], cutOffs: [] }, result: { answer } }
  if (sender.mark === null) return saved
  return { ...saved, mark: { ...sender.mark, taken: { failure: replayed(client) } } }
}

/** What is wrong with the request apart from the family's own state, or null. */
async function findWanting(
  server: AuthorizationServer,
  redeeming: Redeeming,
  reading: FamilyReading,
): Promise<string | null> {
  const { client, request, presented } = redeeming
  const { family } = reading
  if (presented.generation !== 0 || family.redemption === null) return 'no authorization code of this server'
  if (!server.codec.provesSeed(presented, family.seed)) return 'the seed does not match'
  if (family.grant.clientId !== client.id) {
    note(server, redeeming, reading, 'wrong_client')
    return 'the code belongs to another client'
  }
  const redirectFault = redirectUriFault(family.redemption, client, request.parameters)
  if (redirectFault !== null) return redirectFault
  const fault = verifierFault(family.redemption, client, request)
  if (fault === publishedVerifier) note(server, redeeming, reading, 'suspicious_pkce')
  return fault
}

/** RFC 9449 §10: whoever began with a key ends with it. */
function holdsKeyOfCode({ redemption }: Family, sender: Sender): boolean {
  const wanted = redemption?.dpopThumbprint ?? null
  return wanted === null || sender.confirmation?.jkt === wanted
}

/** Worth an event, however often it happens, though nothing changes. */
function note(
  server: AuthorizationServer,
  redeeming: Redeeming,
  reading: FamilyReading,
  kind: 'wrong_client' | 'suspicious_pkce',
): void {
  const { client, request } = redeeming
  const detail = kind === 'wrong_client' ? { presented_by: client.id } : { verifier: 'shown by the front channel' }
  const happening = { generation: 0, caller: request.caller, atMs: reading.nowMs, detail }
  const event = countedEvent(kind, reading.family, happening)
  server.background.run(() => server.store.events.record([event]))
}

const publishedVerifier = 'code_verifier is a value that the front channel showed'

/** RFC 6749 §4.1.3: what was sent must be sent again, the same; and it must still be registered. */
function redirectUriFault(redemption: Redemption, client: Client, parameters: Parameters): string | null {
  const sent = valueOf(parameters, 'redirect_uri')
  if (sent === undefined && redemption.redirectUriSent) return 'redirect_uri is missing'
  if (sent !== undefined && sent !== redemption.redirectUri) return 'redirect_uri differs'
  const isRegistered = client.redirectUris.some(registered => isSameRedirectUri(registered, redemption.redirectUri))
  return isRegistered ? null : 'redirect_uri is no longer registered'
}

/** RFC 7636 §4.6, and the downgrade in which a verifier comes without a challenge (RFC 9700 §2.1.1). */
function verifierFault(redemption: Redemption, client: Client, request: ProtocolRequest): string | null {
  const verifier = request.parameters.get('code_verifier')
  const { codeChallenge } = redemption
  if (codeChallenge === null) return verifier === undefined ? null : 'code_verifier without a code_challenge'
  if (verifier === undefined) return 'code_verifier is missing'
  if (!isCodeVerifier(verifier)) return 'code_verifier is malformed'
  if (!isSameDigest(hash('sha256', verifier, 'base64url'), codeChallenge)) return 'code_verifier does not match'
  const isPublished = redemption.challengeIsGuessable || verifier === redemption.nonce || verifier === client.id
  return isPublished ? publishedVerifier : null
}

function isSameDigest(left: string, right: string): boolean {
  const a = Buffer.from(left)
  const b = Buffer.from(right)
  return a.length === b.length && timingSafeEqual(a, b)
}

function reasonOf(verdict: Verdict): string {
  return verdict.kind === 'refused' ? verdict.reason : verdict.kind
}

function refused(redeeming: Redeeming, reason: string): Attempt<Outcome> {
  return { change: null, result: failure(redeeming, reason) }
}

function failure(redeeming: Redeeming, reason: string): Outcome {
  const { familyId, generation } = redeeming.presented
  return {
    failure: new OAuthError('invalid_grant', reason, {
      context: { clientId: redeeming.client.id, familyId, generation },
    }),
  }
}

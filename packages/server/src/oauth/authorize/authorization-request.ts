/**
 * An authorization request as it was checked at the door (OAuth 2.1 §4.1.1, OIDC Core §3.1.2.1). Until the client and
 * its redirect URI are certain, a fault is shown to the person; from then on it goes back to the application.
 */

import { isS256Challenge, isSameRedirectUri, isSubset, parsePrompts, parseScope, type Prompt } from '@pawl/protocol'
import { type Client, isPublicClient } from '../../domain/client/client.ts'
import { mustNameRedirectUri } from '../../domain/client/client-profile.ts'
import { type WantedAcr, wantedAcr } from '../../domain/session/acr.ts'
import { type AuthorizationServer, type Parameters, valueOf } from '../authorization-server.ts'
import { requestedDetails } from '../authorization-details.ts'
import { OAuthError, type OAuthErrorCode } from '../oauth-error.ts'
import { requestedResources } from '../requested-resources.ts'
import { keyOfCode } from '../sender.ts'
import { acrAskedFor, keptClaims, subjectAskedFor } from '../user-claims.ts'
import { type ResponseMode, type ReturnAddress, responseModes } from './authorization-response.ts'
import { subjectOfHint } from './id-token-hint.ts'

/** Plain JSON: it rides, sealed, through the browser while the person signs in and agrees. */
export interface AuthorizationRequest extends ReturnAddress {
  readonly redirectUriSent: boolean
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly nonce: string | null
  readonly codeChallenge: string | null
  /** `dpop_jkt`: the only key that may redeem the code. */
  readonly dpopThumbprint: string | null
  readonly prompts: readonly Prompt[]
  readonly maxAgeSeconds: number | null
  readonly loginHint: string | null
  /** The only user who may answer: from `id_token_hint` or a `sub` value in `claims`. */
  readonly subject: string | null
  readonly claims: string | null
  /** What is asked of the sign-in, by `acr_values` or by `claims`; null where anything will do. */
  readonly wantedAcr: WantedAcr | null
  /** Rich authorization requests (RFC 9396 §2), as the JSON text that was checked at the door, or null. */
  readonly authorizationDetails: string | null
}

export const stateCharactersMax = 4096
export const nonceCharactersMax = 1024
export const loginHintCharactersMax = 254
export const acrValuesCharactersMax = 512

/** Where the answer goes. Throws what is shown to the person, never sent to an address that is not registered. */
export function returnAddressOf(client: Client, parameters: Parameters): ReturnAddress {
  const sent = valueOf(parameters, 'redirect_uri')
  const redirectUri = sent ?? onlyRedirectUri(client, parameters)
  if (!client.redirectUris.some(registered => isSameRedirectUri(registered, redirectUri))) {
    throw redirectFault(client, 'The address to return to is not registered for this application.')
  }
  const state = valueOf(parameters, 'state') ?? null
  if (state !== null && state.length > stateCharactersMax) throw redirectFault(client, 'The state is too long.')
  return {
    clientId: client.id,
    redirectUri,
    responseMode: responseModeOf(redirectUri, parameters),
    state,
    pushed: null,
    device: null,
  }
}

/** How even a fault is answered: as asked for, where that can be done. */
function responseModeOf(redirectUri: string, parameters: Parameters): ResponseMode {
  const mode = sentResponseMode(parameters) ?? 'query'
  if (!mode.startsWith('form_post') || /^https?:/.test(redirectUri)) return mode
  return mode === 'form_post' ? 'query' : 'query.jwt'
}

/** JARM §2.3.4: `jwt` is the default mode of the response type, as a JWT. Null for none, or one that is not known here. */
function sentResponseMode(parameters: Parameters): ResponseMode | null {
  const mode = valueOf(parameters, 'response_mode')
  if (mode === 'jwt') return 'query.jwt'
  return responseModes.find(known => known === mode) ?? null
}

/** OAuth 2.1 §4.1.1 lets a client with one redirect URI leave it out; OIDC Core §3.1.2.1 and FAPI 2.0 do not. */
function onlyRedirectUri(client: Client, parameters: Parameters): string {
  const [only, second] = client.redirectUris
  const isOpenid = (parameters.get('scope') ?? '').split(' ').includes('openid')
  const mayBeLeftOut = !isOpenid && !mustNameRedirectUri(client.profile)
  if (only !== undefined && second === undefined && mayBeLeftOut) return only
  throw redirectFault(client, 'The request names no address to return to.')
}

function redirectFault(client: Client, description: string): OAuthError {
  return new OAuthError('invalid_request', description, { status: 400, description, context: { clientId: client.id } })
}

/** The rest of the request. What is wrong with it may be told to the application at that address. */
export async function checkedRequest(
  server: AuthorizationServer,
  client: Client,
  to: ReturnAddress,
  parameters: Parameters,
): Promise<AuthorizationRequest> {
  checkWhatIsNotThere(client, to, parameters)
  const scopes = scopesOf(client, parameters)
  const nonce = limited(parameters, 'nonce', nonceCharactersMax)
  const claims = claimsOf(client, parameters)
  return {
    ...to,
    redirectUriSent: valueOf(parameters, 'redirect_uri') !== undefined,
    scopes,
    resources: await requestedResources(server, client, parameters),
    nonce,
    codeChallenge: challengeOf(parameters, mayLeaveOutChallenge(client, scopes, nonce)),
    dpopThumbprint: keyOfCode(client, parameters, null),
    prompts: promptsOf(server, parameters),
    maxAgeSeconds: maxAgeOf(parameters) ?? client.requests.defaultMaxAgeSeconds,
    loginHint: limited(parameters, 'login_hint', loginHintCharactersMax),
    subject: await onlySubject(server, client, { hint: valueOf(parameters, 'id_token_hint'), claims }),
    claims,
    wantedAcr: acrOf(claims, acrWishOf(client, parameters, claims)),
    authorizationDetails: await requestedDetails(server, client, parameters),
  }
}

function checkWhatIsNotThere(client: Client, to: ReturnAddress, parameters: Parameters): void {
  if (valueOf(parameters, 'request_uri') !== undefined) {
    throw fault('request_uri_not_supported', 'The only request URIs here are those of pushed requests.')
  }
  if (valueOf(parameters, 'registration') !== undefined)
    throw fault('registration_not_supported', 'The registration parameter is not supported.')
  const type = valueOf(parameters, 'response_type')
  if (type === undefined) throw fault('invalid_request', 'response_type is missing.')
  if (type !== 'code') throw fault('unsupported_response_type', 'The only response type here is code.')
  const mode = sentResponseMode(parameters)
  if (mode === null && valueOf(parameters, 'response_mode') !== undefined) {
    throw fault('invalid_request', `The response modes here are jwt, ${responseModes.join(', ')}.`)
  }
  if (mode !== null && mode !== to.responseMode) {
    throw fault('invalid_request', 'A form can be posted to http and https addresses only.')
  }
  if (!client.grantTypes.includes('authorization_code')) {
    throw fault('unauthorized_client', 'The client is not registered for authorization codes.')
  }
}

/** Without a scope the client gets what it is registered for, less what only an explicit word should give. */
export function scopesOf(client: Client, parameters: Parameters): readonly string[] {
  const text = valueOf(parameters, 'scope')
  if (text === undefined) {
    // Whoever says in detail what is wanted does not want everything besides (RFC 9396 §3.1).
    if (parameters.has('authorization_details')) return []
    return client.scopes.filter(scope => scope !== 'openid' && scope !== 'offline_access')
  }
  const wanted = parseScope(text)
  if (wanted === null || !isSubset(wanted, client.scopes)) {
    throw fault('invalid_scope', 'The scope is malformed or not registered for this client.')
  }
  const mayRefresh = client.grantTypes.includes('refresh_token')
  return mayRefresh ? wanted : wanted.filter(scope => scope !== 'offline_access')
}

/** PKCE is for everyone; a confidential OpenID client may be registered to send a nonce instead, or neither (RFC 9700 §2.1.1). */
function mayLeaveOutChallenge(client: Client, scopes: readonly string[], nonce: string | null): boolean {
  if (isPublicClient(client) || !scopes.includes('openid')) return false
  return client.pkce === 'optional' || (client.pkce === 'or_nonce' && nonce !== null)
}

function challengeOf(parameters: Parameters, mayBeLeftOut: boolean): string | null {
  const challenge = valueOf(parameters, 'code_challenge')
  const method = valueOf(parameters, 'code_challenge_method')
  if (challenge === undefined) {
    if (method !== undefined) throw fault('invalid_request', 'code_challenge_method came without a code_challenge.')
    if (mayBeLeftOut) return null
    throw fault('invalid_request', 'code_challenge is missing (PKCE with S256 is required).')
  }
  if (method !== 'S256') throw fault('invalid_request', 'code_challenge_method must be S256.')
  if (!isS256Challenge(challenge)) throw fault('invalid_request', 'code_challenge is not a base64url SHA-256 digest.')
  return challenge
}

function promptsOf(server: AuthorizationServer, parameters: Parameters): readonly Prompt[] {
  const text = valueOf(parameters, 'prompt')
  const known = text === undefined ? [] : parsePrompts(text)
  // A value that is not in the metadata is one we do not know (Prompt Create §2).
  if (known === null || (known.includes('create') && !server.rules.signUp)) {
    throw fault('invalid_request', 'prompt has an unknown value, or one that stands alone beside another.')
  }
  return known
}

function maxAgeOf(parameters: Parameters): number | null {
  const text = valueOf(parameters, 'max_age')
  if (text === undefined) return null
  if (/^[0-9]{1,10}$/.test(text)) return Number(text)
  throw fault('invalid_request', 'max_age is not a number of seconds.')
}

/** Who alone may answer, or null for anybody. Two ways to say it must not say two people. */
async function onlySubject(
  server: AuthorizationServer,
  client: Client,
  said: { readonly hint: string | undefined; readonly claims: string | null },
): Promise<string | null> {
  const byHint = await subjectOfHint(server, client, said.hint)
  const byClaims = subjectAskedFor(said.claims)
  if (byHint !== null && byClaims !== null && byHint !== byClaims) {
    throw fault('invalid_request', 'id_token_hint and claims name two different people.')
  }
  return byHint ?? byClaims
}

function claimsOf(client: Client, parameters: Parameters): string | null {
  const text = valueOf(parameters, 'claims')
  if (text === undefined) return null
  const kept = keptClaims(text, client.scopes)
  if (kept === null) throw fault('invalid_request', 'claims is not a JSON object of claim requests.')
  return kept
}

/** What the client registered counts where the request itself says nothing of it (OIDC Registration §2). */
function acrWishOf(client: Client, parameters: Parameters, claims: string | null): string | null {
  const sent = limited(parameters, 'acr_values', acrValuesCharactersMax)
  if (sent !== null || acrAskedFor(claims) !== null) return sent
  return client.requests.defaultAcrValues.join(' ')
}

/** An essential acr claim is a must and counts alone; the values of `acr_values` are a wish (OIDC Core §3.1.2.1, §5.5.1.1). */
function acrOf(claims: string | null, acrValues: string | null): WantedAcr | null {
  const byClaims = acrAskedFor(claims)
  if (byClaims?.essential !== true) {
    return wantedAcr([...(byClaims?.values ?? []), ...(acrValues?.split(' ') ?? [])], false)
  }
  const wanted = wantedAcr(byClaims.values, true)
  if (wanted !== null) return wanted
  throw fault('unmet_authentication_requirements', 'No way to sign in here has an acr that was demanded.')
}

function limited(parameters: Parameters, name: string, charactersMax: number): string | null {
  const value = valueOf(parameters, name) ?? null
  if (value !== null && value.length > charactersMax) throw fault('invalid_request', `${name} is too long.`)
  return value
}

export function fault(code: OAuthErrorCode, description: string): OAuthError {
  return new OAuthError(code, description, { description })
}

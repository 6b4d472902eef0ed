/**
 * An authorization request as it was checked at the door (OAuth 2.1 §4.1.1, OIDC Core §3.1.2.1). Until the client and
 * its redirect URI are certain, a fault is shown to the person; from then on it goes back to the application.
 */

import { isS256Challenge, isSameRedirectUri, isSubset, parsePrompts, parseScope, type Prompt } from '@pawl/protocol'
import { type Client, isPublicClient } from '../../domain/client/client.ts'
import { parseClientId } from '../../domain/identifiers.ts'
import { passwordAcr } from '../../domain/session/sessions.ts'
import { type AuthorizationServer, type Parameters, valueOf } from '../authorization-server.ts'
import { OAuthError, type OAuthErrorCode } from '../oauth-error.ts'
import { requestedResources } from '../requested-resources.ts'
import { keyOfCode } from '../sender.ts'
import { demandsOtherAcr, keptClaims, subjectAskedFor } from '../user-claims.ts'
import {
  type AuthorizationResponse,
  errorResponse,
  type ResponseMode,
  type ReturnAddress,
} from './authorization-response.ts'
import { subjectOfHint } from './id-token-hint.ts'

/** Plain JSON: it rides, sealed, through the browser while the person signs in and agrees. */
export interface AuthorizationRequest extends ReturnAddress {
  readonly clientId: Client['id']
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
  /** Rich authorization requests (RFC 9396 §2), as the JSON text that was checked at the door, or null. */
  readonly authorizationDetails: string | null
}

export type ReadRequest =
  | { readonly kind: 'request'; readonly request: AuthorizationRequest; readonly client: Client }
  | { readonly kind: 'response'; readonly response: AuthorizationResponse; readonly fault: OAuthError }

export const stateCharactersMax = 4096
export const nonceCharactersMax = 1024
export const loginHintCharactersMax = 254
/**
 * Of the checked request as JSON. It rides, sealed, in one parameter of our own forms, and a parameter has at most 8,192
 * bytes: three quarters of that, less what the way through sign-in adds.
 */
export const requestBytesMax = 5_400

/** Throws an `OAuthError` for a page, never a redirect, while client or redirect URI are in doubt (RFC 9700 §4.11.2). */
export async function readAuthorizationRequest(
  server: AuthorizationServer,
  parameters: Parameters,
): Promise<ReadRequest> {
  const client = await clientOf(server, parameters)
  const to = returnAddressOf(client, parameters)
  try {
    const request = await checkedRequest(server, client, to, parameters)
    if (Buffer.byteLength(JSON.stringify(request)) > requestBytesMax) {
      throw fault('invalid_request', 'The request is too long to be carried through sign-in.')
    }
    return { kind: 'request', client, request }
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    return { kind: 'response', response: errorResponse(server, to, error), fault: faultOf(client, error) }
  }
}

/** The same fault with its client, for the log. */
function faultOf(client: Client, error: OAuthError): OAuthError {
  const { code, detail, description } = error
  return new OAuthError(code, detail, { description, context: { clientId: client.id }, cause: error })
}

async function clientOf(server: AuthorizationServer, parameters: Parameters): Promise<Client> {
  const clientId = parseClientId(parameters.get('client_id') ?? '')
  const reading = clientId === null ? null : await server.store.clients.read(clientId)
  if (reading !== null && !reading.client.disabled) return reading.client
  const description = 'The application that sent you here is not known.'
  throw new OAuthError('invalid_client', 'no such client, or it is disabled', { status: 400, description })
}

function returnAddressOf(client: Client, parameters: Parameters): ReturnAddress {
  const sent = valueOf(parameters, 'redirect_uri')
  const redirectUri = sent ?? onlyRedirectUri(client, parameters)
  if (!client.redirectUris.some(registered => isSameRedirectUri(registered, redirectUri))) {
    throw redirectFault(client, 'The address to return to is not registered for this application.')
  }
  const state = valueOf(parameters, 'state') ?? null
  if (state !== null && state.length > stateCharactersMax) throw redirectFault(client, 'The state is too long.')
  const wantsForm = parameters.get('response_mode') === 'form_post' && /^https?:/.test(redirectUri)
  const responseMode: ResponseMode = wantsForm ? 'form_post' : 'query'
  return { redirectUri, responseMode, state }
}

/** OAuth 2.1 §4.1.1 lets a client with one redirect URI leave it out; OIDC Core §3.1.2.1 does not. */
function onlyRedirectUri(client: Client, parameters: Parameters): string {
  const [only, second] = client.redirectUris
  const isOpenid = (parameters.get('scope') ?? '').split(' ').includes('openid')
  if (only !== undefined && second === undefined && !isOpenid) return only
  throw redirectFault(client, 'The request names no address to return to.')
}

function redirectFault(client: Client, description: string): OAuthError {
  return new OAuthError('invalid_request', description, { status: 400, description, context: { clientId: client.id } })
}

async function checkedRequest(
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
    clientId: client.id,
    redirectUriSent: valueOf(parameters, 'redirect_uri') !== undefined,
    scopes,
    resources: requestedResources(client, parameters),
    nonce,
    codeChallenge: challengeOf(client, parameters, scopes.includes('openid') && nonce !== null),
    dpopThumbprint: keyOfCode(client, parameters, null),
    prompts: promptsOf(parameters),
    maxAgeSeconds: maxAgeOf(parameters),
    loginHint: limited(parameters, 'login_hint', loginHintCharactersMax),
    subject: await onlySubject(server, client, { hint: valueOf(parameters, 'id_token_hint'), claims }),
    claims,
    authorizationDetails: null,
  }
}

function checkWhatIsNotThere(client: Client, to: ReturnAddress, parameters: Parameters): void {
  if (parameters.has('request')) throw fault('request_not_supported', 'Request objects are not supported.')
  if (parameters.has('request_uri')) throw fault('request_uri_not_supported', 'Request URIs are not supported.')
  if (parameters.has('registration'))
    throw fault('registration_not_supported', 'The registration parameter is not supported.')
  const type = valueOf(parameters, 'response_type')
  if (type === undefined) throw fault('invalid_request', 'response_type is missing.')
  if (type !== 'code') throw fault('unsupported_response_type', 'The only response type here is code.')
  const mode = valueOf(parameters, 'response_mode')
  if (mode !== undefined && mode !== 'query' && mode !== 'form_post') {
    throw fault('invalid_request', 'The only response modes here are query and form_post.')
  }
  if (mode === 'form_post' && to.responseMode !== 'form_post') {
    throw fault('invalid_request', 'A form can be posted to http and https addresses only.')
  }
  if (!client.grantTypes.includes('authorization_code')) {
    throw fault('unauthorized_client', 'The client is not registered for authorization codes.')
  }
}

/** Without a scope the client gets what it is registered for, less what only an explicit word should give. */
function scopesOf(client: Client, parameters: Parameters): readonly string[] {
  const text = valueOf(parameters, 'scope')
  if (text === undefined) return client.scopes.filter(scope => scope !== 'openid' && scope !== 'offline_access')
  const wanted = parseScope(text)
  if (wanted === null || !isSubset(wanted, client.scopes)) {
    throw fault('invalid_scope', 'The scope is malformed or not registered for this client.')
  }
  const mayRefresh = client.grantTypes.includes('refresh_token')
  return mayRefresh ? wanted : wanted.filter(scope => scope !== 'offline_access')
}

/** PKCE is for everyone; a confidential OpenID client may be registered to send a nonce instead (RFC 9700 §2.1.1). */
function challengeOf(client: Client, parameters: Parameters, hasNonce: boolean): string | null {
  const challenge = valueOf(parameters, 'code_challenge')
  const method = valueOf(parameters, 'code_challenge_method')
  if (challenge === undefined) {
    if (method !== undefined) throw fault('invalid_request', 'code_challenge_method came without a code_challenge.')
    if (client.pkce === 'or_nonce' && !isPublicClient(client) && hasNonce) return null
    throw fault('invalid_request', 'code_challenge is missing (PKCE with S256 is required).')
  }
  if (method !== 'S256') throw fault('invalid_request', 'code_challenge_method must be S256.')
  if (!isS256Challenge(challenge)) throw fault('invalid_request', 'code_challenge is not a base64url SHA-256 digest.')
  return challenge
}

function promptsOf(parameters: Parameters): readonly Prompt[] {
  const text = valueOf(parameters, 'prompt')
  const known = text === undefined ? [] : parsePrompts(text)
  if (known === null) throw fault('invalid_request', 'prompt has an unknown value, or none beside another.')
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
  if (demandsOtherAcr(kept, passwordAcr)) {
    throw fault('unmet_authentication_requirements', 'No way to sign in here has an acr that was demanded.')
  }
  return kept
}

function limited(parameters: Parameters, name: string, charactersMax: number): string | null {
  const value = valueOf(parameters, name) ?? null
  if (value !== null && value.length > charactersMax) throw fault('invalid_request', `${name} is too long.`)
  return value
}

function fault(code: OAuthErrorCode, description: string): OAuthError {
  return new OAuthError(code, description, { description })
}

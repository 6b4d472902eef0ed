/** The authorization request: its parameters, and how it goes to the server, in the address or pushed (RFC 9126). */

import {
  type AuthorizationServer,
  None,
  processPushedAuthorizationResponse,
  pushedAuthorizationRequest,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import type { Custody } from '../holder/holder.ts'
import { clientAt, requestOptions } from '../holder/server.ts'
import { SignInFailed, SignInRefused } from './failures.ts'
import { lists } from './server-of-custody.ts'
import { signInRequestSeconds } from './token-request.ts'
import { withoutSecrets } from './without-secrets.ts'

/** What an application wants of a sign-in. All texts go to the server as they are. */
export interface SignInWishes {
  /** Registered with the server, without a fragment. */
  readonly redirectUri: string
  /** Space-separated. With `openid` the answer must have an ID token. */
  readonly scope?: string
  /** RFC 8707: what tokens may be for. The first access token is for the first of them. */
  readonly resource?: string | readonly string[]
  readonly prompt?: string
  readonly loginHint?: string
  readonly idTokenHint?: string
  readonly uiLocales?: string
  /** How the person should sign in, if possible. */
  readonly acrValues?: string
  /** How the person must sign in: the ID token says one of these, or the sign-in fails (OIDC Core §5.5.1.1). */
  readonly essentialAcr?: readonly string[]
  /** The person signed in at most so long ago, by the ID token. */
  readonly maxAgeSeconds?: number
  /** Who must come back, where the application knows already: at a step-up, or a silent renewal. */
  readonly expectedSubject?: string
  /** Binds code and tokens to a key (RFC 9449). By default where the client is registered with `dpop_bound_access_tokens`. */
  readonly useDpop?: boolean
  /**
   * Sends the request to the server first (RFC 9126). By default where the server offers it; but a public client in a web
   * page does so only where it is required, because few servers answer web pages there.
   */
  readonly isPushed?: boolean
  /** Asks for an answer signed by the server (JARM), and takes no other. */
  readonly isAnswerSigned?: boolean
  /** Parameters that have no name here. They replace none that has one. */
  readonly additional?: { readonly [name: string]: string }
  /** Sealed with the transaction and given back at its end: where to go on, for example. */
  readonly carried?: string
}

export interface RequestSecrets {
  readonly state: string
  readonly nonce: string | null
  readonly codeChallenge: string
  readonly dpopThumbprint: string | null
}

export function parametersOf(custody: Custody, wishes: SignInWishes, secrets: RequestSecrets): URLSearchParams {
  const { resource, essentialAcr, maxAgeSeconds } = wishes
  const parameters = new URLSearchParams(wishes.additional)
  const values: { readonly [name: string]: string | null | undefined } = {
    response_type: 'code',
    client_id: custody.client.client_id,
    redirect_uri: wishes.redirectUri,
    scope: wishes.scope,
    state: secrets.state,
    nonce: secrets.nonce,
    code_challenge: secrets.codeChallenge,
    code_challenge_method: 'S256',
    response_mode: wishes.isAnswerSigned === true ? 'query.jwt' : null,
    prompt: wishes.prompt,
    login_hint: wishes.loginHint,
    id_token_hint: wishes.idTokenHint,
    ui_locales: wishes.uiLocales,
    acr_values: wishes.acrValues,
    max_age: maxAgeSeconds === undefined ? null : String(maxAgeSeconds),
    dpop_jkt: secrets.dpopThumbprint,
    claims: essentialAcr === undefined ? null : essentialAcrClaim(essentialAcr),
  }
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null) parameters.set(name, value)
  }
  for (const each of resourcesOf(resource)) parameters.append('resource', each)
  return parameters
}

export function resourcesOf(resource: string | readonly string[] | undefined): readonly string[] {
  if (resource === undefined) return []
  return typeof resource === 'string' ? [resource] : resource
}

function essentialAcrClaim(values: readonly string[]): string {
  return JSON.stringify({ id_token: { acr: { essential: true, values } } })
}

/** The address to send the person to. Rejects with `SignInRefused` (`request`) or `SignInFailed`. */
export async function addressOf(
  custody: Custody,
  server: AuthorizationServer,
  parameters: URLSearchParams,
  isPushed: boolean | undefined,
): Promise<string> {
  const { authorization_endpoint: endpoint } = server
  if (endpoint === undefined) throw new SignInFailed('unsupported', 'the server has no authorization endpoint')
  const wish = pushOf(custody, server, isPushed)
  const requestUri = wish === 'no' ? null : await push(custody, server, parameters, wish)
  const sent =
    requestUri === null
      ? parameters
      : new URLSearchParams({ client_id: custody.client.client_id, request_uri: requestUri })
  const address = new URL(endpoint)
  for (const [name, value] of sent) address.searchParams.append(name, value)
  return address.href
}

type Push = 'no' | 'if possible' | 'must'

function pushOf(custody: Custody, server: AuthorizationServer, isPushed: boolean | undefined): Push {
  const isRequired =
    server.require_pushed_authorization_requests === true ||
    custody.client['require_pushed_authorization_requests'] === true
  if (isRequired || isPushed === true) return 'must'
  if (isPushed === false || server.pushed_authorization_request_endpoint === undefined) return 'no'
  const isPublicPage = custody.authentication === undefined && 'document' in globalThis
  return isPublicPage ? 'no' : 'if possible'
}

/** Null where the request could not be pushed and need not be: nothing in it is a secret. */
async function push(
  custody: Custody,
  server: AuthorizationServer,
  parameters: URLSearchParams,
  wish: Push,
): Promise<string | null> {
  const { authentication = None() } = custody
  if (server.pushed_authorization_request_endpoint === undefined) {
    throw new SignInFailed('unsupported', 'the server takes no pushed requests')
  }
  const client = clientAt(custody, 0)
  try {
    const options = requestOptions(custody, signInRequestSeconds)
    const response = await pushedAuthorizationRequest(server, client, authentication, parameters, options)
    return (await processPushedAuthorizationResponse(server, client, response)).request_uri
  } catch (cause) {
    if (cause instanceof ResponseBodyError) {
      throw new SignInRefused('request', cause.error, cause.error_description ?? null, { cause })
    }
    if (cause instanceof WWWAuthenticateChallengeError) {
      throw new SignInRefused('request', 'invalid_client', null, { cause })
    }
    if (wish === 'if possible') return null
    throw new SignInFailed('unanswered', 'the request could not be pushed to the server', {
      cause: withoutSecrets(cause),
    })
  }
}

/** PKCE with S256 is not given up: a server that says it does something else only cannot be used (RFC 9700 §2.1.1). */
export function checkServerCan(server: AuthorizationServer, useDpop: boolean): void {
  if (lists(server, 'code_challenge_methods_supported', 'S256') === false) {
    throw new SignInFailed('unsupported', 'the server does not take S256 challenges')
  }
  if (useDpop && lists(server, 'dpop_signing_alg_values_supported', 'ES256') !== true) {
    throw new SignInFailed('unsupported', 'the server does not take DPoP proofs with ES256')
  }
}

/** A sign-in from the redirect to the kept grant, in the steps in which the SDK and the application take it. */

import {
  AuthorizationResponseError,
  OperationProcessingError,
  UnsupportedOperationError,
  validateAuthResponse,
} from 'oauth4webapi'
import { formatRetryKey, retryKeyHeader } from '@pawl/protocol'
import { takesRetryKeys } from '../holder/ask.ts'
import type { TokenAnswer } from '../holder/holder.ts'
import { SignInFailed, SignInRefused } from '../sign-in/failures.ts'
import { type Attempt, attemptSeconds, type Signed, withAttempt, withClient, withoutAttempt } from './connection.ts'
import { endTurn, signInName } from './current-token.ts'
import { checkResource, isSameIssuer, ServerNotTrusted, trustedServer } from './discovery.ts'
import { type Answered, custodyOf, type Ground, grantNameOf, holderOf, signInSecondsDefault } from './ground.ts'
import { askOffline } from './offline-access.ts'
import type { SdkTokens } from './sdk.ts'

/** Requests that are refused together send the person away once. */
export const redirectQuietMs = 2000

/** Writes the attempt down, then sends the person away. */
export async function beginAttempt(ground: Ground, url: URL): Promise<void> {
  const { clock, flow } = ground
  const before = flow.redirectedAtMs
  if (clock.nowMs() - before < redirectQuietMs) return
  flow.redirectedAtMs = clock.nowMs()
  try {
    await sendAway(ground, url)
  } catch (error) {
    // Nobody was sent: the next one tries.
    flow.redirectedAtMs = before
    await endTurn(ground)
    throw error
  }
}

async function sendAway(ground: Ground, url: URL): Promise<void> {
  const { options, flow, record } = ground
  const attempt = attemptOf(ground, url)
  await record.change(connection => withAttempt(connection, attempt))
  await endTurn(ground)
  flow.lease = await options.store.lease(signInName(options), options.signInSeconds ?? signInSecondsDefault)
  flow.isAway = true
  flow.answered = null
  flow.redirects += 1
  await options.onRedirect(url)
}

/** Everything that the callback and the redemption need: they may come to another process. */
function attemptOf(ground: Ground, url: URL): Attempt {
  const { flow, serverUrl, clock } = ground
  const { discovery } = flow
  if (discovery === null) throw new TypeError('nothing was discovered: use this provider with the auth flow of the SDK')
  const { found, server } = discovery
  const wanted = new URL(server.authorization_endpoint ?? '')
  if (url.origin !== wanted.origin || url.pathname !== wanted.pathname) {
    throw new ServerNotTrusted(`${url.origin} is not where ${server.issuer} has people sign in`)
  }
  const parameter = (name: string) => url.searchParams.get(name) ?? ''
  const client = flow.clients.get(parameter('client_id'))
  const codeVerifier = flow.verifiers.get(parameter('code_challenge'))
  if (client === undefined || codeVerifier === undefined)
    throw new TypeError('the SDK sends people away for another provider')
  // MCP has the client name the server that the token is for, whether or not the server has metadata of its own.
  if (parameter('resource') === '') url.searchParams.set('resource', serverUrl.href)
  checkResource(parameter('resource'), serverUrl)
  askOffline(url, server, client.scope)
  flow.verifiers.delete(parameter('code_challenge'))
  return {
    state: parameter('state'),
    codeVerifier,
    redirectUri: parameter('redirect_uri'),
    resource: parameter('resource'),
    client,
    discovery: found,
    server,
    startedAtMs: clock.nowMs(),
  }
}

export async function trusted({ options, serverUrl, record }: Ground, discovery: Parameters<typeof trustedServer>[0]) {
  const { issuer } = await record.read()
  return trustedServer(discovery, { serverUrl, issuers: options.issuers ?? null, known: issuer })
}

/**
 * The code out of the address that the person came back to. Rejects with `SignInRefused` when the server said no, with
 * `SignInFailed` when the answer is to no attempt of ours, names another issuer (RFC 9207), came late or came before.
 */
export async function answerAttempt(ground: Ground, callback: URL): Promise<string> {
  const { record, flow, clock } = ground
  const state = callback.searchParams.get('state')
  const attempt = (await record.read()).attempts.find(each => each.state === state && state !== '')
  if (attempt === undefined) throw new SignInFailed('not_ours', 'the answer is to no sign-in that was begun here')
  if (clock.nowMs() - attempt.startedAtMs >= attemptSeconds * 1000) {
    throw new SignInFailed('expired', 'this sign-in took too long')
  }
  const code = await checkedCode(attempt, callback).catch(async (error: unknown) => {
    if (error instanceof SignInRefused) {
      await takeAttempt(ground, attempt)
      await endTurn(ground)
    }
    throw error
  })
  if (!(await takeAttempt(ground, attempt))) throw new SignInFailed('not_ours', 'this answer came before')
  flow.answered = { attempt, code, tokens: null }
  flow.discovery = { found: attempt.discovery, server: attempt.server }
  return code
}

/** An attempt is answered once, in whatever process; false for all but the first. Then the next person may be asked. */
async function takeAttempt({ record, flow, clock }: Ground, { state }: Attempt): Promise<boolean> {
  let isFirst = false
  await record.change(connection => {
    isFirst = connection.attempts.some(each => each.state === state)
    return isFirst ? withoutAttempt(connection, state, clock.nowMs()) : connection
  })
  flow.redirectedAtMs = Number.NEGATIVE_INFINITY
  return isFirst
}

async function checkedCode({ server, client, state }: Attempt, { searchParams }: URL): Promise<string> {
  try {
    const code = validateAuthResponse(server, { client_id: client.client_id }, searchParams, state).get('code')
    if (code !== null) return code
  } catch (cause) {
    if (cause instanceof AuthorizationResponseError) {
      throw new SignInRefused('authorization', cause.error, cause.error_description ?? null)
    }
    if (!(cause instanceof OperationProcessingError || cause instanceof UnsupportedOperationError)) throw cause
    // The cause has the parameters in it, a code perhaps, so it is not handed on; its sentence is fixed.
    throw new SignInFailed('not_ours', `the answer is not one to this sign-in (${cause.message})`)
  }
  throw new SignInFailed('not_ours', 'the answer has neither a code nor an error')
}

/** What is added to the SDK's request for the first tokens: all of it from the attempt that the code answers. */
export async function authenticateRedemption(
  ground: Ground,
  headers: Headers,
  params: URLSearchParams,
  url: string | URL,
): Promise<void> {
  const { attempt, code } = answeredOf(ground)
  const { server, client } = attempt
  if (params.get('grant_type') !== 'authorization_code' || params.get('code') !== code) {
    throw new TypeError('only the code of the last callback is redeemed here; tokens are refreshed by the holder')
  }
  if (String(url) !== new URL(server.token_endpoint ?? '').href) {
    throw new ServerNotTrusted(`${new URL(url).origin} is not where ${server.issuer} redeems codes`)
  }
  params.set('code_verifier', attempt.codeVerifier)
  params.set('redirect_uri', attempt.redirectUri)
  params.set('resource', attempt.resource)
  const custody = custodyOf(ground, attempt)
  await custody.authentication?.(server, { client_id: client.client_id }, params, headers)
  // With its retry key the redemption may be sent again when its answer is lost, and the family is keyed from its birth.
  if (takesRetryKeys(server)) headers.set(retryKeyHeader, formatRetryKey(await custody.custodyKey.retryKeyFor(code)))
}

/** Throws where the application took the code out of the address by itself: then nobody compared state and issuer. */
export function answeredOf({ flow }: Ground): Answered {
  if (flow.answered !== null) return flow.answered
  throw new TypeError('take the code from the callback with `codeFrom`, which checks state and issuer')
}

/** Keeps what the sign-in brought and makes it the grant in use; then gives back what it replaces. */
export async function completeAttempt(ground: Ground, { issuer, ...given }: SdkTokens): Promise<void> {
  const { flow, options, record } = ground
  const { attempt, tokens } = answeredOf(ground)
  if (issuer !== undefined && !isSameIssuer(issuer, attempt.server.issuer)) {
    throw new ServerNotTrusted(`tokens of ${issuer} are not those of ${attempt.server.issuer}`)
  }
  const signed: Signed = {
    grant: await grantNameOf(options.name, attempt.server.issuer, attempt.client.client_id),
    issuer: attempt.server.issuer,
    client: attempt.client,
    resource: attempt.resource,
  }
  // The SDK drops what it does not know of an answer, the lives of the grant for example; what passed our fetch is whole.
  const whole: TokenAnswer = tokens ?? withoutUndefined(given)
  await holderOf(ground, signed).keep(signed.grant, { tokens: whole, resource: attempt.resource })
  let before: Signed | null = null
  await record.change(connection => {
    before = connection.current
    return { ...withClient(connection, attempt.client), issuer: signed.issuer, current: signed }
  })
  flow.answered = null
  await endTurn(ground)
  await giveBack(ground, before, signed)
}

/** A grant of another issuer or client that was in use before is over now. */
async function giveBack(ground: Ground, before: Signed | null, signed: Signed): Promise<void> {
  if (before === null || before.grant === signed.grant) return
  try {
    await holderOf(ground, before).end(before.grant)
  } catch (error) {
    // The new sign-in stands; what could not be revoked runs out by itself.
    ground.options.onEvent?.({ kind: 'trouble', grant: before.grant, error })
  }
}

function withoutUndefined({ access_token, token_type, ...rest }: Omit<SdkTokens, 'issuer'>): TokenAnswer {
  const told = Object.entries(rest).filter(([, value]) => value !== undefined)
  return { access_token, token_type, ...Object.fromEntries(told) }
}

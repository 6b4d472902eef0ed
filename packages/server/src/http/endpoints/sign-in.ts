/** The posts of the sign-in page: a password, a change of mind, or another person. */

import { askForMail } from '../../oauth/account/password-by-mail.ts'
import type { AuthorizationServer, Parameters } from '../../oauth/authorization-server.ts'
import { errorResponse } from '../../oauth/authorize/authorization-response.ts'
import {
  interactionSeconds,
  type Resumed,
  sealInteraction,
  startInteraction,
  withLoginHint,
} from '../../oauth/authorize/interaction.ts'
import { authAgeSecondsMax } from '../../oauth/authorize/proceed.ts'
import { type PasswordOutcome, signInWithPassword } from '../../oauth/browser.ts'
import { signInWithPasskey } from '../../oauth/passkey-sign-in.ts'
import type { RequestId } from '../../domain/identifiers.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import { readForm } from '../form.ts'
import type { SignInProblem } from '../pages/sign-in-page.ts'
import { signUpPage } from '../pages/sign-up-page.ts'
import type { Endpoint } from '../router.ts'
import { afterSignIn } from './after-sign-in.ts'
import { type Browser, browserOf } from './browser-cookies.ts'
import { departure } from './departure.ts'
import { continueWith, signInResponse } from './next-response.ts'
import { authorizationResponse, clientOnPage, issuerHostOf, pageResponse, refuseForeignPost } from './page-answers.ts'
import { callerOf } from './protocol-request.ts'
import { resumed } from './resumed.ts'

export function signInEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    refuseForeignPost(request)
    const parameters = readForm(request)
    const browser = await browserOf(server, request)
    const interacting = await resumed(server, browser, parameters)
    const decision = parameters.get('decision')
    if (decision === 'cancel') return cancelled(server, interacting)
    if (decision === 'switch_account' || decision === 'have_account') return switched(server, interacting, browser)
    if (decision === 'create_account' && server.rules.signUp) return switched(server, interacting, browser, 'create')
    const attempt = { ...interacting, browser, parameters, request, requestId }
    if (decision === 'sign_up') return askedForAccount(server, attempt)
    if (decision === 'upstream') return leaving(server, attempt)
    return decision === 'passkey' ? attemptedPasskey(server, attempt) : attempted(server, attempt)
  }
}

export interface Attempted extends Resumed {
  readonly browser: Browser
  readonly parameters: Parameters
  readonly request: HttpRequest
  readonly requestId: RequestId
}

async function attempted(server: AuthorizationServer, attempt: Attempted): Promise<HttpResponse> {
  const { browser, parameters, requestId } = attempt
  const caller = callerOf(attempt.request, requestId)
  const username = parameters.get('username') ?? ''
  const password = parameters.get('password') ?? ''
  const outcome = await signInWithPassword(server, { username, password, browser: browser.secrets, caller })
  if (outcome.kind === 'half') {
    const interaction = { ...attempt.interaction, firstFactor: outcome.firstFactor }
    return continueWith(server, interaction, browser, null)
  }
  if (outcome.kind !== 'signed_in') return refused(server, attempt, outcome)
  return afterSignIn(server, { ...attempt, caller }, outcome)
}

/** To another provider, with this very page to come back to. */
function leaving(server: AuthorizationServer, attempt: Attempted): Promise<HttpResponse> {
  const { interaction, client, parameters, browser, request, requestId } = attempt
  const errand = { kind: 'sign_in', stateToken: parameters.get('state_token') ?? '' } as const
  const { loginHint } = interaction.request
  const maxAgeSeconds = authAgeSecondsMax(interaction.request, client)
  const upstreamId = parameters.get('upstream') ?? ''
  return departure(server, { upstreamId, errand, loginHint, maxAgeSeconds, browser, request, requestId })
}

/** Somebody new. The page that follows is the same whether or not a mail goes out. */
async function askedForAccount(server: AuthorizationServer, attempt: Attempted): Promise<HttpResponse> {
  const { interaction, client, browser, parameters, request, requestId } = attempt
  const caller = callerOf(request, requestId)
  const email = parameters.get('username') ?? ''
  await askForMail(server, { email, wants: 'account', deviceSecret: browser.secrets.device, caller })
  const stateToken = sealInteraction(server, interaction, browser.hash)
  const frame = { issuerHost: issuerHostOf(server), client: clientOnPage(client, interaction.request.redirectUri) }
  return pageResponse(signUpPage({ ...frame, stateToken, loginHint: null, isSent: true }))
}

/** The page's own state gave the challenge, so only an answer to this very page counts. */
export async function attemptedPasskey(server: AuthorizationServer, attempt: Attempted): Promise<HttpResponse> {
  const { browser, parameters, interaction } = attempt
  const caller = callerOf(attempt.request, attempt.requestId)
  const outcome = await signInWithPasskey(server, {
    stateToken: parameters.get('state_token') ?? '',
    stateEndsAtMs: interaction.startedAtMs + interactionSeconds * 1000,
    answer: parameters.get('credential') ?? '',
    browser: browser.secrets,
    caller,
  })
  if (outcome.kind === 'signed_in') return afterSignIn(server, { ...attempt, caller }, outcome)
  if (outcome.kind === 'refused') return continueWith(server, interaction, browser, 'passkey_refused')
  return throttled(server, attempt, outcome)
}

/** Back to the same page with what was typed, less the password. Nothing says whether the address is known. */
function refused(
  server: AuthorizationServer,
  attempt: Attempted,
  outcome: Exclude<PasswordOutcome, { readonly kind: 'signed_in' | 'half' }>,
): Promise<HttpResponse> | HttpResponse {
  const interaction = withLoginHint(attempt.interaction, attempt.parameters.get('username') ?? '')
  if (outcome.kind === 'refused') return continueWith(server, interaction, attempt.browser, 'refused')
  return throttled(server, { ...attempt, interaction }, outcome)
}

async function throttled(
  server: AuthorizationServer,
  attempt: Attempted,
  outcome: SignInProblem & { readonly retryAfterSeconds: number },
): Promise<HttpResponse> {
  const { interaction, client, browser, requestId } = attempt
  const next = { kind: 'sign_in', interaction, client, signedInAs: null } as const
  const response = await signInResponse(server, next, { browser, requestId, problem: outcome })
  return { ...response, headers: { ...response.headers, 'Retry-After': String(outcome.retryAfterSeconds) } }
}

export function cancelled(server: AuthorizationServer, { interaction }: Resumed): Promise<HttpResponse> {
  const description = 'The person did not sign in.'
  return authorizationResponse(
    server,
    errorResponse(server, interaction.request, { code: 'access_denied', description }),
  )
}

/** A new interaction, in which only a sign-in from now on counts. */
export async function switched(
  server: AuthorizationServer,
  { interaction }: Resumed,
  browser: Browser,
  to: 'login' | 'create' = 'login',
): Promise<HttpResponse> {
  const others = interaction.request.prompts.filter(prompt => prompt === 'consent')
  const prompts = to === 'create' ? [to] : [...others, to]
  const fresh = await startInteraction(server, { ...interaction.request, prompts, loginHint: null })
  return continueWith(server, fresh, browser, null)
}

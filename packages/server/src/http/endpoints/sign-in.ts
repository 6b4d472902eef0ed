/** The posts of the sign-in page: a password, a change of mind, or another person. */

import type { AuthorizationServer, Parameters } from '../../oauth/authorization-server.ts'
import { errorResponse } from '../../oauth/authorize/authorization-response.ts'
import { type Resumed, startInteraction, withLoginHint } from '../../oauth/authorize/interaction.ts'
import { proceed } from '../../oauth/authorize/proceed.ts'
import { type PasswordOutcome, signInWithPassword } from '../../oauth/browser.ts'
import type { RequestId } from '../../domain/identifiers.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import { readForm } from '../form.ts'
import type { SignInProblem } from '../pages/sign-in-page.ts'
import type { Endpoint } from '../router.ts'
import { type Browser, browserOf, signedInCookies, withCookies } from './browser-cookies.ts'
import { continueWith, nextAfterPost, signInResponse } from './next-response.ts'
import { authorizationResponse, refuseForeignPost } from './page-answers.ts'
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
    if (decision === 'switch_account') return switched(server, interacting, browser)
    return attempted(server, { ...interacting, browser, parameters, request, requestId })
  }
}

interface Attempted extends Resumed {
  readonly browser: Browser
  readonly parameters: Parameters
  readonly request: HttpRequest
  readonly requestId: RequestId
}

async function attempted(server: AuthorizationServer, attempt: Attempted): Promise<HttpResponse> {
  const { client, browser, parameters, requestId } = attempt
  const caller = callerOf(attempt.request, requestId)
  const username = parameters.get('username') ?? ''
  const password = parameters.get('password') ?? ''
  const outcome = await signInWithPassword(server, { username, password, browser: browser.secrets, caller })
  if (outcome.kind !== 'signed_in') return refused(server, attempt, outcome)
  const { session } = outcome
  const { interaction } = attempt
  const next = await proceed(server, { interaction, client, session, hasConsented: false, caller })
  const isOther = next.kind === 'sign_in'
  const response = isOther
    ? continueWith(server, interaction, browser, 'other_person')
    : nextAfterPost(server, next, { browser, requestId, problem: null })
  return withCookies(response, signedInCookies(outcome.secrets, session))
}

/** Back to the same page with what was typed, less the password. Nothing says whether the address is known. */
function refused(
  server: AuthorizationServer,
  attempt: Attempted,
  outcome: Exclude<PasswordOutcome, { readonly kind: 'signed_in' }>,
): HttpResponse {
  const { client, browser, requestId } = attempt
  const interaction = withLoginHint(attempt.interaction, attempt.parameters.get('username') ?? '')
  if (outcome.kind === 'refused') return continueWith(server, interaction, browser, 'refused')
  const problem: SignInProblem = outcome
  const response = signInResponse(
    server,
    { kind: 'sign_in', interaction, client, signedInAs: null },
    { browser, requestId, problem },
  )
  return { ...response, headers: { ...response.headers, 'Retry-After': String(outcome.retryAfterSeconds) } }
}

function cancelled(server: AuthorizationServer, { interaction }: Resumed): HttpResponse {
  const description = 'The person did not sign in.'
  return authorizationResponse(
    server,
    errorResponse(server, interaction.request, { code: 'access_denied', description }),
  )
}

/** A new interaction, in which only a sign-in from now on counts. */
async function switched(
  server: AuthorizationServer,
  { interaction }: Resumed,
  browser: Browser,
): Promise<HttpResponse> {
  const prompts = [...new Set([...interaction.request.prompts, 'login' as const])]
  const fresh = await startInteraction(server, { ...interaction.request, prompts, loginHint: null })
  return continueWith(server, fresh, browser, null)
}

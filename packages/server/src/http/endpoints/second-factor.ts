/** The posts of the second factor's page. */

import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { proceed } from '../../oauth/authorize/proceed.ts'
import { signInWithCode } from '../../oauth/second-factor.ts'
import type { HttpResponse } from '../exchange.ts'
import { readForm } from '../form.ts'
import type { Endpoint } from '../router.ts'
import { afterSignIn } from './after-sign-in.ts'
import { browserOf } from './browser-cookies.ts'
import { continueWith, nextResponse, secondFactorResponse } from './next-response.ts'
import { refuseForeignPost } from './page-answers.ts'
import { callerOf } from './protocol-request.ts'
import { resumed } from './resumed.ts'
import { type Attempted, attemptedPasskey, cancelled, switched } from './sign-in.ts'

export function secondFactorEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    refuseForeignPost(request)
    const parameters = readForm(request)
    const browser = await browserOf(server, request)
    const interacting = await resumed(server, browser, parameters)
    const decision = parameters.get('decision')
    if (decision === 'cancel') return cancelled(server, interacting)
    if (decision === 'switch_account') return switched(server, interacting, browser)
    const attempt = { ...interacting, browser, parameters, request, requestId }
    return decision === 'passkey' ? attemptedPasskey(server, attempt) : attemptedCode(server, attempt)
  }
}

async function attemptedCode(server: AuthorizationServer, attempt: Attempted): Promise<HttpResponse> {
  const { interaction, client, browser, requestId, parameters } = attempt
  const caller = callerOf(attempt.request, requestId)
  // Asked again, because the page may have stood open: what it stands on must still be there.
  const next = await proceed(server, { interaction, client, session: browser.session, hasConsented: false, caller })
  if (next.kind !== 'second_factor' || !next.offers.code) {
    return nextResponse(server, next, { browser, requestId, problem: null })
  }
  const isAfterPassword = interaction.firstFactor?.subject === next.user.subject
  const outcome = await signInWithCode(server, {
    firstFactor: isAfterPassword ? interaction.firstFactor : null,
    session: browser.session,
    code: parameters.get('code') ?? '',
    browser: browser.secrets,
    caller,
  })
  if (outcome.kind === 'signed_in') return afterSignIn(server, { ...attempt, caller }, outcome)
  if (outcome.kind === 'refused') return continueWith(server, interaction, browser, 'refused')
  const response = await secondFactorResponse(server, next, { browser, requestId, problem: outcome })
  return { ...response, headers: { ...response.headers, 'Retry-After': String(outcome.retryAfterSeconds) } }
}

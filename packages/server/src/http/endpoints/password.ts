/** A forgotten password and a new account: asking for the mail, and using its link. Neither needs a session or gives one. */

import { askForMail, choosePasswordPath, readLink, useLink } from '../../oauth/account/password-by-mail.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import type { HttpResponse } from '../exchange.ts'
import { readForm, readQuery } from '../form.ts'
import {
  choosePasswordPage,
  forgottenPage,
  linkOverPage,
  mailSentPage,
  passwordChosenPage,
  recentMailsPage,
} from '../pages/password-pages.ts'
import { passwordSentence } from '../pages/password-sentence.ts'
import type { Endpoint } from '../router.ts'
import { accountPath } from './account-sign-in.ts'
import { deviceSecretOf } from './browser-cookies.ts'
import { issuerHostOf, pageResponse, refuseForeignPost } from './page-answers.ts'
import { callerOf } from './protocol-request.ts'

export function forgottenEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    const frame = { issuerHost: issuerHostOf(server) }
    if (request.method !== 'POST') return pageResponse(forgottenPage(frame))
    refuseForeignPost(request)
    const email = readForm(request).get('username') ?? ''
    const caller = callerOf(request, requestId)
    await askForMail(server, { email, wants: 'password', deviceSecret: deviceSecretOf(request), caller })
    return pageResponse(mailSentPage(frame))
  }
}

/** GET only shows: programs that look into mail open links too. */
export function choosePasswordEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    if (request.method !== 'POST') return chooseResponse(server, readQuery(request).get('token') ?? '', null)
    refuseForeignPost(request)
    const parameters = readForm(request)
    const token = parameters.get('token') ?? ''
    const password = parameters.get('new_password') ?? ''
    const outcome = await useLink(server, token, password, callerOf(request, requestId))
    const frame = { issuerHost: issuerHostOf(server) }
    switch (outcome.kind) {
      case 'done':
        return pageResponse(passwordChosenPage({ ...frame, email: outcome.email, accountHref: accountPath }))
      case 'over':
        return overResponse(server)
      case 'password_refused':
        return chooseResponse(server, token, passwordSentence(outcome.fault))
      case 'busy': {
        const text = 'Many people are signing in at this moment. Please try again in a few seconds.'
        const response = await chooseResponse(server, token, text)
        return {
          ...response,
          status: 503,
          headers: { ...response.headers, 'Retry-After': String(outcome.retryAfterSeconds) },
        }
      }
    }
  }
}

/** Registered in development alone. */
export function recentMailsEndpoint(server: AuthorizationServer): Endpoint {
  return async () => {
    const mails = server.mailer?.recent() ?? []
    return pageResponse(recentMailsPage({ issuerHost: issuerHostOf(server), mails }))
  }
}

async function chooseResponse(
  server: AuthorizationServer,
  token: string,
  problem: string | null,
): Promise<HttpResponse> {
  const link = await readLink(server, token)
  if (link === null) return overResponse(server)
  const frame = { issuerHost: issuerHostOf(server), action: choosePasswordPath }
  return pageResponse(choosePasswordPage({ ...frame, token, email: link.email, problem }))
}

function overResponse(server: AuthorizationServer): HttpResponse {
  return pageResponse(linkOverPage({ issuerHost: issuerHostOf(server), canAsk: server.mailer !== null }), 400)
}

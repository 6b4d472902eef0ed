import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { answerConsent } from '../../oauth/authorize/consent-answer.ts'
import { OAuthError } from '../../oauth/oauth-error.ts'
import { readForm } from '../form.ts'
import type { Endpoint } from '../router.ts'
import { browserOf } from './browser-cookies.ts'
import { nextAfterPost } from './next-response.ts'
import { refuseForeignPost } from './page-answers.ts'
import { callerOf } from './protocol-request.ts'
import { resumed } from './resumed.ts'

/** The post of the consent page. What is allowed is what was sealed; no field of the form can add to it. */
export function consentEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    refuseForeignPost(request)
    const parameters = readForm(request)
    const browser = await browserOf(server, request)
    const { interaction, client } = await resumed(server, browser, parameters)
    const decision = parameters.get('decision')
    if (decision !== 'allow' && decision !== 'deny') {
      throw new OAuthError('invalid_request', 'the decision is neither allow nor deny')
    }
    const caller = callerOf(request, requestId)
    const next = await answerConsent(server, { interaction, client, session: browser.session, decision, caller })
    return nextAfterPost(server, next, { browser, requestId, problem: null })
  }
}

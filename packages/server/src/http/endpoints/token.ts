import { introspect } from '../../oauth/introspect.ts'
import { acceptsIntrospectionJwt, introspectionJwt, introspectionJwtType } from '../../oauth/introspection-jwt.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { nextNonce } from '../../oauth/dpop-proof.ts'
import { failureKey } from '../../oauth/failure-key.ts'
import { revoke } from '../../oauth/revoke.ts'
import { answerTokenRequest } from '../../oauth/token.ts'
import type { FailureDelay } from '../failure-delay.ts'
import type { Endpoint } from '../router.ts'
import { protocolRequest, uncachedJson, uncachedText } from './protocol-request.ts'

export function tokenEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    const asked = protocolRequest(request, requestId)
    const answer = await answerTokenRequest(server, asked)
    return asked.dpop === undefined ? uncachedJson(answer) : uncachedJson(answer, await nextNonce(server, asked))
  }
}

/** RFC 7009 §2.2: 200 with nothing to say, whatever the token was. */
export function revocationEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    await revoke(server, protocolRequest(request, requestId))
    return { ...uncachedJson({}), body: '' }
  }
}

/** Inactive answers are counted as failures are: a scan gets slower, and looks the same (RFC 7662 §4). */
export function introspectionEndpoint(server: AuthorizationServer, failureDelay: FailureDelay): Endpoint {
  return async (request, requestId) => {
    const { introspection, client } = await introspect(server, protocolRequest(request, requestId))
    if (!introspection.active) await failureDelay.delay(failureKey(client.id, request.address))
    if (!acceptsIntrospectionJwt(request.headers['accept'])) return uncachedJson(introspection)
    return uncachedText(await introspectionJwt(server, client, introspection), introspectionJwtType)
  }
}

import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { readRevocationFeed } from '../../oauth/revocation-feed.ts'
import type { Endpoint } from '../router.ts'
import { protocolRequest, uncachedJson } from './protocol-request.ts'

/** Answers when there is news, so at most `feedWaitSecondsMax` later. */
export function revocationFeedEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) =>
    uncachedJson(await readRevocationFeed(server, protocolRequest(request, requestId)))
}

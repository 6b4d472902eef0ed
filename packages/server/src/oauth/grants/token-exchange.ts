/**
 * Token exchange (RFC 8693), of two kinds and no others: a client's own refresh token for a branch, and an access token
 * that was sent to the client for one to somebody else. What was sent and cannot be used is an error; it is never left
 * out and taken for a weaker request.
 */

import type { Client } from '../../domain/client/client.ts'
import { type AuthorizationServer, type Parameters, type ProtocolRequest, valueOf } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { exchangeAccessToken } from './access-token-exchange.ts'
import { branch } from './branching.ts'
import type { TokenAnswer } from './token-answer.ts'
import { accessTokenType, refreshTokenType } from './token-types.ts'

export async function grantByTokenExchange(
  server: AuthorizationServer,
  client: Client,
  request: ProtocolRequest,
): Promise<TokenAnswer> {
  const { parameters } = request
  const subjectType = needed(client, parameters, 'subject_token_type')
  const subjectToken = needed(client, parameters, 'subject_token')
  refuseHalfAnActor(client, parameters)
  const wanted = valueOf(parameters, 'requested_token_type') ?? accessTokenType
  if (subjectType === refreshTokenType && wanted === refreshTokenType) {
    if (parameters.has('actor_token'))
      throw wrong(client, 'Nobody acts for anybody in a branch: leave actor_token out.')
    return branch(server, client, { request, subjectToken })
  }
  if (subjectType === accessTokenType && wanted === accessTokenType) {
    return exchangeAccessToken(server, client, { request, subjectToken })
  }
  throw wrong(client, 'An access token is exchanged for an access token here, and a refresh token for a refresh token.')
}

function needed(client: Client, parameters: Parameters, name: string): string {
  const value = valueOf(parameters, name)
  if (value === undefined) throw wrong(client, `${name} is missing.`)
  return value
}

/** RFC 8693 §2.1: the actor's token and its type come together or not at all. An empty one is not none. */
function refuseHalfAnActor(client: Client, parameters: Parameters): void {
  const [token, type] = [parameters.get('actor_token'), parameters.get('actor_token_type')]
  if (token === undefined && type === undefined) return
  if (token === undefined || token === '' || type !== accessTokenType) {
    throw wrong(client, 'actor_token comes with actor_token_type, and is an access token.')
  }
}

function wrong(client: Client, description: string): OAuthError {
  return new OAuthError('invalid_request', description, { description, context: { clientId: client.id } })
}

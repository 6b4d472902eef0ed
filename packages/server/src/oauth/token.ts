/** The token endpoint (OAuth 2.1 §3.2). A new grant type is one file in `grants/` and one line here; metadata reads it. */

import { type Client, deviceCodeGrantType, type GrantType, tokenExchangeGrantType } from '../domain/client/client.ts'
import { FamilyBusy } from '../domain/family/family-busy.ts'
import { type AuthorizationServer, type ProtocolRequest, valueOf } from './authorization-server.ts'
import { authenticateClient } from './client-authentication.ts'
import { grantByAuthorizationCode } from './grants/authorization-code.ts'
import { grantByClientCredentials } from './grants/client-credentials.ts'
import { grantByDeviceCode } from './grants/device-code.ts'
import { grantByRefreshToken, type LookAhead, lookAhead } from './grants/refresh-token.ts'
import { grantByTokenExchange } from './grants/token-exchange.ts'
import type { TokenAnswer } from './grants/token-answer.ts'
import { OAuthError } from './oauth-error.ts'

type GrantByToken = (
  server: AuthorizationServer,
  client: Client,
  request: ProtocolRequest,
  ahead: LookAhead | null,
) => Promise<TokenAnswer>

const grants: { readonly [type in GrantType]: GrantByToken } = {
  authorization_code: grantByAuthorizationCode,
  refresh_token: grantByRefreshToken,
  client_credentials: grantByClientCredentials,
  [deviceCodeGrantType]: grantByDeviceCode,
  [tokenExchangeGrantType]: grantByTokenExchange,
}

export const supportedGrantTypes = Object.keys(grants) as readonly GrantType[]

/** Answers with tokens, or throws an `OAuthError` after which everything stands as the verdict says. */
export async function answerTokenRequest(server: AuthorizationServer, request: ProtocolRequest): Promise<TokenAnswer> {
  const wanted = valueOf(request.parameters, 'grant_type')
  if (wanted === undefined) throw new OAuthError('invalid_request', 'grant_type is missing')
  const ahead = wanted === 'refresh_token' ? lookAhead(server, request) : null
  const client = await authenticateClient(server, request)
  const context = { clientId: client.id }
  const type = supportedGrantTypes.find(each => each === wanted)
  if (type === undefined) throw new OAuthError('unsupported_grant_type', 'no such grant type', { context })
  if (!client.grantTypes.includes(type))
    throw new OAuthError('unauthorized_client', `not registered for ${type}`, { context })
  try {
    return await grants[type](server, client, request, ahead)
  } catch (error) {
    if (error instanceof FamilyBusy) throw new OAuthError('slow_down', error.message, { context, cause: error })
    throw error
  }
}

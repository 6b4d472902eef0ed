/** The body of a 200 from the token endpoint (OAuth 2.1 §3.2.3), the same for every grant. */

import { absoluteLeftSeconds, type Family, idleLeftSeconds } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import { scopesWithin } from '../../domain/resource/target.ts'
import { issueIdToken } from '../../domain/token/id-token.ts'
import { issueAccessToken } from '../../domain/token/issue.ts'
import { accessTokenCharactersMax } from '../../domain/token/opaque-access-token.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { encryptedFor } from '../encrypted-for.ts'
import type { Sender } from '../sender.ts'
import type { Ingredients } from './before-signing.ts'

export interface TokenAnswer {
  readonly access_token: string
  /** RFC 8693 §2.2.1: what it is that was exchanged for, and `N_A` where that is no access token. */
  readonly issued_token_type?: string
  readonly token_type: 'Bearer' | 'DPoP' | 'N_A'
  readonly expires_in: number
  readonly refresh_token?: string
  readonly scope: string
  /** What was granted (RFC 9396 §7), as this access token carries it. */
  readonly authorization_details?: readonly object[]
  readonly id_token?: string
  /** Seconds until the refresh token runs out unused, and until the user must sign in again whatever happens. */
  readonly refresh_token_timeout?: number
  readonly authorization_expires_in?: number
}

export interface AnswerInput extends Ingredients {
  readonly client: Client
  /** The family as it is saved: the refresh token is minted for its current generation. */
  readonly family: Family
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly authorizationDetails: readonly object[] | null
  readonly sender: Sender
  readonly nonce: string | null
  readonly nowMs: number
}

/** Signs everything the answer needs. It can fail, so it runs before the step is saved: a failure of ours burns no token. */
export function answerWithTokens(server: AuthorizationServer, input: AnswerInput): TokenAnswer {
  const { client, family, authorizationDetails, sender, nowMs } = input
  // What was granted is said to the client in the ID token; an access token carries what its resource knows.
  const scopes = scopesWithin(input.target, input.scopes)
  const asked = scopes === input.scopes ? input : { ...input, scopes }
  const { token, expiresInSeconds } = issueAccessToken(server, asked, sender.confirmation)
  refuseTooLong(token, input)
  const answer: TokenAnswer = {
    access_token: token,
    token_type: sender.tokenType,
    expires_in: expiresInSeconds,
    ...refreshPart(server, family, nowMs),
    scope: scopes.join(' '),
    ...(authorizationDetails === null ? {} : { authorization_details: authorizationDetails }),
  }
  if (family.grant.subject === null || !input.scopes.includes('openid')) return answer
  const { nonce, idTokenClaims: userClaims } = input
  return { ...answer, id_token: issueIdToken(server, { client, family, accessToken: token, nonce, userClaims, nowMs }) }
}

/** The answer with its ID token encrypted, where the client is registered for that. Before the step is saved, like signing. */
export async function encryptIdToken(
  server: AuthorizationServer,
  client: Client,
  answer: TokenAnswer,
): Promise<TokenAnswer> {
  const { idTokenEncryption } = client.tokens
  if (idTokenEncryption === null || answer.id_token === undefined) return answer
  const content = { text: answer.id_token, isJwt: true }
  return { ...answer, id_token: await encryptedFor(server, client, idTokenEncryption, content) }
}

/** What nobody reads here could be neither introspected nor revoked, so it is not given out. */
function refuseTooLong(token: string, { client, resources }: AnswerInput): void {
  if (token.length <= accessTokenCharactersMax) return
  const description = `The access token would have more than ${accessTokenCharactersMax} characters: ask for less at once.`
  const code = resources.length > 0 ? 'invalid_target' : 'invalid_scope'
  throw new OAuthError(code, description, { description, context: { clientId: client.id } })
}

function refreshPart(server: AuthorizationServer, family: Family, nowMs: number): Partial<TokenAnswer> {
  if (!family.refreshable) return {}
  return {
    refresh_token: server.codec.mint('refresh_token', family),
    refresh_token_timeout: idleLeftSeconds(family, nowMs),
    authorization_expires_in: absoluteLeftSeconds(family, nowMs),
  }
}
